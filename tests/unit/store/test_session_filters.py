"""Filters of lists: each lets through what it says, alone and together."""

import sqlite3
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.store.sqlite import session_listing
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig, SessionStatus
from tests.unit.store.session_sums import sum_sessions_again
from tests.unit.store.sessions import create, listed, submit

ACTIVE = SessionStatus.SESSION_STATUS_ACTIVE


async def found(store: SqliteStore, **fields: object) -> list[str]:
    """The sessions that match, oldest first."""
    chosen = pb.SessionFilter(**fields)  # type: ignore[arg-type]
    return await listed(store, pb.ListSessionsRequest(filter=chosen, ascending=True))


@pytest.mark.parametrize("selective", [0, 1, 3, 1000])
async def test_metadata_is_filtered_alike_whether_matches_are_few_or_many(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, selective: int
) -> None:
    """Looking up the matches and walking the sessions give one answer, in every order and over pages."""
    monkeypatch.setattr(session_listing, "SELECTIVE_MATCHES", selective)
    for index in range(12):
        pairs = {"all": "yes", "half": str(index % 2), "third": str(index % 3), "own": str(index)}
        await create(store, f"s{index:02d}", SessionConfig(metadata=pairs))
    assert len(await found(store, metadata={"all": "yes"})) == 12
    assert await found(store, metadata={"half": "1"}) == ["s01", "s03", "s05", "s07", "s09", "s11"]
    assert await found(store, metadata={"half": "1", "third": "0"}) == ["s03", "s09"]
    assert await found(store, metadata={"all": "yes", "half": "1", "third": "0", "own": "9"}) == ["s09"]
    assert await found(store, metadata={"half": "1", "own": "2"}) == []
    assert await found(store, metadata={"own": "none"}) == []
    assert await found(store, metadata={"no such key": "yes"}) == []
    request = pb.ListSessionsRequest(
        filter=pb.SessionFilter(metadata={"half": "0", "all": "yes"}),
        order_by=pb.SessionOrder.SESSION_ORDER_UPDATED_AT,
        page_size=4,
    )
    first = await store.list_sessions(request)
    request.page_token = first.next_page_token
    assert [session.id for session in first.sessions] == ["s10", "s08", "s06", "s04"]
    assert await listed(store, request) == ["s02", "s00"]


async def test_pairs_match_whole_and_byte_by_byte(store: SqliteStore) -> None:
    """Neither case nor a part nor a key in the place of a value matches; the empty value is a value."""
    await create(store, "s", SessionConfig(metadata={"Key": "Value", "empty": "", "é": "ü;'\"%_"}))
    assert await found(store, metadata={"Key": "Value", "empty": "", "é": "ü;'\"%_"}) == ["s"]
    for pair in ({"key": "Value"}, {"Key": "value"}, {"Key": "Val"}, {"Value": "Key"}, {"Key": ""}, {"empty": "x"}):
        assert await found(store, metadata=pair) == []


async def test_metadata_that_was_changed_is_found_by_what_it_is_now(store: SqliteStore) -> None:
    """A pair that was set is found, one that was replaced or deleted is not, however it was changed."""
    await create(store, "s", SessionConfig(metadata={"a": "1", "b": "1"}))
    update = pb.SessionUpdate(set_metadata={"a": "2", "c": "1"}, delete_metadata_keys=["b", "not there"])
    await submit(store, pb.Mutation(update_session=update))
    assert await found(store, metadata={"a": "2", "c": "1"}) == ["s"]
    assert await found(store, metadata={"a": "1"}) == []
    assert await found(store, metadata={"b": "1"}) == []
    await submit(store, pb.Mutation(update_session=pb.SessionUpdate(config=SessionConfig(metadata={"d": "1"}))))
    assert await found(store, metadata={"d": "1"}) == ["s"]
    assert await found(store, metadata={"c": "1"}) == []


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("a", ["a", "ab", "aé", "aéé", "a\U0010ffff", "a\U0010ffffz"]),
        ("aé", ["aé", "aéé"]),
        ("a\U0010ffff", ["a\U0010ffff", "a\U0010ffffz"]),
        ("\U0010ffff", ["\U0010ffff!"]),
        ("\ud7ff", ["\ud7ffx"]),
        ("\ue000", ["\ue000x"]),
        ("日", ["日本"]),
        ("日本", ["日本"]),
        ("日本語", []),
        ("A", ["A"]),
        ("_", ["_"]),
        ("%", ["%"]),
        ("b", ["b"]),
    ],
)
async def test_a_prefix_is_taken_letter_by_letter(store: SqliteStore, prefix: str, expected: list[str]) -> None:
    """Every letter of Unicode may end a prefix; nothing in it is a pattern."""
    ids = ["a", "ab", "aé", "aéé", "a\U0010ffff", "a\U0010ffffz", "\U0010ffff!", "\ud7ffx", "\ue000x"]
    for session_id in [*ids, "日本", "A", "_", "%", "b"]:
        await create(store, session_id)
    assert expected == await found(store, id_prefix=prefix)


async def test_status_is_filtered(store: SqliteStore) -> None:
    """Only sessions of the status are listed, as it is now."""
    for name in ("a", "b", "c"):
        await create(store, name)
    await submit(store, pb.Mutation(update_session=pb.SessionUpdate(status=ACTIVE)), session_id="b")
    assert await found(store, status=ACTIVE) == ["b"]
    assert await found(store, status=SessionStatus.SESSION_STATUS_INACTIVE) == ["a", "c"]


async def test_both_ends_of_each_time_are_inclusive(store: SqliteStore, data_dir: Path) -> None:
    """A session at exactly the time is listed; a part of a microsecond beside it excludes it."""
    for name in ("a", "b", "c"):
        await create(store, name)
    connection = sqlite3.connect(data_dir / DATABASE_NAME)
    with connection:
        connection.execute("UPDATE sessions SET created_at_us = session_key * 1000000, updated_at_us = session_key * 7")
        sum_sessions_again(connection)
    connection.close()

    def at(microseconds: int, nanos: int = 0) -> Timestamp:
        time = Timestamp()
        time.FromMicroseconds(microseconds)
        return Timestamp(seconds=time.seconds, nanos=time.nanos + nanos)

    assert await found(store, created_after=at(2_000_000)) == ["b", "c"]
    assert await found(store, created_after=at(2_000_000, 1)) == ["c"]
    assert await found(store, created_before=at(2_000_000)) == ["a", "b"]
    assert await found(store, created_before=at(1_999_999, 999)) == ["a"]
    assert await found(store, updated_after=at(14), updated_before=at(14)) == ["b"]
    assert await found(store, updated_after=at(14, 1), updated_before=at(20, 999)) == []
    assert await found(store, created_after=at(-5_000_000)) == ["a", "b", "c"]


async def test_all_conditions_hold_together(store: SqliteStore) -> None:
    """A session is listed when every condition lets it through, and no archived one is."""
    for name in ("team-a", "team-b", "team-c", "other"):
        await create(store, name, SessionConfig(metadata={"kind": "x"}))
    for name in ("team-a", "team-c", "other"):
        await submit(store, pb.Mutation(update_session=pb.SessionUpdate(status=ACTIVE)), session_id=name)
    await store.archive_session(admin_pb.ArchiveSessionRequest(session_id="team-c"))
    assert await found(store, id_prefix="team-", status=ACTIVE, metadata={"kind": "x"}) == ["team-a"]
