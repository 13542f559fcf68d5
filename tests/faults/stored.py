"""What the database holds after everything, read without the daemon."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sessiond.store.sqlite.checksums import checksum, event_checksum, is_damaged
from sessiond.store.sqlite.engine import DATABASE_NAME
from sessiond.store.sqlite.session_rows import ROW_COLUMNS, SessionRow
from sessiond.store.sqlite.tool_call_rows import TOOL_CALL_COLUMNS, ToolCallRow

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
    """All sessions by id."""
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection:
        rows = connection.execute(
            "SELECT session_key, id, first_event, next_event, next_message, message_count,"
            " archived_at_us IS NOT NULL, config FROM sessions"
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


_COUNTED_WRONGLY = """
    SELECT id, stored_bytes FROM sessions WHERE stored_bytes <>
        (SELECT coalesce(sum(length(payload)), 0) FROM messages WHERE messages.session_key = sessions.session_key)
        + (SELECT coalesce(sum(length(payload)), 0) FROM events WHERE events.session_key = sessions.session_key)
        + (SELECT coalesce(sum(length(payload) + coalesce(length(result), 0) + coalesce(length(CAST(error AS BLOB)), 0)
                               + coalesce(length(stats), 0)), 0)
           FROM tool_calls WHERE tool_calls.session_key = sessions.session_key)
"""


def _damaged_rows(connection: sqlite3.Connection) -> Iterator[str]:
    """The rows that do not have the sums that are stored with them."""
    for stored, *values in connection.execute(
        "SELECT checksum, position, session_key, sequence, commit_index, stored_at_us, type, event_id, payload"
        " FROM events"
    ):
        if is_damaged(stored, event_checksum(*values)):
            yield f"event {values[2]} of {values[1]}"
    for stored, payload, *values in connection.execute(
        "SELECT checksum, payload, session_key, sequence, id, stored_at_us FROM messages"
    ):
        if is_damaged(stored, checksum(tuple(values), payload)):
            yield f"message {values[2]} of {values[0]}"
    for session_key, *columns in connection.execute(f"SELECT session_key, {TOOL_CALL_COLUMNS} FROM tool_calls"):  # noqa: S608
        row = ToolCallRow(*columns)
        if is_damaged(row.checksum, row.sum_now(session_key)):
            yield f"tool call {row.id} of {session_key}"
    for config, approvals, config_sum, *columns in connection.execute(
        f"SELECT config, approvals, config_checksum, {ROW_COLUMNS} FROM sessions"  # noqa: S608 - our own names
    ):
        session = SessionRow(*columns)
        if is_damaged(session.checksum, session.sum_now()) or is_damaged(config_sum, checksum((), config, approvals)):
            yield f"session {session.id}"


def database_faults(data_dir: Path) -> list[str]:
    """What is wrong with the database itself: its structure, references, sums, counted bytes, and indexes of events."""
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection:
        try:
            found = [f"integrity: {row[0]}" for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
            found += [f"foreign key: {row}" for row in connection.execute("PRAGMA foreign_key_check")]
            found += [f"bytes: {row}" for row in connection.execute(_COUNTED_WRONGLY)]
            found += [f"sum: {row}" for row in _damaged_rows(connection)]
            found += [f"index: {row}" for statement in _INDEXED_WRONGLY for row in connection.execute(statement)]
        except sqlite3.DatabaseError as error:
            found = [f"integrity: {error}"]
    return found
