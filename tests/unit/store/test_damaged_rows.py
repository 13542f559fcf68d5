"""Rows that no writer stores are told as damage, and neither as a failure of the server nor as all there is."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite import inspection
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.errors import translated
from sessiond.store.sqlite.inspection import inspect_database
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig
from tests.builders import append, collect, commit, event_fragments, part, tool_call, user_message


@pytest.fixture
async def folder(data_dir: Path) -> Path:
    """The folder of a store that is closed, with a session of three events and messages, and a tool call."""
    store = await SqliteStore.open(data_dir, durability="normal")
    request = pb.CreateSessionRequest(session_id="s", config=SessionConfig(metadata={"team": "a"}))
    await store.create_session(request)
    for number in range(3):
        message = pb.Mutation(append_message=user_message(f"m{number}"))
        await store.submit(commit("s", append(part("x"), f"e{number}"), message))
    await store.submit(commit("s", pb.Mutation(create_tool_call=tool_call("c"))))
    await store.close()
    return data_dir


@pytest.fixture
async def damaged(folder: Path, damage: str) -> AsyncIterator[SqliteStore]:
    """That store, open again after a statement that stands for damage."""
    alter(folder, damage)
    store = await SqliteStore.open(folder, durability="normal")
    yield store
    await store.close()


def alter(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection, connection:
        connection.execute(statement)


def messages(store: SqliteStore) -> Awaitable[Any]:
    return collect(store.get_messages(pb.GetMessagesRequest(session_id="s")), "messages")


def events(store: SqliteStore) -> Awaitable[Any]:
    return collect(event_fragments(store.get_events(pb.GetEventsRequest(session_id="s"))), "events")


async def tail(store: SqliteStore) -> object:
    return await (await store.open_feed("s")).read(-1)


def listing(store: SqliteStore) -> Awaitable[Any]:
    return store.list_sessions(pb.ListSessionsRequest())


async def write(store: SqliteStore) -> object:
    return await store.submit(commit("s", append(part("new"))))


@pytest.mark.parametrize(
    ("damage", "call"),
    [
        ("UPDATE session_metadata SET key = CAST(x'6bee' AS TEXT)", listing),
        ("UPDATE sessions SET status = 9000000000000000000", listing),
        ("UPDATE sessions SET message_count = -5", listing),
        ("DELETE FROM messages WHERE sequence = 1", messages),
        ("DELETE FROM messages WHERE sequence = 2", messages),
        ("DELETE FROM events WHERE sequence = 0", events),
        ("DELETE FROM events WHERE sequence = 1", events),
        ("DELETE FROM events WHERE sequence = 2", events),
        ("DELETE FROM events WHERE sequence = 1", tail),
        ("DELETE FROM events WHERE sequence = 2", tail),
        ("DELETE FROM store_counters", write),
        ("UPDATE store_counters SET value = 1", write),
        ("UPDATE store_counters SET value = -28671", write),
        ("UPDATE store_counters SET value = 9223372036854775800", write),
        ("UPDATE store_counters SET value = 0", write),
    ],
)
async def test_damage_in_a_row_is_told(
    damaged: SqliteStore, call: Callable[[SqliteStore], Awaitable[object]], damage: str
) -> None:
    """Text that is none, numbers that nobody counts to, rows and counters that are missing."""
    with pytest.raises(CorruptedError):
        await call(damaged)


async def create_again(store: SqliteStore) -> object:
    config = SessionConfig(metadata={"team": "a"})
    return await store.create_session(pb.CreateSessionRequest(session_id="s", config=config))


def writing(mutation: pb.Mutation) -> Callable[[SqliteStore], Awaitable[object]]:
    return lambda store: store.submit(commit("s", mutation))


def make_text(folder: Path, table: str, column: str, text: str) -> None:
    """Has a text where bytes belong, which a strict table lets nobody store: the type is a number beside the value."""
    for statement in (
        f"UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ')') WHERE name = '{table}'",  # noqa: S608
        f"UPDATE {table} SET {column} = '{text}'",  # noqa: S608
        f"UPDATE sqlite_schema SET sql = sql || ' STRICT' WHERE name = '{table}'",  # noqa: S608
    ):
        with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection, connection:
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute(statement)


@pytest.mark.parametrize(
    ("table", "column", "text", "call"),
    [
        ("sessions", "create_digest", "text", create_again),
        # Nothing has the sum of nothing, whatever its type.
        ("sessions", "approvals", "", create_again),
        ("sessions", "config", "text", writing(pb.Mutation(update_session=pb.SessionUpdate(set_metadata={"k": "v"})))),
        ("messages", "payload", "text", writing(pb.Mutation(append_message=user_message("m0")))),
        ("tool_calls", "payload", "text", writing(pb.Mutation(create_tool_call=tool_call("c")))),
        ("tool_calls", "payload", "text", writing(pb.Mutation(update_tool_call=pb.ToolCallUpdate(tool_call_id="c")))),
        ("events", "payload", "text", writing(append(part("x"), "e0"))),
    ],
)
async def test_a_value_of_another_type_is_damage_to_a_write_too(
    folder: Path, table: str, column: str, text: str, call: Callable[[SqliteStore], Awaitable[object]]
) -> None:
    """A write that looks at what is stored is refused as a read is, and no failure of the server."""
    make_text(folder, table, column, text)
    store = await SqliteStore.open(folder, durability="normal")
    with pytest.raises(CorruptedError):
        await call(store)
    await store.close()


@pytest.mark.parametrize(
    ("table", "column", "told"),
    [
        ("sessions", "config", "sum: configuration of session s"),
        ("messages", "payload", "sum: message m1 of session s"),
        ("tool_calls", "payload", "sum: tool call c of session s"),
        ("events", "payload", "sum: event 1 of session s"),
    ],
)
def test_a_value_of_another_type_is_found(folder: Path, table: str, column: str, told: str) -> None:
    """Whoever looks for damage is told of all of it, whatever became of a value."""
    make_text(folder, table, column, "text")
    found = list(inspect_database(folder / DATABASE_NAME))
    assert told in found


@pytest.mark.parametrize("is_open_still", [True, False])
def test_what_is_written_meanwhile_is_not_taken_for_damage(
    folder: Path, monkeypatch: pytest.MonkeyPatch, is_open_still: bool
) -> None:
    """A look at a database that nobody has open is begun anew when a daemon is started on it."""
    found = inspection.find_faults
    connections: list[sqlite3.Connection] = []

    def overtaken(connection: sqlite3.Connection) -> Iterator[str]:
        if not connections:
            connections.append(sqlite3.connect(folder / DATABASE_NAME, isolation_level=None))
            connections[0].execute("UPDATE store_counters SET value = value + 1")
            if not is_open_still:
                connections[0].close()
            yield "integrity: pages of two moments"
        yield from found(connection)

    monkeypatch.setattr(inspection, "find_faults", overtaken)
    assert [] == list(inspect_database(folder / DATABASE_NAME))
    connections[0].close()


async def test_a_store_without_its_id_is_not_opened(folder: Path) -> None:
    """Clients tell by it whether they met the store before."""
    alter(folder, "DELETE FROM store_info")
    with pytest.raises(CorruptedError, match="the id of the store"):
        await SqliteStore.open(folder)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT lost FROM store_info",
        "SELECT 1 FROM lost",
        "INSERT INTO store_info (lost) VALUES (1)",
        "SELECT 1 FROM store_info JOIN store_info AS other USING (lost)",
    ],
)
def test_a_name_that_the_schema_lost_is_damage(statement: str) -> None:
    """A flipped bit in the text of a statement that made a table."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE store_info (key TEXT)")
        with pytest.raises(CorruptedError), translated():
            connection.execute(statement)


def test_a_name_that_is_no_text_is_damage(tmp_path: Path) -> None:
    """The driver cannot even tell what is missing."""
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection, connection:
        connection.execute("CREATE TABLE referring (key REFERENCES other)")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, 'other', CAST(x'f36f' AS TEXT))")
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        with pytest.raises(CorruptedError), translated():
            connection.execute("INSERT INTO referring VALUES (1)")
