"""A steady load of everything: sessions that come and go, and some that stay, are followed, read and trimmed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import count

from sessionstore import AsyncSessionStore
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.benchmarks.daemon import Daemon
from tests.benchmarks.events import EVENT
from tests.benchmarks.lives import live
from tests.builders import append, commit

__all__ = ["Over", "run_load"]

Over = Callable[[], bool]
"""Says whether the load is to end."""

LIVES = 4
LONG_SESSIONS = 3
TAILS = 10
"""Of each session that stays: they are open from the beginning to the end."""

KEPT_EVENTS = 2000
COMMITS = 20
PAUSE_SECONDS = 0.05

_numbers = count()


async def run_load(daemon: Daemon, over: Over) -> None:
    """Puts the load on until it is over. Raises what ended a part of it."""
    async with AsyncSessionStore(daemon.address) as follower, asyncio.TaskGroup() as group:
        for _ in range(LIVES):
            group.create_task(_lives(daemon, over))
        for _ in range(LONG_SESSIONS):
            session = f"long-{next(_numbers)}"
            await daemon.client.create_session(session_id=session)
            following = [group.create_task(_follow(follower, session)) for _ in range(TAILS)]
            group.create_task(_write(daemon.client, session, over, following))
            group.create_task(_read(daemon.client, session, over))


async def _lives(daemon: Daemon, over: Over) -> None:
    """Sessions one after the other, each deleted or archived, and deleted then."""
    while not over():
        session = f"life-{next(_numbers)}"
        await live(daemon, session)
        if next(_numbers) % 2:
            await daemon.client.archive_session(session)
            await daemon.client.delete_archive(session)
        else:
            await daemon.client.delete_session(session)


async def _write(client: AsyncSessionStore, session: str, over: Over, following: "list[asyncio.Task[None]]") -> None:
    """Appends, and trims what is old; the session is deleted in the end, which ends its tails."""

    async def commits() -> AsyncIterator[pb.CommitRequest]:
        while not over():
            for _ in range(COMMITS):
                yield commit(session, append(EVENT))
            await asyncio.sleep(PAUSE_SECONDS)

    async for outcome in client.write(commits()):
        if outcome.WhichOneof("outcome") != "result":
            raise RuntimeError(outcome.error.message)
        sequence = outcome.result.results[0].append_event.sequence
        if sequence % KEPT_EVENTS == KEPT_EVENTS - 1:
            # Half of them stay, for tails that are behind.
            await client.delete_events_before(session, sequence - KEPT_EVENTS // 2)
    for task in following:
        task.cancel()
    await client.delete_session(session)


async def _follow(client: AsyncSessionStore, session: str) -> None:
    expected = None
    async with client.tail(session, skip_trimmed=True) as events:
        async for event in events:
            if expected is not None and event.sequence < expected:
                raise RuntimeError(f"{event.sequence} came again in {session}")
            expected = event.sequence + 1


async def _read(client: AsyncSessionStore, session: str, over: Over) -> None:
    while not over():
        await client.get_session(session, omit_content=True)
        found = [event.sequence async for event in client.get_events(session, descending=True, limit=100)]
        if found != sorted(found, reverse=True):
            raise RuntimeError(f"the events of {session} came in another order")
        await asyncio.sleep(10 * PAUSE_SECONDS)
