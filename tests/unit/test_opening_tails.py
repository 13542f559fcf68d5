"""What it costs to open a tail, and that nothing is missed while that goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, nullcontext
from typing import Any

import pytest

from sessiond.call_counts import CallCounts
from sessiond.store.sqlite.connection import ReaderPool
from sessiond.store.sqlite.engine import SqliteStore
from sessiond.tailing import Tail
from sessiond.turns import Turns
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part

PATIENCE_SECONDS = 10


@pytest.fixture
async def store(store: SqliteStore) -> SqliteStore:
    """A store with a session of one event."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    await store.submit(commit("s", append(part("a"))))
    return store


class Reads:
    """Counts the reads of a store, and does something before the first is passed on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Awaitable[object]] | None) -> None:
        self.count = 0
        original = ReaderPool.run

        async def run(pool: ReaderPool, *arguments: Any, **options: Any) -> Any:
            found = await original(pool, *arguments, **options)
            self.count += 1
            if self.count == 1 and meanwhile is not None:
                await meanwhile()
            return found

        monkeypatch.setattr(ReaderPool, "run", run)


async def frames_of(store: SqliteStore, number: int, start: dict[str, Any]) -> list[pb.TailEventsResponse]:
    """The first frames of a tail, which then waits or is left."""
    request = pb.TailEventsRequest(session_id="s", heartbeat_interval_seconds=60, **start)
    found = []
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        aclosing(Tail(store, request, asyncio.Event(), nullcontext(), CallCounts(), Turns()).frames()) as frames,
    ):
        async for frame in frames:
            found.append(pb.TailEventsResponse.FromString(frame))
            if len(found) == number:
                break
    return found


@pytest.mark.parametrize(
    ("start", "reads"),
    [({"from_now": True}, 1), ({"after_sequence": 0}, 1), ({}, 2)],
    ids=["from now", "at the head", "from the beginning"],
)
async def test_a_tail_that_has_nothing_to_read_is_opened_by_one_read(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, start: dict[str, Any], reads: int
) -> None:
    """A flood of tails costs a hop between threads each, and one that has something to read takes one more."""
    counted = Reads(monkeypatch, None)
    request = pb.TailEventsRequest(session_id="s", no_follow=True, **start)
    tail = Tail(store, request, asyncio.Event(), nullcontext(), CallCounts(), Turns())
    last = [pb.TailEventsResponse.FromString(frame) async for frame in tail.frames()][-1]
    assert (0, reads) == (last.caught_up.last_sequence, counted.count)


@pytest.mark.parametrize("start", [{"from_now": True}, {"after_sequence": 0}], ids=["from now", "at the head"])
async def test_what_is_appended_while_a_tail_is_opened_is_followed(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, start: dict[str, Any]
) -> None:
    """After the session was found, and before the tail can be woken."""
    Reads(monkeypatch, lambda: store.submit(commit("s", append(part("b")))))
    frames = await frames_of(store, 2, start)
    assert [1] == [event.sequence for frame in frames for event in frame.events.events]


async def test_what_is_committed_and_not_yet_told_is_followed(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tail that is opened between the two finds it by itself, or is told."""
    opened: list[asyncio.Task[list[pb.TailEventsResponse]]] = []
    original = type(store._writer)._write

    async def committed(writer: Any, *arguments: Any) -> Any:
        applied = await original(writer, *arguments)
        if not opened:
            opened.append(asyncio.create_task(frames_of(store, 2, {"after_sequence": 0})))
            while not store.open_feeds:
                await asyncio.sleep(0)
        return applied

    monkeypatch.setattr(type(store._writer), "_write", committed)
    await store.submit(commit("s", append(part("b"))))
    frames = await opened[0]
    assert [1] == [event.sequence for frame in frames for event in frame.events.events]
