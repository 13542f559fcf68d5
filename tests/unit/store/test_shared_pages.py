"""Pages that tails share: nothing is mixed up, nobody is held up, and the memory has a bound."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

import pytest

from sessiond.call_counts import CallCounts
from sessiond.store.protocol import EventPage
from sessiond.store.sqlite.connection import ReaderPool
from sessiond.store.sqlite.engine import SqliteStore
from sessiond.store.sqlite.shared_pages import PageKey, SharedPages
from sessiond.tailing import Tail
from sessiond.turns import Turns
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import StoredEvent
from tests.builders import append, commit, complete, part


def page(size_bytes: int) -> EventPage:
    return EventPage([b"x" * size_bytes], 0, 0, reached_head=True)


def key(moment: int) -> PageKey:
    return PageKey(moment, -1, frozenset())


def sequences(found: EventPage) -> list[int]:
    return [StoredEvent.FromString(event).sequence for event in found.events]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows with each read of the database."""
    made: list[object] = []
    original = ReaderPool.run

    def counted(self: ReaderPool, work: Callable[..., Any], **options: Any) -> Awaitable[Any]:
        made.append(work)
        return original(self, work, **options)

    monkeypatch.setattr(ReaderPool, "run", counted)
    return made


@pytest.fixture
async def session(store: SqliteStore) -> None:
    """Six events: parts and messages in turn."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    for number in range(3):
        await store.submit(commit("s", append(part(str(number))), append(complete("m"))))


async def test_the_memory_has_a_bound() -> None:
    """What was asked for least lately goes first; what is larger than the bound is not kept at all."""
    pages = SharedPages(max_bytes=100_000)
    for moment in range(100):
        pages.keep(key(moment), page(10_000))
        assert pages.find(key(0)) is not None
        assert 100_000 >= pages.size_bytes > 0
    assert pages.find(key(1)) is None
    assert pages.find(key(99)) is not None
    pages.keep(key(100), page(60_000))
    assert pages.find(key(100)) is None
    pages.keep(key(99), page(10_000))
    kept = [found for moment in range(100) if (found := pages.find(key(moment))) is not None]
    assert sum(found.kept_bytes for found in kept) == pages.size_bytes


@pytest.mark.usefixtures("session")
async def test_many_tails_read_the_database_once(store: SqliteStore, reads: list[object]) -> None:
    """Those that ask for the same at the same time, however many: of history too."""
    feeds = [await store.open_feed("s") for _ in range(50)]
    reads.clear()
    found = await asyncio.gather(*(feed.read(1) for feed in feeds))
    assert 1 == len(reads)
    assert [[2, 3, 4, 5]] * 50 == [sequences(each) for each in found]
    assert 1 == len({id(each.frame(2)) for each in found})
    for feed in feeds:
        feed.close()


@pytest.mark.usefixtures("session")
async def test_other_cursors_filters_and_sessions_get_other_pages(store: SqliteStore) -> None:
    """From the database and from memory alike, asked for at once and one after the other."""
    await store.create_session(pb.CreateSessionRequest(session_id="other"))
    await store.submit(commit("other", append(part("other"))))
    asked: list[tuple[str, int, list[str], list[int]]] = [
        ("s", -1, [], [0, 1, 2, 3, 4, 5]),
        ("s", 2, [], [3, 4, 5]),
        ("s", -1, ["message_complete"], [1, 3, 5]),
        ("s", 2, ["message_complete"], [3, 5]),
        ("s", -1, ["message_part", "custom"], [0, 2, 4]),
        ("other", -1, [], [0]),
        ("other", -1, ["message_complete"], []),
    ]
    feeds = [await store.open_feed(session, types) for session, _, types, _ in asked * 2]
    for more in ([], [6], [6, 7]):
        if more:
            await store.submit(commit("s", append(part())))
        expected = [
            numbers + (more if session == "s" and "message_complete" not in types else [])
            for session, _, types, numbers in asked * 2
        ]
        cursors = [after for _, after, _, _ in asked * 2]
        at_once = await asyncio.gather(*(feed.read(after) for feed, after in zip(feeds, cursors, strict=True)))
        in_turn = [await feed.read(after) for feed, after in zip(feeds, cursors, strict=True)]
        assert expected == [sequences(found) for found in at_once]
        assert expected == [sequences(found) for found in in_turn]
    for feed in feeds:
        feed.close()


@pytest.mark.usefixtures("session")
async def test_tails_that_were_told_different_ranges_share_a_page_and_not_its_frame(store: SqliteStore) -> None:
    """The range of a batch begins after what the very tail was told last."""
    first, second = await store.open_feed("s"), await store.open_feed("s")
    one, other = await first.read(3), await second.read(3)
    assert one is other
    frames = [pb.TailEventsResponse.FromString(one.frame(start)).events for start in (4, 2, 4)]
    assert [4, 2, 4] == [frame.first_sequence for frame in frames]
    assert [[4, 5]] * 3 == [[event.sequence for event in frame.events] for frame in frames]
    first.close()
    second.close()


@pytest.mark.usefixtures("session")
async def test_who_leaves_during_a_shared_read_takes_nobody_along(store: SqliteStore) -> None:
    """The others get their page."""
    feeds = [await store.open_feed("s") for _ in range(3)]
    reading = [asyncio.create_task(feed.read(-1)) for feed in feeds]
    await asyncio.sleep(0)
    reading[0].cancel()
    found = await asyncio.gather(*reading, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert all(isinstance(each, EventPage) and 6 == len(each.events) for each in found[1:])
    for feed in feeds:
        feed.close()


async def test_a_read_that_fails_is_not_remembered() -> None:
    """All who waited for it are told, and the next one reads anew."""
    pages = SharedPages()

    async def failing() -> EventPage:
        raise OSError("gone")

    async def working() -> EventPage:
        return page(1)

    told = await asyncio.gather(*(pages.read(key(0), failing) for _ in range(3)), return_exceptions=True)
    assert [OSError] * 3 == [type(each) for each in told]
    assert [b"x"] == (await pages.read(key(0), working)).events


@pytest.mark.usefixtures("session")
async def test_a_slow_tail_holds_up_nobody(store: SqliteStore) -> None:
    """It takes its frames when it likes; the others have theirs, and it misses none."""

    def tail() -> Any:
        request = pb.TailEventsRequest(session_id="s")
        return Tail(store, request, asyncio.Event(), nullcontext(), CallCounts(), Turns()).frames()

    slow, quick = tail(), tail()
    await anext(slow)
    seen: list[int] = []
    for number in range(20):
        if number:
            await store.submit(commit("s", append(part())))
        while len(seen) < 6 + number:
            frame = pb.TailEventsResponse.FromString(await asyncio.wait_for(anext(quick), 10))
            seen += [event.sequence for event in frame.events.events]
    late: list[int] = []
    while len(late) < 19:
        frame = pb.TailEventsResponse.FromString(await asyncio.wait_for(anext(slow), 10))
        late += [event.sequence for event in frame.events.events]
    assert list(range(25)) == seen
    assert list(range(6, 25)) == late
    await slow.aclose()
    await quick.aclose()
    assert 0 == store.open_feeds
