"""What is done from time to time, whatever happens in between."""

import asyncio

import pytest

from sessiond.process.recurring import recur


async def test_what_failed_once_is_done_again(caplog: pytest.LogCaptureFixture) -> None:
    """A collection of garbage that found no memory for itself is not the last one."""
    outcomes = iter([None, MemoryError("for a moment"), RuntimeError("can't start new thread"), None])
    done = 0

    async def work() -> None:
        nonlocal done
        done += 1
        if done > 4:
            raise asyncio.CancelledError
        if error := next(outcomes):
            raise error

    with pytest.raises(asyncio.CancelledError):
        await recur(0, "the work", work)
    assert 5 == done
    assert ["the work failed, and is tried again: MemoryError('for a moment')"] == caplog.messages[:1]
