"""A tail learns that its session was archived or deleted, at whatever moment of the tail that happens."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sessiond.call_counts import CallCounts
from sessiond.store.errors import NotFoundError
from sessiond.store.sqlite.connection import ReaderPool
from sessiond.store.sqlite.engine import SqliteStore
from sessiond.store.sqlite.writer import Writer
from sessiond.tailing import Tail
from sessiond.turns import Turns
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part

PATIENCE_SECONDS = 10

Removal = Callable[[SqliteStore], Awaitable[object]]


@pytest.fixture
async def store(store: SqliteStore) -> SqliteStore:
    """A store with a session of one event."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    await store.submit(commit("s", append(part("a"))))
    return store


def archive(store: SqliteStore) -> Awaitable[object]:
    return store.archive_session(admin_pb.ArchiveSessionRequest(session_id="s"))


def delete(store: SqliteStore) -> Awaitable[object]:
    return store.delete_session(pb.DeleteSessionRequest(session_id="s"))


REMOVALS = pytest.mark.parametrize(("remove", "archived"), [(archive, True), (delete, False)])


def tail_of(store: SqliteStore, **fields: Any) -> Tail:
    # No heartbeat wakes it while a test lasts.
    request = pb.TailEventsRequest(session_id="s", heartbeat_interval_seconds=60, **fields)
    return Tail(store, request, asyncio.Event(), nullcontext(), CallCounts(), Turns())


async def followed(tail: Tail) -> list[pb.TailEventsResponse]:
    """All frames of a tail that ends by itself."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [pb.TailEventsResponse.FromString(frame) async for frame in tail.frames()]


async def waiting(store: SqliteStore) -> "asyncio.Task[list[pb.TailEventsResponse]]":
    """A tail that has caught up, and waits."""
    caught_up = asyncio.Event()

    async def follow() -> list[pb.TailEventsResponse]:
        frames = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for frame in tail_of(store).frames():
                frames.append(pb.TailEventsResponse.FromString(frame))
                if frames[-1].HasField("caught_up"):
                    caught_up.set()
        return frames

    following = asyncio.create_task(follow())
    await asyncio.wait_for(caught_up.wait(), PATIENCE_SECONDS)
    return following


def removing_in_read(
    number: int, remove: Removal, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> asyncio.Event:
    """Lets the session go after the n-th read from now on has seen it, and before what it came to is passed on.

    Returns what is set when that was done.
    """
    original, numbers, done = ReaderPool.run, count(1), asyncio.Event()

    async def removing(self: ReaderPool, *arguments: Any, **options: Any) -> Any:
        found = await original(self, *arguments, **options)
        if next(numbers) == number:
            await remove(store)
            done.set()
        return found

    monkeypatch.setattr(ReaderPool, "run", removing)
    return done


@REMOVALS
@pytest.mark.parametrize(("start", "moment"), [({}, 1), ({}, 2), ({"from_now": True}, 1), ({"after_sequence": 0}, 1)])
async def test_during_a_read_of_the_tail(
    store: SqliteStore,
    monkeypatch: pytest.MonkeyPatch,
    remove: Removal,
    archived: bool,
    start: dict[str, Any],
    moment: int,
) -> None:
    """When it has found the session, and cannot be woken yet, or has read its events."""
    removal = removing_in_read(moment, remove, store, monkeypatch)
    frames = await followed(tail_of(store, **start))
    assert "session_deleted" == frames[-1].WhichOneof("frame")
    assert archived == frames[-1].session_deleted.archived
    assert removal.is_set()
    assert 0 == store.open_feeds


@REMOVALS
@pytest.mark.parametrize("moment", range(1, 5))
async def test_during_the_reads_of_tails_that_share_pages(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, remove: Removal, archived: bool, moment: int
) -> None:
    """A page that was read before the session went is given to nobody who asks after it."""
    removal = removing_in_read(moment, remove, store, monkeypatch)
    told = await asyncio.gather(*(followed(tail_of(store)) for _ in range(2)), return_exceptions=True)
    assert removal.is_set()
    for frames in told:
        # One of them may have come too late to find the session.
        if not isinstance(frames, NotFoundError):
            assert isinstance(frames, list)
            assert "session_deleted" == frames[-1].WhichOneof("frame")
            assert archived == frames[-1].session_deleted.archived


@REMOVALS
async def test_between_the_commit_and_the_wake_up(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, remove: Removal, archived: bool
) -> None:
    """A tail that reads the table then sees it; one that waits is woken; one that comes finds none."""
    original: Callable[..., Coroutine[Any, Any, Any]] = Writer._write
    # With a filter, so that it gets no page that others have read.
    reading = await store.open_feed("s", ["turn_started"])
    found: list[object] = []

    async def committed(self: Writer, *arguments: Any) -> Any:
        applied = await original(self, *arguments)
        for attempt in (reading.read(-1), followed(tail_of(store))):
            found.extend(await asyncio.gather(attempt, return_exceptions=True))
        return applied

    following = await waiting(store)
    monkeypatch.setattr(Writer, "_write", committed)
    await remove(store)
    (last,) = (await following)[-1:]
    assert archived == last.session_deleted.archived
    assert ["SessionGoneError", "NotFoundError"] == [type(error).__name__ for error in found]
    reading.close()


@REMOVALS
async def test_while_its_client_takes_no_frame(store: SqliteStore, remove: Removal, archived: bool) -> None:
    """The wake-up comes to nobody, since the tail does not wait, and is not lost."""
    frames = tail_of(store).frames()
    first = pb.TailEventsResponse.FromString(await anext(frames))
    await remove(store)
    async with asyncio.timeout(PATIENCE_SECONDS):
        rest = [pb.TailEventsResponse.FromString(frame) async for frame in frames]
    assert 0 == first.events.last_sequence
    assert archived == rest[-1].session_deleted.archived


@REMOVALS
async def test_before_a_tail_goes_on_after_a_restart(
    store: SqliteStore, tmp_path: Path, remove: Removal, archived: bool
) -> None:
    """A cursor, of the last event or of one that was never told, names no session that is not there."""
    del archived
    await remove(store)
    await store.close()
    successor = await SqliteStore.open(tmp_path, durability="normal")
    for start in ({"after_sequence": 0}, {"after_sequence": 7}, {"from_now": True}, {}):
        with pytest.raises(NotFoundError):
            await followed(tail_of(successor, **start))
    await successor.close()
