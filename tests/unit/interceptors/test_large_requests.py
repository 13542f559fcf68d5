"""Large requests are let in by size, and those who would have to wait for too long are sent away."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from sessiond.interceptors.large_requests import AT_WORK_BYTES, WAITING_BYTES, LargeRequests
from sessiond.store.errors import BusyError


async def turn(large: LargeRequests, size_bytes: int, leave: asyncio.Event) -> None:
    async with large.place(size_bytes):
        await leave.wait()


async def started(large: LargeRequests, size_bytes: int, leave: asyncio.Event) -> "asyncio.Task[None]":
    task = asyncio.create_task(turn(large, size_bytes, leave))
    await asyncio.sleep(0)
    return task


async def test_what_does_not_fit_waits_for_its_turn() -> None:
    """Also when something smaller that comes later would fit: nobody is passed by for ever."""
    large, first, later = LargeRequests(), asyncio.Event(), asyncio.Event()
    at_work = await started(large, AT_WORK_BYTES - 10, first)
    tasks = [await started(large, size, later) for size in (20, 5)]
    later.set()
    await asyncio.sleep(0)
    assert [False, False] == [task.done() for task in tasks]
    first.set()
    await asyncio.wait_for(asyncio.gather(at_work, *tasks), 5)


async def test_one_that_is_larger_than_all_places_has_them_to_itself() -> None:
    """It is let in when nobody else is at work."""
    large = LargeRequests()
    async with large.place(AT_WORK_BYTES * 2):
        waiting = await started(large, 1, asyncio.Event())
        assert not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_who_would_wait_behind_too_many_is_told_to_come_again() -> None:
    """BUSY; when those before are done, there is room again."""
    large, leave = LargeRequests(), asyncio.Event()
    tasks = [await started(large, AT_WORK_BYTES, leave) for _ in range(1 + WAITING_BYTES // AT_WORK_BYTES)]
    with pytest.raises(BusyError):
        async with large.place(1):
            pass
    leave.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 5)
    async with large.place(WAITING_BYTES):
        pass


async def test_whoever_leaves_gives_the_place_back() -> None:
    """While it waits, at work, and in the moment in which it gets its place."""
    large = LargeRequests()
    for late in (False, True):
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(large.place(AT_WORK_BYTES))
            waiting = await started(large, AT_WORK_BYTES, asyncio.Event())
            if not late:
                waiting.cancel()
                await asyncio.wait([waiting])
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
    async with asyncio.timeout(5), large.place(AT_WORK_BYTES):
        pass
