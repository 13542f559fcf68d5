"""What is read from a database afterwards is what was written to it, and damage of the database itself is found."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migrations import migrate
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part, tool_call, user_message
from tests.faults.stored import database_faults, stored_sessions


async def written(folder: Path) -> Path:
    """A database that a store wrote."""
    migrate(folder / DATABASE_NAME)
    store = await SqliteStore.open(folder, durability="normal")
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    await store.submit(commit("s", append(part("x"), "e"), pb.Mutation(append_message=user_message("m"))))
    await store.submit(commit("s", pb.Mutation(create_tool_call=tool_call("c"))))
    await store.close()
    return folder


async def test_a_sound_database_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Counters, events and messages; and nothing is found."""
    folder = await written(tmp_path)
    session = stored_sessions(folder)["s"]
    assert [] == database_faults(folder)
    assert [(0, "e", "message_part", part("x").SerializeToString())] == list(session.events)
    assert [(0, "m", user_message("m").SerializeToString())] == list(session.messages)
    assert (0, 1, 1, 1) == (session.first_event, session.next_event, session.next_message, session.message_count)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("UPDATE events SET session_key = 99", "foreign key"),
        ("DROP INDEX x", "integrity"),
        ("", "integrity"),
        ("UPDATE sessions SET unindexed_from = 1", "index"),
        ("INSERT INTO event_types VALUES (1, 'x', 0)", "index"),
        ("UPDATE sessions SET stored_bytes = stored_bytes + 1", "count: session s"),
        ("UPDATE sessions SET status = 2", "sum: session s"),
        ("UPDATE sessions SET config = x'0A00'", "sum: configuration of session s"),
        ("UPDATE events SET payload = x''", "sum: event 0"),
        ("UPDATE messages SET payload = x''", "sum: message m"),
        ("UPDATE tool_calls SET status = 2", "sum: tool call c"),
    ],
    ids=["reference", "index", "page", "event not indexed", "no event indexed", *("sums" for _ in range(6))],
)
async def test_a_damaged_database_is_caught(tmp_path: Path, damage: str, fault: str) -> None:
    """Rows that belong to nothing, an index that lacks a row or has one too many, a page that is no page."""
    folder = await written(tmp_path)
    database = folder / DATABASE_NAME
    if "INDEX" in damage:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute("UPDATE sqlite_schema SET sql = sql || ' AND 0' WHERE name = 'sessions_by_created_at'")
            connection.commit()
    elif damage:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute(damage)
            connection.commit()
    else:
        page = bytearray(database.read_bytes())
        page[4096:8192] = b"\xff" * 4096
        database.write_bytes(page)
    assert any(fault in each for each in database_faults(folder))
