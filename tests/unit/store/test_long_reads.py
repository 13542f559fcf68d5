"""Reads of much leave a connection to those of little."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.store.sqlite import session_listing
from sessiond.store.sqlite.connection import ReaderPool
from sessiond.store.sqlite.engine import SqliteStore
from sessiond.store.sqlite.event_reads import FEW_EVENTS
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SESSION_STATUS_ACTIVE
from tests.builders import append, commit, part, user_message
from tests.unit.store.reader_pools import reader_pool

PATIENCE_SECONDS = 10
UPDATED = pb.SessionOrder.SESSION_ORDER_UPDATED_AT


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[ReaderPool]:
    """A pool of three."""
    async with reader_pool(tmp_path, 3) as opened:
        yield opened


class Blocking:
    """Work that goes on until it is let go."""

    def __init__(self) -> None:
        self.begun = 0
        self.go_on = threading.Event()
        self._changed = threading.Condition()

    def __call__(self, _: sqlite3.Connection) -> None:
        with self._changed:
            self.begun += 1
            self._changed.notify_all()
        self.go_on.wait(PATIENCE_SECONDS)

    async def until(self, begun: int) -> None:
        """Waits until so many have begun."""

        def wait() -> bool:
            with self._changed:
                return self._changed.wait_for(lambda: self.begun >= begun, PATIENCE_SECONDS)

        assert await asyncio.to_thread(wait)


def nothing(_: sqlite3.Connection) -> None:
    """Work that is done at once."""


async def test_a_short_read_does_not_wait_for_long_ones(pool: ReaderPool) -> None:
    """However many of them there are."""
    work = Blocking()
    reads = [asyncio.create_task(pool.run(work, long=True)) for _ in range(10)]
    await work.until(2)
    await asyncio.wait_for(pool.run(nothing), PATIENCE_SECONDS)
    assert 2 == work.begun
    work.go_on.set()
    await asyncio.gather(*reads)
    assert (10, 0) == (work.begun, pool.busy)


async def test_long_reads_that_leave_keep_their_places_until_their_threads_are_done(pool: ReaderPool) -> None:
    """Else those who come and leave would have all connections."""
    work, next_one = Blocking(), Blocking()
    next_one.go_on.set()
    leaving = [asyncio.create_task(pool.run(work, long=True)) for _ in range(2)]
    await work.until(2)
    for task in leaving:
        task.cancel()
    await asyncio.wait(leaving)
    waiting = asyncio.create_task(pool.run(next_one, long=True))
    await asyncio.wait_for(pool.run(nothing), PATIENCE_SECONDS)
    assert 0 == next_one.begun
    work.go_on.set()
    await asyncio.wait_for(waiting, PATIENCE_SECONDS)


async def test_a_long_read_that_leaves_while_it_waits_takes_no_place(pool: ReaderPool) -> None:
    """Whether it waits behind long ones or for a connection."""
    short = Blocking()
    reads = [asyncio.create_task(pool.run(short)) for _ in range(3)]
    await short.until(3)
    waiting = [asyncio.create_task(pool.run(nothing, long=True)) for _ in range(4)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    short.go_on.set()
    await asyncio.gather(*reads)
    work = Blocking()
    others = [asyncio.create_task(pool.run(work, long=True)) for _ in range(2)]
    await work.until(2)
    work.go_on.set()
    await asyncio.gather(*others)


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What each read asks of the pool."""
    original, found = ReaderPool.run, []

    async def noted(self: ReaderPool, *arguments: Any, **options: Any) -> Any:
        found.append(options)
        return await original(self, *arguments, **options)

    monkeypatch.setattr(ReaderPool, "run", noted)
    return found


@pytest.mark.parametrize(
    ("fields", "is_long"),
    [
        ({}, True),
        ({"limit": FEW_EVENTS}, False),
        ({"limit": FEW_EVENTS + 1}, True),
        ({"limit": 1, "types": ["message_part"]}, False),
        ({"limit": 1, "types": ["message_part", "custom:x"]}, True),
    ],
    ids=["all", "few", "many", "of a type", "of several types, which are searched for"],
)
@pytest.mark.parametrize("descending", [False, True])
async def test_reads_of_few_events_are_short(
    store: SqliteStore, options: list[dict[str, Any]], fields: dict[str, Any], is_long: bool, descending: bool
) -> None:
    """Such as that of the newest, which a program waits for."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    request = pb.GetEventsRequest(session_id="s", descending=descending, **fields)
    assert [] == [fragment async for fragment in store.get_events(request)]
    assert [{"long": is_long}] == options


async def test_reads_of_whole_sessions_are_long(store: SqliteStore, options: list[dict[str, Any]]) -> None:
    """And so are those of messages."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    await store.submit(pb.CommitRequest(session_id="s", mutations=[pb.Mutation(append_message=user_message("m"))]))
    assert [fragment async for fragment in store.get_session(pb.GetSessionRequest(session_id="s"))]
    assert [{"long": True}] * 2 == options
    options.clear()
    assert [fragment async for fragment in store.get_messages(pb.GetMessagesRequest(session_id="s"))]
    assert {"long": True} == options[-1]


@pytest.mark.parametrize(
    ("request_", "is_searched_for"),
    [
        (pb.ListSessionsRequest(), False),
        (pb.ListSessionsRequest(order_by=UPDATED, filter=pb.SessionFilter(metadata={"k": "v"})), False),
        (pb.ListSessionsRequest(filter=pb.SessionFilter(created_after=Timestamp(seconds=1))), False),
        (pb.ListSessionsRequest(order_by=UPDATED, filter=pb.SessionFilter(updated_before=Timestamp(seconds=1))), False),
        (pb.ListSessionsRequest(filter=pb.SessionFilter(updated_after=Timestamp(seconds=1))), True),
        (pb.ListSessionsRequest(order_by=UPDATED, filter=pb.SessionFilter(created_before=Timestamp(seconds=1))), True),
        (pb.ListSessionsRequest(filter=pb.SessionFilter(status=SESSION_STATUS_ACTIVE)), True),
        (pb.ListSessionsRequest(filter=pb.SessionFilter(id_prefix="s")), True),
        (pb.ListSessionsRequest(filter=pb.SessionFilter(metadata={"k": "v", "l": "w"})), True),
        (pb.ListSessionsRequest(offset=100_000), True),
    ],
)
@pytest.mark.parametrize("few_sessions", [0, 1])
async def test_lists_that_are_searched_for_among_many_sessions_are_long(
    store: SqliteStore,
    options: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    request_: pb.ListSessionsRequest,
    is_searched_for: bool,
    few_sessions: int,
) -> None:
    """Some programs that ask for the active of very many would have all connections; of few that takes no time."""
    monkeypatch.setattr(session_listing, "FEW_SESSIONS", few_sessions)
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    await store.list_sessions(request_)
    assert [{}] + [{"long": True}] * (is_searched_for and not few_sessions) == options


async def test_a_tail_that_catches_up_reads_long(store: SqliteStore, options: list[dict[str, Any]]) -> None:
    """And one that lags by little does not: a flood of the others must not hold it up."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    await store.submit(commit("s", *[append(part())] * (2 * FEW_EVENTS)))
    for types in ([], ["message_part", "custom:x"]):
        feed = await store.open_feed("s", types)
        for after, is_long in ((-1, True), (FEW_EVENTS - 2, True), (FEW_EVENTS - 1, False)):
            options.clear()
            assert 2 * FEW_EVENTS - 1 - after == len((await feed.read(after)).events)
            assert [{"long": is_long}] == options
        feed.close()


async def test_a_tail_that_does_not_know_how_much_there_is_reads_long(
    store: SqliteStore, options: list[dict[str, Any]]
) -> None:
    """As after a trim."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    await store.submit(commit("s", append(part())))
    feed = await store.open_feed("s")
    await store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=1))
    options.clear()
    assert [] == (await feed.read(0)).events
    assert [{"long": True}] == options
    feed.close()
