"""Reads of events: order, filters, bounds and trimmed history."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sessiond.contract.limits import FRAGMENT_BYTES
from sessiond.store.errors import CorruptedError, CursorAheadError, HistoryTrimmedError, NotFoundError
from sessiond.store.sqlite import event_reads
from sessiond.store.sqlite.connection import ReaderPool
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.event_index import EventRow
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import Event, StoredEvent
from tests.builders import append, collect, commit, complete, custom, event_fragments, part


@pytest.fixture(autouse=True)
async def session(store: SqliteStore) -> None:
    """Ten events: parts at 0-4, a message at 5, custom ones at 6-8, a message at 9."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    events = [part(str(index)) for index in range(5)]
    events += [complete("a"), custom("x"), custom("y"), custom("x"), complete("b")]
    for event in events:
        await store.submit(commit("s", append(event)))


async def read(store: SqliteStore, **fields: object) -> list[int]:
    request = pb.GetEventsRequest(session_id="s", **fields)  # type: ignore[arg-type]
    stored: list[StoredEvent] = await collect(event_fragments(store.get_events(request)), "events")
    return [item.sequence for item in stored]


async def test_bounds_are_exclusive(store: SqliteStore) -> None:
    """after_sequence and before_sequence leave out the events that they name."""
    assert await read(store, after_sequence=3, before_sequence=7) == [4, 5, 6]
    assert await read(store, after_sequence=3, before_sequence=7, descending=True) == [6, 5, 4]
    assert await read(store, after_sequence=9) == []
    assert await read(store, limit=0) == []


async def test_the_newest_of_a_type_is_the_first_descending(store: SqliteStore) -> None:
    """The newest event of a type is read with a descending order and a limit of one."""
    assert await read(store, types=["message_complete"], descending=True, limit=1) == [9]
    assert await read(store, types=["custom:x"], descending=True, limit=1) == [8]


@pytest.mark.parametrize("window", [1, 3, 10_000])
@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (["message_part"], [0, 1, 2, 3, 4]),
        (["message_part", "message_complete"], [0, 1, 2, 3, 4, 5, 9]),
        (["custom"], [6, 7, 8]),
        (["custom:x"], [6, 8]),
        (["custom:y", "message_complete"], [5, 7, 9]),
        (["session_saved"], []),
    ],
)
async def test_filters_by_type(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, window: int, types: list[str], expected: list[int]
) -> None:
    """A filter lets its types through and nothing else, however the events are paged."""
    monkeypatch.setattr(event_reads, "WINDOW_EVENTS", window)
    assert expected == await read(store, types=types)
    assert expected[::-1] == await read(store, types=types, descending=True)


async def test_trimmed_history_is_refused_and_not_skipped(store: SqliteStore) -> None:
    """A cursor before deleted events is refused with the first available sequence, unless the request allows for it."""
    response = await store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=4))
    assert (response.deleted_count, response.first_available_sequence) == (4, 4)
    with pytest.raises(HistoryTrimmedError) as caught:
        await read(store, after_sequence=2)
    assert caught.value.metadata["first_available_sequence"] == "4"
    assert await read(store, after_sequence=2, skip_trimmed=True, limit=2) == [4, 5]
    assert await read(store, after_sequence=3, limit=2) == [4, 5]
    assert await read(store, limit=2) == [4, 5]


async def test_a_deletion_at_the_start_of_a_read_without_cursor_is_no_error(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks for what there is gets it, also when the oldest events go before the first page is read."""
    original = ReaderPool.run
    trim = pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=4)

    async def deleting_first(self: ReaderPool, *arguments: Any, **options: Any) -> Any:
        await store.delete_events_before(trim)
        return await original(self, *arguments, **options)

    monkeypatch.setattr(ReaderPool, "run", deleting_first)
    assert await read(store) == [4, 5, 6, 7, 8, 9]
    trim.before_sequence = 7
    with pytest.raises(HistoryTrimmedError):
        await read(store, after_sequence=3)


@pytest.mark.parametrize(
    "fields",
    [{}, {"limit": 2}, {"limit": 2, "descending": True}, {"descending": True}, {"after_sequence": 9}],
    ids=["all", "the oldest", "the newest", "all backwards", "nothing"],
)
async def test_an_answer_of_one_fragment_takes_one_read(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
) -> None:
    """Each is a hop between threads, in which a busy event loop lets many others pass."""
    assert 1 == await count_reads(store, monkeypatch, **fields)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("types", [["session_saved", "error"], ["session_saved", "custom"]])
async def test_no_read_walks_over_more_than_a_window_of_what_a_filter_leaves_out(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, types: list[str], descending: bool
) -> None:
    """In a long session one read would keep its connection from all others, and the log from being reset, for long."""
    monkeypatch.setattr(event_reads, "WINDOW_EVENTS", 3)
    assert 4 == await count_reads(store, monkeypatch, types=types, descending=descending)


async def count_reads(store: SqliteStore, monkeypatch: pytest.MonkeyPatch, **fields: Any) -> int:
    """How many reads of the database it takes to answer a request."""
    original, reads = ReaderPool.run, []

    async def counted(self: ReaderPool, *arguments: Any, **options: Any) -> Any:
        reads.append(arguments)
        return await original(self, *arguments, **options)

    monkeypatch.setattr(ReaderPool, "run", counted)
    await read(store, **fields)
    return len(reads)


@pytest.mark.parametrize("after", [None, 3])
async def test_a_deletion_in_the_middle_of_a_read_is_told(store: SqliteStore, after: int | None) -> None:
    """Events that go before a slow reader got to them are not skipped silently, unless the request allows for it."""
    for _ in range(4):
        await store.submit(commit("s", append(part("x" * 300_000))))
    refusing = event_fragments(store.get_events(pb.GetEventsRequest(session_id="s", after_sequence=after)))
    skipping = event_fragments(
        store.get_events(pb.GetEventsRequest(session_id="s", skip_trimmed=True, after_sequence=after))
    )
    assert (await anext(refusing)).events[-1].sequence == (await anext(skipping)).events[-1].sequence == 10
    await store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=12))
    with pytest.raises(HistoryTrimmedError):
        await collect(refusing, "events")
    assert [12, 13] == [item.sequence for item in await collect(skipping, "events")]


async def test_a_cursor_beyond_the_newest_event_is_refused(store: SqliteStore) -> None:
    """A cursor of another session or store does not read as an empty one."""
    with pytest.raises(CursorAheadError) as caught:
        await read(store, after_sequence=10)
    assert caught.value.metadata["last_sequence"] == "9"


async def test_deleting_again_deletes_none_and_beyond_the_end_deletes_all(store: SqliteStore) -> None:
    """A repeat deletes none; a sequence beyond the newest event is taken as the end."""
    request = pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=2**63 - 1)
    first, again = await store.delete_events_before(request), await store.delete_events_before(request)
    assert [(item.deleted_count, item.first_available_sequence) for item in (first, again)] == [(10, 10), (0, 10)]
    assert await read(store) == []


async def test_what_is_appended_during_a_read_is_not_part_of_it(store: SqliteStore) -> None:
    """A read ends at the newest event of its beginning."""
    big = "x" * 200_000
    for _ in range(4):
        await store.submit(commit("s", append(part(big))))
    sequences = []
    async for fragment in event_fragments(store.get_events(pb.GetEventsRequest(session_id="s"))):
        await store.submit(commit("s", append(part("late"))))
        sequences += [item.sequence for item in fragment.events]
    assert list(range(14)) == sequences


@pytest.mark.parametrize("descending", [False, True])
async def test_a_session_that_is_deleted_during_a_read_is_not_found(store: SqliteStore, descending: bool) -> None:
    """A read never passes off a part as the whole."""
    for _ in range(4):
        await store.submit(commit("s", append(part("x" * 200_000))))
    fragments = event_fragments(store.get_events(pb.GetEventsRequest(session_id="s", descending=descending)))
    await anext(fragments)
    await store.delete_session(pb.DeleteSessionRequest(session_id="s"))
    with pytest.raises(NotFoundError):
        async for _ in fragments:
            pass


async def test_an_archived_session_ends_a_read(store: SqliteStore) -> None:
    """What is taken out of the live store is not found any more, in the middle of a read too."""
    for _ in range(4):
        await store.submit(commit("s", append(part("x" * 300_000))))
    for descending in (False, True):
        fragments = event_fragments(store.get_events(pb.GetEventsRequest(session_id="s", descending=descending)))
        await anext(fragments)
        await store.archive_session(admin_pb.ArchiveSessionRequest(session_id="s"))
        with pytest.raises(NotFoundError):
            await collect(fragments, "events")
        await store.restore_session(admin_pb.RestoreSessionRequest(session_id="s"))


@pytest.mark.parametrize("descending", [False, True])
async def test_a_damaged_event_is_told_and_can_be_passed_by(
    store: SqliteStore, data_dir: Path, descending: bool
) -> None:
    """Reading ends with an error that names the event; what lies around it can still be read."""
    connection = sqlite3.connect(data_dir / DATABASE_NAME)
    with connection:
        connection.execute("UPDATE events SET payload = x'0AFF' WHERE sequence = 5")
    connection.close()
    with pytest.raises(CorruptedError, match="event 5 is damaged"):
        await read(store, descending=descending)
    assert sorted(await read(store, before_sequence=5, descending=descending)) == [0, 1, 2, 3, 4]
    assert sorted(await read(store, after_sequence=5, descending=descending)) == [6, 7, 8, 9]


async def test_an_empty_session_reads_as_empty(store: SqliteStore) -> None:
    """No event is neither an error nor event 0."""
    await store.create_session(pb.CreateSessionRequest(session_id="empty"))
    for descending in (False, True):
        request = pb.GetEventsRequest(session_id="empty", descending=descending)
        assert [] == await collect(event_fragments(store.get_events(request)), "events")


async def test_a_limit_spans_fragments(store: SqliteStore) -> None:
    """The limit counts over the whole answer, in both orders, and no fragment is empty."""
    for _ in range(6):
        await store.submit(commit("s", append(part("x" * 200_000))))
    for descending, expected in ((False, [10, 11, 12, 13]), (True, [15, 14, 13, 12])):
        request = pb.GetEventsRequest(session_id="s", after_sequence=9, limit=4, descending=descending)
        fragments = [fragment async for fragment in event_fragments(store.get_events(request))]
        assert expected == [item.sequence for fragment in fragments for item in fragment.events]
        assert all(fragment.events for fragment in fragments)


@pytest.mark.parametrize(
    ("count", "event", "id_bytes"),
    [(6, part("x" * 100_000), 1), (1000, part(), 256), (1000, part("x" * 500), 256)],
    ids=["large events", "long ids", "both"],
)
@pytest.mark.parametrize("descending", [False, True])
async def test_a_fragment_is_of_about_one_size_whatever_a_commit_holds(
    store: SqliteStore, descending: bool, count: int, event: Event, id_bytes: int
) -> None:
    """All of an answer counts, ids too; the largest commit in one fragment would be more than gRPC's clients take."""
    for first in range(0, 2 * count, count):
        await store.submit(commit("s", *(append(event, f"{first + n:0{id_bytes}}") for n in range(count))))
    request = pb.GetEventsRequest(session_id="s", descending=descending)
    fragments = [fragment async for fragment in store.get_events(request)]
    assert len(fragments) > 1
    one_event = event.ByteSize() + id_bytes + 100
    assert max(map(len, fragments)) < FRAGMENT_BYTES * 5 // 4 + one_event
    found = [stored.sequence for one in fragments for stored in pb.GetEventsResponse.FromString(one).events]
    assert [*range(10 + 2 * count)][:: -1 if descending else 1] == found


@pytest.mark.parametrize("types", [(), ("message_part",), ("message_part", "custom:x")])
@pytest.mark.parametrize("descending", [False, True])
async def test_a_limit_bounds_what_is_read(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, descending: bool, types: Sequence[str]
) -> None:
    """Who asks for the newest event, as a page of a list does, does not wait for a page of them."""
    await store.submit(commit("s", *(append(part(str(index))) for index in range(50))))
    encoded: list[int] = []
    original = event_reads._encoded

    def counted(session_key: int, row: EventRow) -> bytes:
        encoded.append(row[1])
        return original(session_key, row)

    monkeypatch.setattr(event_reads, "_encoded", counted)
    expected = [59, 58] if descending else [0, 1]
    assert expected == await read(store, types=types, limit=2, descending=descending)
    assert len(encoded) <= 2


@pytest.mark.parametrize("types", [(), ("message_part",), ("message_part", "custom:x")])
@pytest.mark.parametrize("after", [9, 10, 2**63 - 1])
async def test_nothing_lies_after_the_newest_in_descending_order(
    store: SqliteStore, types: Sequence[str], after: int
) -> None:
    """However large the number is that bounds it, up to the largest that a sequence may have."""
    assert [] == await read(store, types=types, after_sequence=after, descending=True)
