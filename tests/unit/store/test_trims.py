"""The deletion of many events, some at a time, with the writes of others in between."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessiond.contract.limits import Limits
from sessiond.store.errors import NotFoundError
from sessiond.store.sqlite import trims
from sessiond.store.sqlite.commits import CommitOperation
from sessiond.store.sqlite.engine import DATABASE_NAME, TRIMS_AT_ONCE, SqliteStore
from sessiond.store.sqlite.inspection import inspect_database
from sessiond.store.sqlite.operations import Operation
from sessiond.store.sqlite.session_operations import ArchiveSession, CreateSession, DeleteSession
from sessiond.store.sqlite.writer import Writer
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, collect, commit, event_fragments, part
from tests.unit.store.sessions import create, info, submit

AT_ONCE = 4
EVENTS = 10
LIMITS = Limits()


@pytest.fixture(autouse=True)
async def session(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten events, which are many."""
    monkeypatch.setattr(trims, "TRIMMED_AT_ONCE", AT_ONCE)
    await create(store)
    await submit(store, *(append(part(), f"e{number}") for number in range(EVENTS)))


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Operation[Any]], None]:
    """Has something applied after the first of the events are gone, and before the next."""
    original = Writer.submit
    waiting: list[Operation[Any]] = []
    steps: list[Operation[Any]] = []

    def submitting(self: Writer, operation: Operation[Any], source: object = None) -> Any:
        if isinstance(operation, trims.DeleteEventsBefore):
            steps.append(operation)
            while len(steps) > 1 and waiting:
                original(self, waiting.pop(0))
        return original(self, operation, source)

    monkeypatch.setattr(Writer, "submit", submitting)
    return waiting.append


async def trim(store: SqliteStore, before: int) -> tuple[int, int]:
    """How many events were deleted, and which is the first that is left."""
    request = pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=before)
    response = await store.delete_events_before(request)
    return response.deleted_count, response.first_available_sequence


async def sequences(store: SqliteStore) -> list[int]:
    events = event_fragments(store.get_events(pb.GetEventsRequest(session_id="s")))
    return [event.sequence for event in await collect(events, "events")]


@pytest.mark.parametrize(
    ("before", "groups"), [(0, 1), (1, 1), (4, 1), (5, 2), (8, 2), (9, 3), (10, 3), (11, 3), (2**63 - 1, 3)]
)
async def test_no_transaction_deletes_more_than_some(store: SqliteStore, before: int, groups: int) -> None:
    """The answer is of all of them; a repeat deletes none."""
    groups_before, deleted = store.metrics().groups, min(before, EVENTS)
    assert (deleted, deleted) == await trim(store, before)
    assert groups == store.metrics().groups - groups_before
    assert list(range(deleted, EVENTS)) == await sequences(store)
    assert (0, deleted) == await trim(store, before)


@pytest.mark.parametrize(("events_bytes", "groups"), [(0, 9), (1, 9), (2, 5), (3, 3), (100, 3)])
async def test_no_transaction_deletes_more_than_some_bytes(
    store: SqliteStore, data_dir: Path, monkeypatch: pytest.MonkeyPatch, events_bytes: int, groups: int
) -> None:
    """One that is larger goes alone: everybody would wait while the pages of many of those are given back."""
    monkeypatch.setattr(trims, "TRIMMED_BYTES_AT_ONCE", (events_bytes + 1) * part().ByteSize() - 1)
    groups_before = store.metrics().groups
    assert (EVENTS - 1, EVENTS - 1) == await trim(store, EVENTS - 1)
    assert groups == store.metrics().groups - groups_before
    assert [EVENTS - 1] == await sequences(store)
    assert [] == list(inspect_database(data_dir / DATABASE_NAME))


async def test_what_is_appended_in_between_stays(store: SqliteStore, between: Callable[[Operation[Any]], None]) -> None:
    """Also where a sequence beyond the newest event stands for all of them: those that there were."""
    between(CommitOperation(commit("s", append(part(), "late")), LIMITS))
    assert (EVENTS, EVENTS) == await trim(store, 2**63 - 1)
    assert [EVENTS] == await sequences(store)


async def test_a_trim_that_goes_further_in_between_is_not_undone(
    store: SqliteStore, between: Callable[[Operation[Any]], None]
) -> None:
    """Each counts what it deleted itself."""
    between(trims.DeleteEventsBefore(pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=8)))
    assert (AT_ONCE, 8) == await trim(store, 5)
    assert [8, 9] == await sequences(store)


async def test_another_session_of_the_same_id_keeps_its_events(
    store: SqliteStore, between: Callable[[Operation[Any]], None]
) -> None:
    """A session that is deleted in between is gone, whatever is made with its id."""
    between(DeleteSession("s"))
    between(CreateSession(pb.CreateSessionRequest(session_id="s"), LIMITS))
    between(CommitOperation(commit("s", *(append(part()) for _ in range(EVENTS))), LIMITS))
    with pytest.raises(NotFoundError, match="no session 's'"):
        await trim(store, EVENTS)
    assert list(range(EVENTS)) == await sequences(store)


async def test_a_session_that_is_archived_in_between_is_not_trimmed_any_more(
    store: SqliteStore, between: Callable[[Operation[Any]], None]
) -> None:
    """It is not found by then; what was deleted until then is what was asked for."""
    between(ArchiveSession("s"))
    with pytest.raises(NotFoundError, match="no session 's'"):
        await trim(store, EVENTS)
    await store.restore_session(admin_pb.RestoreSessionRequest(session_id="s"))
    assert list(range(AT_ONCE, EVENTS)) == await sequences(store)


async def test_ids_are_forgotten_with_their_events(store: SqliteStore) -> None:
    """Those of all that are deleted, and no others."""
    await trim(store, 9)
    kept, forgotten = await submit(store, append(part(), "e9"), append(part(), "e8"))
    assert (True, 9) == (kept.append_event.already_existed, kept.append_event.sequence)
    assert (False, 10) == (forgotten.append_event.already_existed, forgotten.append_event.sequence)
    assert 10 == (await info(store)).last_event_sequence


async def test_few_trims_share_a_transaction(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are asked for at once: each may be all that a transaction should delete."""
    original = Writer.submit
    under_way: set[asyncio.Future[Any]] = set()
    most = 0

    def submitting(self: Writer, operation: Operation[Any], source: object = None) -> Any:
        nonlocal most
        future = original(self, operation, source)
        under_way.add(future)
        future.add_done_callback(under_way.discard)
        most = max(most, len(under_way))
        return future

    names = [f"other {number}" for number in range(3 * TRIMS_AT_ONCE)]
    for name in names:
        await create(store, name)
        await submit(store, *(append(part(), f"e{number}") for number in range(EVENTS)), session_id=name)
    monkeypatch.setattr(Writer, "submit", submitting)
    requests = [pb.DeleteEventsBeforeRequest(session_id=name, before_sequence=9) for name in names]
    responses = await asyncio.gather(*map(store.delete_events_before, requests))
    assert {(9, 9)} == {(each.deleted_count, each.first_available_sequence) for each in responses}
    assert TRIMS_AT_ONCE == most
