"""Reads of events: order, filters, bounds and trimmed history."""

import pytest

from sessiond.store.errors import CursorAheadError, HistoryTrimmedError, NotFoundError
from sessiond.store.sqlite import event_reads
from sessiond.store.sqlite.engine import SqliteStore
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import StoredEvent
from tests.builders import append, collect, commit, complete, custom, part


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
    stored: list[StoredEvent] = await collect(store.get_events(request), "events")
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
    async for fragment in store.get_events(pb.GetEventsRequest(session_id="s")):
        await store.submit(commit("s", append(part("late"))))
        sequences += [item.sequence for item in fragment.events]
    assert list(range(14)) == sequences


@pytest.mark.parametrize("descending", [False, True])
async def test_a_session_that_is_deleted_during_a_read_is_not_found(store: SqliteStore, descending: bool) -> None:
    """A read never passes off a part as the whole."""
    for _ in range(4):
        await store.submit(commit("s", append(part("x" * 200_000))))
    fragments = store.get_events(pb.GetEventsRequest(session_id="s", descending=descending))
    await anext(fragments)
    await store.delete_session(pb.DeleteSessionRequest(session_id="s"))
    with pytest.raises(NotFoundError):
        async for _ in fragments:
            pass
