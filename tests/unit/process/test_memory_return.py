"""When free memory is given back to the operating system."""

import asyncio
from collections.abc import Iterable

import pytest

from sessiond.process import memory_return
from sessiond.process.memory_return import SLACK_BYTES

USED = 100_000_000


async def looks(
    monkeypatch: pytest.MonkeyPatch, readings: Iterable[int], *, freed_bytes: int, collected_at: int = -1
) -> list[int]:
    """At which of the readings of the resident memory it was given back; each time so much was free.

    Garbage was collected before the reading of that number.
    """
    left = iter(readings)
    given_back: list[int] = []
    seen: list[int] = []
    trimmed = asyncio.Event()

    def resident_memory_bytes() -> int:
        if trimmed.is_set():
            trimmed.clear()
            return seen[-1] - freed_bytes
        reading = next(left, None)
        if reading is None:
            raise asyncio.CancelledError
        seen.append(reading)
        return reading

    def trim() -> None:
        given_back.append(seen[-1])
        trimmed.set()

    monkeypatch.setattr(memory_return, "resident_memory_bytes", resident_memory_bytes)
    monkeypatch.setattr(memory_return, "_full_collections", lambda: int(0 <= collected_at < len(seen)))
    monkeypatch.setattr(memory_return, "INTERVAL_SECONDS", 0)
    with pytest.raises(asyncio.CancelledError):
        await memory_return._give_back(trim)
    return given_back


async def test_memory_that_stays_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look costs some milliseconds: not for a little more than before."""
    readings = [USED, USED + SLACK_BYTES, USED + SLACK_BYTES // 2, USED]
    assert [] == await looks(monkeypatch, readings, freed_bytes=0)


async def test_what_was_used_for_a_moment_is_given_back_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what stays after that is what is needed now, until it is less."""
    peak = USED + 5 * SLACK_BYTES
    needed = peak - SLACK_BYTES
    readings = [USED, peak, needed, needed + SLACK_BYTES, USED, USED + SLACK_BYTES + 1]
    assert [peak, USED + SLACK_BYTES + 1] == await looks(monkeypatch, readings, freed_bytes=SLACK_BYTES)


async def test_what_was_garbage_then_is_given_back_when_it_was_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although the process has not grown since; and not where it is as small as ever."""
    grown = USED + 2 * SLACK_BYTES
    readings = [USED, grown, grown, grown, grown]
    assert [grown, grown] == await looks(monkeypatch, readings, freed_bytes=0, collected_at=3)
    assert [] == await looks(monkeypatch, [USED, USED, USED], freed_bytes=0, collected_at=1)
