"""Events are found by id and by type, whether the index has them yet or not."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sessiond.contract.limits import Limits
from sessiond.store.errors import AlreadyExistsError, CorruptedError, NotFoundError
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.event_index import EVENTS_AT_ONCE
from sessiond.store.sqlite.migration_files import load_migrations
from sessiond.store.sqlite.migrations import migrate
from sessiond.store.sqlite.session_operations import ArchiveSession
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import StoredEvent
from tests.builders import append, commit, custom, part
from tests.faults.stored import database_faults
from tests.unit.store.sessions import create, submit

PART, CUSTOM = "message_part", "custom:x"

COUNTS = [1, EVENTS_AT_ONCE - 1, EVENTS_AT_ONCE, EVENTS_AT_ONCE + 1, 3 * EVENTS_AT_ONCE + 5]


async def fill(store: SqliteStore, count: int, *, first: int = 0) -> None:
    """Events of two types in turn, with ids, each in a commit of its own."""
    for number in range(first, first + count):
        await submit(store, append(custom("x") if number % 3 == 0 else part(str(number)), f"e{number}"))


async def sequences(store: SqliteStore, **request: object) -> list[int]:
    """The sequences that GetEvents gives."""
    found: list[StoredEvent] = []
    async for fragment in store.get_events(pb.GetEventsRequest(session_id="s", **request)):  # type: ignore[arg-type]
        found += pb.GetEventsResponse.FromString(fragment).events
    return [event.sequence for event in found]


@pytest.mark.parametrize("count", COUNTS)
async def test_a_repeat_is_recognized_at_any_distance(data_dir: Path, count: int) -> None:
    """With the same content it is answered as the first time, with other content refused; also after a restart."""
    store = await SqliteStore.open(data_dir, durability="normal")
    await create(store)
    await fill(store, count)
    for _ in range(2):
        for number in (0, count // 2, count - 1):
            event = custom("x") if number % 3 == 0 else part(str(number))
            (repeated,) = await submit(store, append(event, f"e{number}"))
            assert repeated.append_event.already_existed
            assert number == repeated.append_event.sequence
            with pytest.raises(AlreadyExistsError):
                await submit(store, append(part("another"), f"e{number}"))
        await store.close()
        store = await SqliteStore.open(data_dir, durability="normal")
    await store.close()
    assert [] == database_faults(data_dir)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("in_one_commit", [False, True])
async def test_a_type_is_read_in_order_from_both_parts(store: SqliteStore, count: int, *, in_one_commit: bool) -> None:
    """Between any bounds, in both directions."""
    await create(store)
    if in_one_commit:
        await submit(store, *(append(custom("x") if n % 3 == 0 else part(str(n)), f"e{n}") for n in range(count)))
    else:
        await fill(store, count)
    of_type = [number for number in range(count) if number % 3 == 0]
    assert of_type == await sequences(store, types=[CUSTOM])
    assert of_type[::-1] == await sequences(store, types=[CUSTOM], descending=True)
    for bound in {0, 3, count // 2, EVENTS_AT_ONCE - 1, EVENTS_AT_ONCE, count - 1} & set(range(count)):
        assert [n for n in of_type if n > bound] == await sequences(store, types=[CUSTOM], after_sequence=bound)
        assert [n for n in of_type if n < bound] == await sequences(store, types=[CUSTOM], before_sequence=bound)


async def test_a_commit_of_events_that_are_known_and_new_is_told_apart(store: SqliteStore) -> None:
    """Also where the known ones lie in the index, and the same id comes twice in one commit."""
    await create(store)
    await fill(store, 2 * EVENTS_AT_ONCE)
    both = [append(custom("x"), "e0"), append(part("new"), "new"), append(part("new"), "new")]
    results = [result.append_event for result in await submit(store, *both)]
    assert [True, False, True] == [result.already_existed for result in results]
    assert [0, 2 * EVENTS_AT_ONCE, 2 * EVENTS_AT_ONCE] == [result.sequence for result in results]


async def test_a_repeat_is_recognized_in_a_group_in_which_a_session_is_archived(store: SqliteStore) -> None:
    """Which writes what has changed so far, and indexes it, in the middle of the group."""
    await create(store)
    await store.create_session(pb.CreateSessionRequest(session_id="other"))
    await fill(store, EVENTS_AT_ONCE)
    groups = store.metrics().groups
    commits = [commit("s", append(part(), f"n{number}")) for number in range(EVENTS_AT_ONCE)]
    first = [store.submit(each) for each in commits]
    archiving = store._writer.submit(ArchiveSession("other"))
    again = [store.submit(each) for each in commits]
    await archiving
    assert groups + 1 == store.metrics().groups
    answers = [(await one).results[0].append_event for one in first]
    repeats = [(await one).results[0].append_event for one in again]
    assert [answer.sequence for answer in answers] == [repeat.sequence for repeat in repeats]
    assert all(repeat.already_existed for repeat in repeats)
    await fill(store, 2 * EVENTS_AT_ONCE, first=EVENTS_AT_ONCE)


async def test_a_commit_that_is_undone_leaves_its_ids_free(store: SqliteStore) -> None:
    """Those of commits before it in the same group stay taken."""
    await create(store)
    kept = store.submit(commit("s", append(part("kept"), "kept")))
    undone = store.submit(
        commit("s", append(part("undone"), "undone"), pb.Mutation(set_active_message={"message_id": "nowhere"}))
    )
    await kept
    with pytest.raises(NotFoundError):
        await undone
    (again,) = await submit(store, append(part("something else"), "undone"))
    assert not again.append_event.already_existed
    assert 1 == again.append_event.sequence
    (repeated,) = await submit(store, append(part("kept"), "kept"))
    assert repeated.append_event.already_existed


@pytest.mark.parametrize("before", [1, EVENTS_AT_ONCE, EVENTS_AT_ONCE + 3, 2 * EVENTS_AT_ONCE + 5])
async def test_trimmed_events_leave_the_index(data_dir: Path, before: int) -> None:
    """Their ids are free, and what is left is found."""
    store = await SqliteStore.open(data_dir, durability="normal", limits=Limits())
    await create(store)
    count = 2 * EVENTS_AT_ONCE + 5
    await fill(store, count)
    await store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=before))
    assert [n for n in range(before, count) if n % 3 == 0] == await sequences(store, types=[CUSTOM])
    (again,) = await submit(store, append(part("something else"), "e0"))
    assert count == again.append_event.sequence
    await fill(store, EVENTS_AT_ONCE, first=count + 1)
    await store.close()
    assert [] == database_faults(data_dir)


async def test_deleted_sessions_leave_nothing_in_the_index(data_dir: Path) -> None:
    """Also those whose events wait in the same group."""
    store = await SqliteStore.open(data_dir, durability="normal")
    await create(store)
    await fill(store, EVENTS_AT_ONCE + 1)
    appended = store.submit(commit("s", append(part(), "last")))
    deleted = store.delete_session(pb.DeleteSessionRequest(session_id="s"))
    assert EVENTS_AT_ONCE + 2 == (await deleted).deleted_events
    assert EVENTS_AT_ONCE + 1 == (await appended).results[0].append_event.sequence
    await store.close()
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection:
        for table in ("events", "event_ids", "event_types"):
            assert (0,) == connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608


async def test_events_of_an_older_schema_are_found(tmp_path: Path) -> None:
    """All of them are in the index once it is made."""
    path = tmp_path / DATABASE_NAME
    migrate(path, load_migrations()[:2])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO sessions (session_key, id, create_digest, config, status, created_at_us, updated_at_us,"
            " next_event) VALUES (1, 's', x'00', x'', 1, 1, 1, 3)"
        )
        connection.executemany(
            "INSERT INTO events VALUES (?, 1, ?, 0, 1, ?, ?, ?)",
            [
                (1, 0, PART, "a", part("a").SerializeToString(deterministic=True)),
                (2, 1, CUSTOM, None, custom("x").SerializeToString(deterministic=True)),
                (3, 2, PART, "c", part("c").SerializeToString(deterministic=True)),
            ],
        )
        connection.execute("UPDATE store_counters SET value = 4")
    migrate(path)
    store = await SqliteStore.open(tmp_path, durability="normal")
    assert [0, 2] == await sequences(store, types=[PART])
    assert [1] == await sequences(store, types=[CUSTOM])
    (repeated,) = await submit(store, append(part("c"), "c"))
    assert repeated.append_event.already_existed
    await store.close()
    assert [] == database_faults(tmp_path)


@pytest.mark.parametrize("damage", ["event_id = 'f1'", "event_id = NULL", "type = 'other'", "payload = x'00'"])
async def test_an_id_that_is_damaged_before_it_is_indexed_is_told(
    data_dir: Path, store: SqliteStore, damage: str
) -> None:
    """Else the event that has it would be stored a second time when it is repeated."""
    await create(store)
    for number in range(3):
        await submit(store, append(part(), f"e{number}"))
    await store.close()
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection, connection:
        connection.execute(f"UPDATE events SET {damage} WHERE sequence = 1")  # noqa: S608 - our own names
    again = await SqliteStore.open(data_dir, durability="normal")
    with pytest.raises(CorruptedError):
        await submit(again, append(part(), "e1"))
    await again.close()


async def test_events_that_are_lost_before_they_are_indexed_are_told(data_dir: Path, store: SqliteStore) -> None:
    """Else the indexes by id and by type would never have them, and nobody could tell."""
    await create(store)
    for number in range(EVENTS_AT_ONCE - 1):
        await submit(store, append(part(), f"e{number}"))
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection, connection:
        connection.execute("DELETE FROM events WHERE sequence = 5")
    with pytest.raises(CorruptedError):
        await submit(store, append(part(), "newest"))
