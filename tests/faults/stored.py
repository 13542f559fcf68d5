"""What the database holds after everything, read without the daemon."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sessiond.store.sqlite.engine import DATABASE_NAME
from sessiond.store.sqlite.inspection import find_faults
from sessiond.store.sqlite.session_rows import GONE_AT_US

__all__ = ["StoredSession", "database_faults", "stored_sessions"]


@dataclass(frozen=True)
class StoredSession:
    """A session's rows.

    Attributes:
        events: Sequence, id, type and payload, in the order of sequences.
        messages: Sequence, id and payload, in the order of sequences.
        tool_calls: The states by id.
        first_event: The counters, as the session's own row has them.
        archived: Whether it is archived.
        config: The encoded configuration that it was created with.
        tool_call_contents: All that clients gave of the tool calls, by id.
    """

    events: tuple[tuple[int, str, str, bytes], ...]
    messages: tuple[tuple[int, str, bytes], ...]
    tool_calls: dict[str, int]
    first_event: int
    next_event: int
    next_message: int
    message_count: int
    archived: bool = False
    config: bytes = b""
    tool_call_contents: dict[str, tuple[object, ...]] = field(default_factory=dict)


def stored_sessions(data_dir: Path) -> dict[str, StoredSession]:
    """All sessions by id, but for those that are deleted and not removed from the disk yet."""
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection:
        rows = connection.execute(
            "SELECT session_key, id, first_event, next_event, next_message, message_count,"
            " archived_at_us IS NOT NULL, config FROM sessions WHERE archived_at_us IS NOT ?",
            (GONE_AT_US,),
        ).fetchall()
        return {session_id: _session(connection, key, columns) for key, session_id, *columns in rows}


def _session(connection: sqlite3.Connection, key: int, columns: list[Any]) -> StoredSession:
    def read(statement: str) -> tuple[tuple[int, str, str, bytes], ...]:
        return tuple(connection.execute(statement, (key,)))

    events = read("SELECT sequence, event_id, type, payload FROM events WHERE session_key = ? ORDER BY sequence")
    messages = read("SELECT sequence, id, '', payload FROM messages WHERE session_key = ? ORDER BY sequence")
    tool_calls = connection.execute(
        "SELECT id, status, kind, payload, result, error, stats FROM tool_calls WHERE session_key = ?", (key,)
    ).fetchall()
    first_event, next_event, next_message, message_count, archived, config = columns
    return StoredSession(
        events,
        tuple((sequence, name, payload) for sequence, name, _, payload in messages),
        {name: status for name, status, *_ in tool_calls},
        first_event,
        next_event,
        next_message,
        message_count,
        archived=bool(archived),
        config=config,
        tool_call_contents={name: tuple(content) for name, _, *content in tool_calls},
    )


def database_faults(data_dir: Path) -> list[str]:
    """What is wrong with the database itself: its structure, references, sums, counts, and indexes of events."""
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection:
        return list(find_faults(connection))
