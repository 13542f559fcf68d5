"""Sessions that come and go as they do in use: each is created, followed, written, read, shown in lists, and left."""

import asyncio
from collections.abc import Callable

from sessionstore.v1.session_pb2 import SessionConfig
from tests.benchmarks.daemon import Daemon
from tests.benchmarks.events import EVENT
from tests.builders import user_message

__all__ = ["live", "live_until"]

EVENTS = 25


async def live(daemon: Daemon, session: str) -> None:
    """The life of one session. Raises RuntimeError when something of it is missing."""
    client = daemon.client
    await client.create_session(SessionConfig(metadata={"kind": "life"}), session_id=session)
    await client.append_message(session, user_message("m"))
    async with client.tail(session) as tail:
        for _ in range(EVENTS):
            await client.append_event(session, EVENT)
            await tail.__anext__()
    stored = [each async for each in client.get_events(session)]
    shown = await client.get_session(session)
    listed = [each async for each in client.list_sessions(limit=20)]
    if len(stored) != EVENTS or shown.state.message_count != 1 or not listed:
        raise RuntimeError(f"{len(stored)} of {EVENTS} events came of {session}")


async def live_until(daemon: Daemon, over: Callable[[], bool], at_once: int, fresh_session: Callable[[], str]) -> int:
    """One life after the other, so many at once, until it is over; how many there were."""

    async def one_by_one() -> int:
        count = 0
        while not over():
            await live(daemon, fresh_session())
            count += 1
        return count

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one_by_one()) for _ in range(at_once)]
    return sum(task.result() for task in tasks)
