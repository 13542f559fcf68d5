"""What the database holds after everything, read without the daemon."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sessiond.store.sqlite.engine import DATABASE_NAME

__all__ = ["StoredSession", "database_faults", "stored_sessions"]


@dataclass(frozen=True)
class StoredSession:
    """A session's rows.

    Attributes:
        events: Sequence, id, type and payload, in the order of sequences.
        messages: Sequence, id and payload, in the order of sequences.
        tool_calls: The states by id.
        first_event: The counters, as the session's own row has them.
    """

    events: tuple[tuple[int, str, str, bytes], ...]
    messages: tuple[tuple[int, str, bytes], ...]
    tool_calls: dict[str, int]
    first_event: int
    next_event: int
    next_message: int
    message_count: int


def stored_sessions(data_dir: Path) -> dict[str, StoredSession]:
    """All sessions by id."""
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection:
        rows = connection.execute(
            "SELECT session_key, id, first_event, next_event, next_message, message_count FROM sessions"
        ).fetchall()
        return {session_id: _session(connection, key, counters) for key, session_id, *counters in rows}


def _session(connection: sqlite3.Connection, key: int, counters: list[int]) -> StoredSession:
    def read(statement: str) -> tuple[tuple[int, str, str, bytes], ...]:
        return tuple(connection.execute(statement, (key,)))

    events = read("SELECT sequence, event_id, type, payload FROM events WHERE session_key = ? ORDER BY sequence")
    messages = read("SELECT sequence, id, '', payload FROM messages WHERE session_key = ? ORDER BY sequence")
    tool_calls = connection.execute("SELECT id, status FROM tool_calls WHERE session_key = ?", (key,))
    return StoredSession(
        events, tuple((sequence, name, payload) for sequence, name, _, payload in messages), dict(tool_calls), *counters
    )


_INDEXED = """
    SELECT session_key, {column}, sequence FROM events JOIN sessions USING (session_key)
    WHERE sequence < unindexed_from AND {column} IS NOT NULL
"""
_IN_TABLE = "SELECT session_key, {column}, sequence FROM {table}"
_INDEXED_WRONGLY = [
    f"{one} EXCEPT {other}".format(table=table, column=column)
    for table, column in (("event_ids", "event_id"), ("event_types", "type"))
    for one, other in ((_INDEXED, _IN_TABLE), (_IN_TABLE, _INDEXED))
]
"""What the tables that index events lack, and what they have too much."""


def database_faults(data_dir: Path) -> list[str]:
    """What is wrong with the database itself: its structure, its references, and its indexes of events."""
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection:
        try:
            found = [f"integrity: {row[0]}" for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
            found += [f"foreign key: {row}" for row in connection.execute("PRAGMA foreign_key_check")]
            found += [f"index: {row}" for statement in _INDEXED_WRONGLY for row in connection.execute(statement)]
        except sqlite3.DatabaseError as error:
            found = [f"integrity: {error}"]
    return found
