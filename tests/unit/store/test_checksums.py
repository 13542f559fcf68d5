"""A row that is not as it was stored is told, whichever column is damaged, and however well it can still be read."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from sessiond.store.errors import CorruptedError, StoreError
from sessiond.store.sqlite.checksums import checksum
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migration_files import load_migrations
from sessiond.store.sqlite.migrations import migrate
from sessiond.store.sqlite.session_rows import ROW_COLUMNS, SessionRow
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig
from sessionstore.v1.tool_pb2 import TOOL_CALL_STATUS_COMPLETED
from tests.builders import append, part, result, tool_call, user_message
from tests.faults.stored import database_faults
from tests.unit.store.sessions import create, listed, merged, submit

Read = Callable[[SqliteStore], Awaitable[object]]


async def fill(store: SqliteStore) -> None:
    """A session with one of everything, and one beside it."""
    await create(store, "s", SessionConfig(system_prompt="prompt", metadata={"label": "one"}))
    await create(store, "beside")
    done = pb.ToolCallUpdate(
        tool_call_id="c", status=TOOL_CALL_STATUS_COMPLETED, result=result("r"), error="e", stats={"output": "o"}
    )
    for session_id in ("s", "beside"):
        await submit(
            store,
            *(append(part(str(number)), f"e{number}") for number in range(40)),
            *(pb.Mutation(append_message=user_message(f"m{number}")) for number in range(3)),
            pb.Mutation(create_tool_call=tool_call("c")),
            pb.Mutation(update_tool_call=done),
            session_id=session_id,
        )


async def events(store: SqliteStore, session_id: str = "s", **request: object) -> int:
    """How many events GetEvents gives."""
    asked = pb.GetEventsRequest(session_id=session_id, **request)  # type: ignore[arg-type]
    return sum([len(pb.GetEventsResponse.FromString(fragment).events) async for fragment in store.get_events(asked)])


async def session(store: SqliteStore) -> object:
    """The whole session."""
    return await merged(store)


async def all_events(store: SqliteStore) -> object:
    """Its events."""
    return await events(store)


async def events_of_type(store: SqliteStore) -> object:
    """The same by their type, newest first."""
    return await events(store, types=["message_part"], descending=True)


async def events_of_types(store: SqliteStore) -> object:
    """Those of two types, one of which is theirs."""
    return await events(store, types=["message_part", "error"])


async def listing(store: SqliteStore) -> object:
    """A page of all sessions."""
    return await listed(store, pb.ListSessionsRequest())


async def write(store: SqliteStore) -> object:
    """One more event."""
    return await submit(store, append(part("new")))


async def repeat(store: SqliteStore) -> object:
    """The repeat of an event."""
    return await submit(store, append(part("1"), "e1"))


async def repeat_of_message(store: SqliteStore) -> object:
    """The repeat of a message."""
    return await submit(store, pb.Mutation(append_message=user_message("m1")))


ONE = "session_key = 1 AND sequence = 1"
CALL = "session_key = 1"

CHANGES: list[tuple[str, str, str, Read]] = [
    ("events", "position = position + 100000", ONE, all_events),
    ("events", "commit_index = 7", ONE, all_events),
    ("events", "stored_at_us = stored_at_us + 1", ONE, all_events),
    ("events", "type = 'custom:x'", ONE, all_events),
    ("events", "type = 'messagE_part'", ONE, events_of_types),
    ("events", "type = 'messagE_part'", "session_key = 1 AND sequence = 40", events_of_type),
    ("events", "event_id = 'other'", ONE, all_events),
    ("events", "payload = x''", ONE, all_events),
    ("events", "payload = x''", ONE, events_of_type),
    ("events", "payload = x''", ONE, repeat),
    ("events", "sequence = 1000", ONE, all_events),
    ("events", "session_key = 2, sequence = 1000", ONE, all_events),
    ("event_ids", "sequence = 2", "session_key = 1 AND event_id = 'e1'", repeat),
    ("messages", "id = 'other'", ONE, session),
    ("messages", "stored_at_us = 1", ONE, session),
    ("messages", "payload = x''", ONE, session),
    ("messages", "payload = x''", ONE, repeat_of_message),
    ("messages", "sequence = 9", ONE, session),
    ("messages", "session_key = 99", ONE, session),
    ("tool_calls", "id = 'other'", CALL, session),
    ("tool_calls", "status = 6", CALL, session),
    ("tool_calls", "kind = 'bash'", CALL, session),
    ("tool_calls", "created_at_us = 1", CALL, session),
    ("tool_calls", "started_at_us = 1", CALL, session),
    ("tool_calls", "completed_at_us = NULL", CALL, session),
    ("tool_calls", "payload = x''", CALL, session),
    ("tool_calls", "result = NULL", CALL, session),
    ("tool_calls", "error = NULL", CALL, session),
    ("tool_calls", "stats = NULL", CALL, session),
    *(
        ("sessions", change, "session_key = 1", listing)
        for change in (
            "id = 't' || id",
            "created_at_us = 1",
            "updated_at_us = 1",
            "status = 3",
            "next_message = 2",
            "next_event = 42",
            "first_event = 1",
            "message_count = 7",
            "last_model = 'm'",
            "active_message_id = 'm'",
            "unindexed_from = 0",
            "stored_bytes = 0",
            "tool_calls = 0",
            "unfinished_tool_calls = 1",
            "labels_checksum = 0",
        )
    ),
    *(("sessions", "next_event = 30", "session_key = 1", read) for read in (session, all_events, write)),
    *(
        (table, f"{column} = NULL", where, read)
        for table, column, where, read in (
            ("events", "checksum", ONE, all_events),
            ("events", "checksum", ONE, events_of_types),
            ("events", "checksum", ONE, repeat),
            ("messages", "checksum", ONE, session),
            ("tool_calls", "checksum", CALL, session),
            ("sessions", "checksum", CALL, listing),
            ("sessions", "config_checksum", CALL, session),
        )
    ),
    ("sessions", "config = x''", "session_key = 1", session),
    ("sessions", "request_id = 'other'", "session_key = 1", session),
    ("sessions", "create_digest = x'00'", "session_key = 1", session),
    ("session_metadata", "value = 'other'", "session_key = 1", listing),
    ("session_metadata", "created_at_us = 1", "session_key = 1", listing),
    ("session_metadata", "session_key = 2", "session_key = 1", listing),
    ("sessions", "approvals = x'1A00'", "session_key = 1", session),
]
DAMAGE = [
    *((f"UPDATE {table} SET {change} WHERE {where}", read) for table, change, where, read in CHANGES),  # noqa: S608
    ("DELETE FROM events WHERE session_key = 1 AND sequence = 1", all_events),
    ("DELETE FROM events WHERE session_key = 1 AND sequence = 1", repeat),
    ("DELETE FROM events WHERE session_key = 1 AND sequence = 40", all_events),
    ("DELETE FROM messages WHERE session_key = 1 AND sequence = 2", session),
    ("DELETE FROM tool_calls WHERE session_key = 1 AND id = 'c'", session),
    ("DELETE FROM session_metadata WHERE session_key = 1", listing),
    ("DELETE FROM event_types WHERE session_key = 1 AND sequence = 3", events_of_type),
    ("UPDATE event_types SET type = 'message_parT' WHERE session_key = 1 AND sequence = 3", events_of_type),
    *(
        (f"DELETE FROM events WHERE session_key = 1 AND sequence = {sequence}", read)  # noqa: S608 - our own damage
        for sequence in (3, 40)
        for read in (events_of_type, events_of_types)
    ),
]


@pytest.mark.parametrize(("damage", "read"), DAMAGE)
async def test_what_is_damaged_is_never_served(data_dir: Path, damage: str, read: Read) -> None:
    """The session next to it goes on."""
    store = await SqliteStore.open(data_dir, durability="normal")
    await fill(store)
    await read(store)
    # One that the index does not have yet.
    await submit(store, append(part("40"), "e40"))
    await store.close()
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        assert 1 == connection.execute(damage).rowcount
    store = await SqliteStore.open(data_dir, durability="normal")
    with pytest.raises(CorruptedError):
        await read(store)
    if "session_key = 2" not in damage:
        assert 40 == await events(store, "beside")
        assert 3 == (await merged(store, "beside")).state.message_count
    await store.close()


async def test_rows_of_an_older_schema_get_sums_and_are_read_as_before(tmp_path: Path) -> None:
    """Every row has one after the migration, and no sound row is taken for damaged."""
    path = tmp_path / DATABASE_NAME
    migrate(path, load_migrations()[:3])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO sessions (session_key, id, create_digest, config, status, created_at_us, updated_at_us,"
            " next_event, next_message, message_count) VALUES (1, 's', x'00', x'', 1, 1, 1, 1, 1, 1)"
        )
        event = part("0").SerializeToString(deterministic=True)
        connection.execute("INSERT INTO events VALUES (1, 1, 0, 0, 1, 'message_part', 'e0', ?)", (event,))
        message = user_message("m0").SerializeToString(deterministic=True)
        connection.execute("INSERT INTO messages VALUES (1, 1, 0, 'm0', 1, ?)", (message,))
        call = tool_call("c").SerializeToString(deterministic=True)
        connection.execute(
            "INSERT INTO tool_calls (session_key, id, status, kind, created_at_us, payload)"
            " VALUES (1, 'c', 1, 'k', 1, ?)",
            (call,),
        )
        connection.execute("UPDATE store_counters SET value = 2")
    migrate(path)
    assert [] == database_faults(tmp_path)
    store = await SqliteStore.open(tmp_path, durability="normal")
    assert 1 == await events(store)
    state = (await merged(store)).state
    assert ["m0"] == [stored.message.id for stored in state.messages]
    assert ["c"] == [stored.tool_call.id for stored in state.tool_calls]
    (repeated,) = await submit(store, append(part("0"), "e0"))
    assert repeated.append_event.already_existed
    await submit(store, append(part("1"), "e1"))
    await store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        stored = connection.execute("SELECT stored_bytes, checksum IS NULL FROM sessions").fetchone()
        connection.execute("UPDATE sessions SET next_event = 1")
    assert (len(event) + len(message) + len(call) + part("1").ByteSize(), 0) == stored
    store = await SqliteStore.open(tmp_path, durability="normal")
    with pytest.raises(StoreError, match="session 's' is damaged"):
        await events(store)
    await store.close()


async def test_an_archive_whose_time_is_damaged_is_told(data_dir: Path) -> None:
    """It is neither found nor passed over: not as an archive, and not as a live session."""
    store = await SqliteStore.open(data_dir, durability="normal")
    await create(store, "s")
    await store.archive_session(admin_pb.ArchiveSessionRequest(session_id="s"))
    await store.close()
    for damage in ("archived_at_us + 1", "NULL"):
        with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection, connection:
            connection.execute(f"UPDATE sessions SET archived_at_us = {damage}")  # noqa: S608 - our own damage
        store = await SqliteStore.open(data_dir, durability="normal")
        for read in (session(store), store.restore_session(admin_pb.RestoreSessionRequest(session_id="s"))):
            with pytest.raises(CorruptedError):
                await read
        await store.close()


async def test_a_damaged_row_stays_damaged_in_a_migration(tmp_path: Path) -> None:
    """Its sum is not made to fit; and what is no text is damage of its row, not of the database."""
    path = tmp_path / DATABASE_NAME
    migrate(path, load_migrations()[:3])
    with closing(sqlite3.connect(path)) as connection, connection:
        for key, session_id in enumerate(("whole", "text", "sum"), 1):
            connection.execute(
                "INSERT INTO sessions (session_key, id, create_digest, config, status, created_at_us, updated_at_us,"
                " next_event) VALUES (?, ?, x'00', x'', 1, 1, 1, 1)",
                (key, session_id),
            )
            event = part("0").SerializeToString(deterministic=True)
            connection.execute("INSERT INTO events VALUES (?, ?, 0, 0, 1, 'message_part', 'e', ?)", (key, key, event))
        connection.execute("UPDATE store_counters SET value = 4")
    migrate(path, load_migrations()[:4])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE events SET event_id = CAST(x'ee' AS TEXT) WHERE session_key = 2")
        connection.execute("UPDATE sessions SET checksum = 7 WHERE session_key = 3")
    migrate(path)
    store = await SqliteStore.open(tmp_path, durability="normal")
    assert 1 == await events(store, "whole")
    for damaged in ("text", "sum"):
        with pytest.raises(CorruptedError):
            await events(store, damaged)
    await store.close()


def test_the_sum_of_a_session_is_that_of_its_columns_in_their_order_but_for_its_key() -> None:
    """The database's format: a row that was written before must not look damaged."""
    columns = ROW_COLUMNS.replace(" ", "").split(",")
    numbers = {name: number for number, name in enumerate(columns, 7)}
    texts = {"id": "s-1", "last_model": None, "active_message_id": "m 1"}
    row = SessionRow(**{**numbers, **texts})  # type: ignore[arg-type]

    summed = [getattr(row, name) for name in columns if name not in {"session_key", "checksum"}]

    assert row.sum_now() == checksum(tuple(summed))
