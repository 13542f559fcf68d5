"""The live tail over a real store, frame by frame: each guarantee by its name."""

import asyncio
import weakref
from contextlib import nullcontext
from itertools import count

import pytest

from sessiond import tailing
from sessiond.call_counts import CallCounts
from sessiond.contract.limits import FRAGMENT_BYTES, TAIL_FRAME_BYTES
from sessiond.store.errors import CursorAheadError, HistoryTrimmedError, NotFoundError
from sessiond.store.protocol import EventPage
from sessiond.store.sqlite import event_reads
from sessiond.store.sqlite.engine import SqliteStore
from sessiond.store.sqlite.event_filters import EventFilter
from sessiond.store.sqlite.feeds import SqliteEventFeed
from sessiond.tailing import Tail
from sessiond.turns import Turns
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, complete, part


@pytest.fixture
async def store(store: SqliteStore) -> SqliteStore:
    """A store with an empty session."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    return store


class Frames:
    """The frames of one tail."""

    def __init__(self, store: SqliteStore, **fields: object) -> None:
        self._store = store
        self._request = pb.TailEventsRequest(session_id="s", **fields)  # type: ignore[arg-type]
        self.draining = asyncio.Event()

    async def __aenter__(self) -> "Frames":
        self._frames = Tail(self._store, self._request, self.draining, nullcontext(), CallCounts(), Turns()).frames()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._frames.aclose()

    async def next(self) -> pb.TailEventsResponse:
        return pb.TailEventsResponse.FromString(await asyncio.wait_for(anext(self._frames), 10))

    async def rest(self) -> list[pb.TailEventsResponse]:
        return [pb.TailEventsResponse.FromString(frame) async for frame in self._frames]


def sequences(frame: pb.TailEventsResponse) -> list[int]:
    return [event.sequence for event in frame.events.events]


def span(frame: pb.TailEventsResponse) -> tuple[int, int]:
    return frame.events.first_sequence, frame.events.last_sequence


async def add(store: SqliteStore, *texts: str) -> None:
    for text in texts:
        await store.submit(commit("s", append(part(text))))


async def test_ordered_from_history_into_live(store: SqliteStore) -> None:
    """Stored events come first, then CaughtUp once, then each new event, in one order."""
    await add(store, "a", "b")
    async with Frames(store) as tail:
        stored, caught_up = await tail.next(), await tail.next()
        await add(store, "c")
        live = await tail.next()
        await add(store, "d")
        assert (3, 3) == span(await tail.next())
        assert (sequences(stored), span(stored)) == ([0, 1], (0, 1))
        assert caught_up.caught_up.last_sequence == 1
        assert (sequences(live), span(live)) == ([2], (2, 2))


async def test_atomic(store: SqliteStore) -> None:
    """The events of a commit are in one batch, however large, in history, live, and with a filter."""
    large = [append(part("x" * (FRAGMENT_BYTES // 3))) for _ in range(7)]
    async with Frames(store) as tail:
        await tail.next()
        await store.submit(commit("s", *large))
        live = await tail.next()
    await store.submit(commit("s", *large))
    async with Frames(store, no_follow=True) as again:
        history = await again.rest()
    async with Frames(store, no_follow=True, types=["message_part", "custom"]) as filtered:
        selected = await filtered.rest()
    assert list(range(7)) == sequences(live)
    assert [list(range(7)), list(range(7, 14)), []] == [sequences(frame) for frame in history]
    assert [list(range(7)), list(range(7, 14)), []] == [sequences(frame) for frame in selected]


async def test_atomic_where_the_walk_of_a_filter_ends(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of several types, which walks over so many events at most, ends before a commit and not in it."""
    monkeypatch.setattr(event_reads, "WINDOW_EVENTS", 5)
    await add(store, "a", "b", "c")
    await store.submit(commit("s", *[append(part()) for _ in range(4)]))
    async with Frames(store, no_follow=True, types=["message_part", "custom"]) as tail:
        assert [[0, 1, 2], [3, 4, 5, 6], []] == [sequences(frame) for frame in await tail.rest()]


async def test_what_was_written_before_anybody_followed_is_not_missed(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tail that was opened between the writing of an event and the telling of it reads what it is not told."""
    async with Frames(store) as tail:
        await tail.next()
        # Asked in the thread of the writer, before the tail was opened.
        monkeypatch.setattr(store._writer._groups, "_is_followed", lambda _: False)
        await add(store, "a")
        assert [0] == sequences(await tail.next())


async def test_what_is_refused_is_in_no_tail(store: SqliteStore) -> None:
    """Neither the events of a commit that is undone, nor as part of those of the next commit of its group."""
    missing = pb.Mutation(update_tool_call=pb.ToolCallUpdate(tool_call_id="none", error="x"))
    group = (
        commit("s", append(part("kept")), append(part("too"))),
        commit("s", append(part("undone")), missing),
        commit("s", append(part("next")), append(part("last"))),
    )
    async with Frames(store) as tail:
        await tail.next()
        first, undone, last = await asyncio.gather(*map(store.submit, group), return_exceptions=True)
        assert isinstance(undone, NotFoundError)
        assert not isinstance(first, BaseException)
        assert not isinstance(last, BaseException)
        told: list[str] = []
        while len(told) < 4:
            told += [event.event.message_part.content for event in (await tail.next()).events.events]
        assert ["kept", "too", "next", "last"] == told


async def test_resumable(store: SqliteStore) -> None:
    """A tail after a sequence begins with the event after it."""
    await add(store, "a", "b", "c")
    async with Frames(store, after_sequence=0, no_follow=True) as tail:
        frame = await tail.next()
        assert (sequences(frame), span(frame)) == ([1, 2], (1, 2))


async def test_from_now_pins_the_sequence_in_the_first_frame(store: SqliteStore) -> None:
    """What is appended after the first frame is in the tail, and nothing before."""
    await add(store, "a")
    async with Frames(store, from_now=True) as tail:
        pinned = await tail.next()
        await add(store, "b")
        frame = await tail.next()
        assert pinned.caught_up.last_sequence == 0
        assert (sequences(frame), span(frame)) == ([1], (1, 1))


async def test_caught_up_of_an_empty_session_names_no_sequence(store: SqliteStore) -> None:
    """No event yet and event 0 are told apart."""
    async with Frames(store, no_follow=True) as tail:
        (frame,) = await tail.rest()
        assert not frame.caught_up.HasField("last_sequence")


async def test_a_frame_ends_with_the_event_that_brings_it_to_64_kib(store: SqliteStore) -> None:
    """However much is behind: of a tail that does not read the server holds one frame."""
    small, large = 5_000, 2 * TAIL_FRAME_BYTES
    await add(store, *["x" * small] * 30, "y" * large, *["x" * small] * 2)
    async with Frames(store, no_follow=True) as tail:
        frames = [frame for frame in await tail.rest() if frame.events.events]
    assert list(range(33)) == [sequence for frame in frames for sequence in sequences(frame)]
    for frame in frames:
        assert frame.ByteSize() - frame.events.events[-1].ByteSize() < TAIL_FRAME_BYTES
    assert all(frame.ByteSize() >= TAIL_FRAME_BYTES for frame in frames[:-1])


class WatchedPage(EventPage):
    """A page that can be seen to be gone."""


async def test_what_waits_for_a_client_is_a_frame_alone(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not the events that it was made of, which is as much again for each tail that is not read."""
    read = SqliteEventFeed.read
    pages: list[weakref.ref[EventPage]] = []

    async def watched(feed: SqliteEventFeed, after: int) -> EventPage:
        page = await read(feed, after)
        copied = WatchedPage(page.events, page.last, page.first_available, page.reached_head)
        pages.append(weakref.ref(copied))
        return copied

    monkeypatch.setattr(SqliteEventFeed, "read", watched)
    await add(store, "a", "b")
    async with Frames(store) as frames:
        assert [0, 1] == sequences(await frames.next())
        assert [None] == [page() for page in pages]
        assert 1 == (await frames.next()).caught_up.last_sequence


async def test_bookmarkable(store: SqliteStore) -> None:
    """Filtered events advance the cursor: ranges account for them, and so do heartbeats."""
    await add(store, "a", "b")
    await store.submit(commit("s", append(complete("m"))))
    async with Frames(store, types=["message_complete"], heartbeat_interval_seconds=1) as tail:
        first, caught_up = await tail.next(), await tail.next()
        await add(store, "c")
        heartbeat = await tail.next()
        await store.submit(commit("s", append(complete("m"))))
        second = await tail.next()
        assert (sequences(first), span(first)) == ([2], (0, 2))
        assert caught_up.caught_up.last_sequence == 2
        assert heartbeat.heartbeat.last_sequence == 3
        assert (sequences(second), span(second)) == ([4], (4, 4))


async def test_trimmed_cursor_is_refused_with_the_first_available_sequence(store: SqliteStore) -> None:
    """A cursor before deleted events never skips them silently."""
    await add(store, "a", "b", "c")
    await store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=2))
    async with Frames(store, after_sequence=0) as tail:
        with pytest.raises(HistoryTrimmedError) as caught:
            await tail.next()
        assert caught.value.metadata["first_available_sequence"] == "2"
    async with Frames(store, after_sequence=0, skip_trimmed=True) as skipping:
        frame = await skipping.next()
        assert (sequences(frame), span(frame)) == ([2], (1, 2))
    async with Frames(store) as beginning:
        frame = await beginning.next()
        assert (sequences(frame), span(frame)) == ([2], (2, 2))


async def test_a_tail_that_is_overtaken_by_a_deletion_ends_loudly(store: SqliteStore) -> None:
    """Events that were deleted before a slow tail got to them are told, not skipped."""
    await add(store, "a")
    async with Frames(store) as tail:
        await tail.next()
        await add(store, "b", "c")
        await store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=3))
        with pytest.raises(HistoryTrimmedError):
            await tail.rest()


async def test_future_cursor_is_refused(store: SqliteStore) -> None:
    """A cursor beyond the newest event is of another session or store."""
    async with Frames(store, after_sequence=0) as tail:
        with pytest.raises(CursorAheadError):
            await tail.next()


@pytest.mark.parametrize("archived", [False, True])
async def test_a_session_that_goes_ends_its_tails(store: SqliteStore, archived: bool) -> None:
    """Deleting or archiving a session ends its tails with a frame that says so."""
    await add(store, "a")
    async with Frames(store) as tail:
        await tail.next()
        await tail.next()
        if archived:
            await store.archive_session(admin_pb.ArchiveSessionRequest(session_id="s"))
        else:
            await store.delete_session(pb.DeleteSessionRequest(session_id="s"))
        (frame,) = await tail.rest()
        assert archived == frame.session_deleted.archived


async def test_a_new_session_of_the_same_id_is_not_taken_for_the_old_one(store: SqliteStore) -> None:
    """A tail belongs to the session that it was opened on."""
    async with Frames(store) as tail:
        await tail.next()
        await store.delete_session(pb.DeleteSessionRequest(session_id="s"))
        await store.create_session(pb.CreateSessionRequest(session_id="s"))
        await add(store, "other")
        (frame,) = await tail.rest()
        assert frame.WhichOneof("frame") == "session_deleted"


async def test_who_walks_over_what_a_filter_keeps_back_is_heard_of(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client hangs up on who is silent, and would begin at the same place again, for ever."""
    seconds, walked = count(), count()

    async def read(_: SqliteEventFeed, after: int) -> EventPage:
        return EventPage([], after + 100, 0, reached_head=next(walked) == 5)

    monkeypatch.setattr(tailing, "monotonic", lambda: float(next(seconds)))
    monkeypatch.setattr(SqliteEventFeed, "read", read)
    async with Frames(store, types=["a", "b"], heartbeat_interval_seconds=2, no_follow=True) as tail:
        frames = await tail.rest()
    assert "caught_up" == frames[-1].WhichOneof("frame")
    told = [frame.heartbeat.last_sequence for frame in frames[:-1]]
    assert len(told) > 1
    assert sorted(set(told)) == told


async def test_draining_names_where_to_go_on(store: SqliteStore) -> None:
    """A server that shuts down ends a tail with the last sequence that it accounted for."""
    await add(store, "a")
    async with Frames(store) as tail:
        await tail.next()
        await tail.next()
        tail.draining.set()
        store.wake_feeds()
        (frame,) = await tail.rest()
        assert frame.draining.last_sequence == 0


async def test_no_wake_up_is_lost(store: SqliteStore) -> None:
    """However writes and reads interleave, a tail sees every event exactly once."""
    seen: list[int] = []

    async def follow() -> None:
        async with Frames(store) as tail:
            while len(seen) < 500:
                seen.extend(sequences(await tail.next()))

    async def write() -> None:
        for index in range(500):
            await add(store, str(index))
            if index % 7 == 0:
                await asyncio.sleep(0)

    await asyncio.gather(follow(), write())
    assert list(range(500)) == seen


async def test_the_ring_and_the_table_tell_the_same(store: SqliteStore) -> None:
    """Pages from memory are those that the table would give, at every cursor and with every filter."""
    follower = await store.open_feed("s")
    for index in range(60):
        events = [append(part("x" * 9000)), append(complete("m"))][: 1 + index % 2]
        await store.submit(commit("s", *events))
    ring = follower._topic.ring  # type: ignore[attr-defined]
    follower.close()
    compared = 0
    for types in ([], ["message_part"], ["message_complete", "custom"]):
        # Opened when the events were there already: nothing is remembered for it.
        fresh = await store.open_feed("s", types)
        for after in range(-1, 90):
            remembered = ring.page(after, EventFilter.of(types))
            read = await fresh.read(after)
            if remembered is not None:
                compared += 1
                assert (list(read.events), read.last, read.reached_head) == (
                    list(remembered.events),
                    remembered.last,
                    remembered.reached_head,
                )
        fresh.close()
    assert compared > 100
