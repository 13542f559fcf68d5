"""The deadlines of writes that wait together."""

import asyncio
from typing import Any

import pytest

from sessionstore.deadlines import Deadlines, OverdueError

SOON_SECONDS = 0.01
NEVER_SECONDS = 3600.0


def future() -> "asyncio.Future[Any]":
    return asyncio.get_running_loop().create_future()


async def test_what_is_not_done_in_time_fails_and_the_rest_does_not() -> None:
    """Each has its own deadline, and one that is done keeps its result."""
    deadlines = Deadlines(SOON_SECONDS)
    done, cancelled, overdue, later = future(), future(), future(), future()
    for each in (done, cancelled, overdue):
        deadlines.watch(each)
    done.set_result("in time")
    cancelled.cancel()
    with pytest.raises(OverdueError):
        await overdue
    deadlines.watch(later)
    with pytest.raises(OverdueError):
        await later
    assert "in time" == done.result()
    assert cancelled.cancelled()


async def test_one_timer_serves_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are watched."""
    loop = asyncio.get_running_loop()
    made: list[asyncio.TimerHandle] = []
    call_at: Any = loop.call_at

    def noted(*arguments: Any) -> asyncio.TimerHandle:
        made.append(call_at(*arguments))
        return made[-1]

    monkeypatch.setattr(loop, "call_at", noted)
    deadlines = Deadlines(NEVER_SECONDS)
    for _ in range(100):
        deadlines.watch(future())
    assert 1 == len(made)
    deadlines.close()
    assert made[0].cancelled()


async def test_what_is_done_is_not_kept() -> None:
    """A writer that goes on for hours must not gather all its outcomes."""
    deadlines = Deadlines(NEVER_SECONDS)
    for _ in range(100):
        one = future()
        deadlines.watch(one)
        one.set_result(None)
    deadlines.watch(future())
    assert 1 == len(deadlines._watched)
    deadlines.close()
