"""Looks at a whole database: its structure, and everything that a row or an index can have wrong."""

import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite.checksums import checksum, event_checksum
from sessiond.store.sqlite.database_head import DatabaseHead
from sessiond.store.sqlite.label_horizon import read_horizon
from sessiond.store.sqlite.migration_files import MigrationError
from sessiond.store.sqlite.migrations import migration_status, reading_options
from sessiond.store.sqlite.session_configs import config_checksum
from sessiond.store.sqlite.session_metadata import NO_LABELS, read_metadata
from sessiond.store.sqlite.session_rows import GONE_AT_US, ROW_COLUMNS, SessionRow
from sessiond.store.sqlite.tool_call_rows import TOOL_CALL_COLUMNS, ToolCallRow

__all__ = ["find_faults", "inspect_database"]

_INDEXED = """
    SELECT session_key, {column}, sequence FROM events JOIN sessions USING (session_key)
    WHERE sequence < unindexed_from AND {column} IS NOT NULL AND archived_at_us IS NOT {gone}
"""
_IN_TABLE = """
    SELECT session_key, {column}, sequence FROM {table}
    WHERE session_key NOT IN (SELECT session_key FROM sessions WHERE archived_at_us = {gone})
"""
_INDEXED_WRONGLY = [
    f"{one} EXCEPT {other}".format(table=table, column=column, gone=GONE_AT_US)
    for table, column in (("event_ids", "event_id"), ("event_types", "type"))
    for one, other in ((_INDEXED, _IN_TABLE), (_IN_TABLE, _INDEXED))
]
"""What the tables that index events lack, and what they have too much; of what is deleted some may be left."""

_COUNTED_WRONGLY = f"""
    SELECT id FROM sessions WHERE archived_at_us IS NOT {GONE_AT_US} AND (stored_bytes <>
        (SELECT coalesce(sum(length(payload)), 0) FROM messages WHERE messages.session_key = sessions.session_key)
        + (SELECT coalesce(sum(length(payload)), 0) FROM events WHERE events.session_key = sessions.session_key)
        + (SELECT coalesce(sum(length(payload) + coalesce(length(result), 0) + coalesce(length(CAST(error AS BLOB)), 0)
                               + coalesce(length(stats), 0)), 0)
           FROM tool_calls WHERE tool_calls.session_key = sessions.session_key)
        OR next_event - first_event <>
           (SELECT count(*) FROM events WHERE events.session_key = sessions.session_key)
        OR next_message <> (SELECT count(*) FROM messages WHERE messages.session_key = sessions.session_key)
        OR tool_calls <> (SELECT count(*) FROM tool_calls c WHERE c.session_key = sessions.session_key)
        OR unfinished_tool_calls <> (
            SELECT count(*) FROM tool_calls c WHERE c.session_key = sessions.session_key AND c.status IN (1, 2, 4)))
"""  # noqa: S608 - our own number

_COPIED_WRONGLY = """
    SELECT DISTINCT id FROM sessions JOIN session_metadata m USING (session_key)
    WHERE CASE WHEN archived_at_us IS NOT NULL THEN (m.updated_at_us, m.message_count) IS NOT (NULL, NULL)
          WHEN (sessions.updated_at_us, session_key) <= (?, ?)
          THEN (m.updated_at_us, m.message_count) IS NOT (sessions.updated_at_us, sessions.message_count) END
"""
"""The sessions whose labels a list in the order of updates or messages meets at the wrong place, or not at all."""


def inspect_database(path: Path) -> Iterator[str]:
    """The faults of a database, as it is at one moment, without changing anything.

    Raises MigrationError when its schema is not this program's, or cannot be read.
    """
    pending = [each.migration for each in migration_status(path) if each.applied_at_us is None]
    if pending:
        raise MigrationError(f"{path.name} lacks {', '.join(pending)}; run the migration, and look again")
    head = DatabaseHead(path)
    if not head.may_be_written():
        yield "integrity: the head of the database forbids writing"
    # Before SQLite has locks on the file, which would go with it.
    head.close()
    while not (yield from _look_through(path)):
        pass


def _look_through(path: Path) -> Generator[str, None, bool]:
    """Gives the faults; returns whether it told all of them.

    It does not where nobody had the database open, which so was not read as it is at one moment, and then somebody
    wrote to it: a daemon may be started meanwhile.
    """
    options, before = reading_options(path), _state(path)
    address = f"{path.absolute().as_uri()}?{options}"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        for fault in find_faults(connection):
            if "immutable" in options and (options, before) != (reading_options(path), _state(path)):
                return False
            yield fault
    return True


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def find_faults(connection: sqlite3.Connection) -> Iterator[str]:
    """What is wrong, a line each: structure, references, sums, counts, copies, and the tables that index events.

    Reads everything, and holds one snapshot if the caller began a transaction.
    """
    try:
        yield from (f"integrity: {row[0]}" for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok")
        yield from (f"foreign key: {row}" for row in connection.execute("PRAGMA foreign_key_check"))
        yield from (f"count: session {row[0]}" for row in connection.execute(_COUNTED_WRONGLY))
        yield from (f"sum: {row}" for row in _damaged_rows(connection))
        yield from _wrong_copies(connection)
        for statement in _INDEXED_WRONGLY:
            for session_key, value, sequence in connection.execute(statement):
                yield f"index: {value!r}, event {sequence} of {_session(connection, session_key)}"
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        yield f"integrity: {error}"


def _wrong_copies(connection: sqlite3.Connection) -> Iterator[str]:
    """The copies beside the labels of cold sessions that are not as the sessions are."""
    try:
        horizon = read_horizon(connection)
    except CorruptedError:
        yield "sum: the horizon of the labels"
    else:
        yield from (f"copy: labels of session {row[0]}" for row in connection.execute(_COPIED_WRONGLY, horizon))


def _session(connection: sqlite3.Connection, session_key: int) -> str:
    """What people call a session; its key is in no answer."""
    found = connection.execute(
        "SELECT id, archived_at_us FROM sessions WHERE session_key = ?", (session_key,)
    ).fetchone()
    if found is None:
        return "a session that is not there"
    return "a session that is being removed" if found[1] == GONE_AT_US else f"session {found[0]}"


def _damaged_rows(connection: sqlite3.Connection) -> Iterator[str]:
    """The rows that do not have the sums that are stored with them."""
    for stored, *values in connection.execute(
        "SELECT checksum, position, session_key, sequence, commit_index, stored_at_us, type, event_id, payload"
        " FROM events"
    ):
        if not _fits(stored, lambda: event_checksum(*values)):  # noqa: B023 - called at once
            yield f"event {values[2]} of {_session(connection, values[1])}"
    for stored, payload, *values in connection.execute(
        "SELECT checksum, payload, session_key, sequence, id, stored_at_us FROM messages"
    ):
        if not _fits(stored, lambda: checksum(tuple(values), payload)):  # noqa: B023
            yield f"message {values[2]} of {_session(connection, values[0])}"
    for session_key, *columns in connection.execute(f"SELECT session_key, {TOOL_CALL_COLUMNS} FROM tool_calls"):  # noqa: S608
        call = ToolCallRow(*columns)
        if not _fits(call.checksum, lambda: call.sum_now(session_key)):  # noqa: B023
            yield f"tool call {call.id} of {_session(connection, session_key)}"
    for *config, config_sum in connection.execute(
        "SELECT id, config, approvals, request_id, create_digest, config_checksum FROM sessions"
    ):
        session_id, *stored = config
        if not _fits(config_sum, lambda: config_checksum(*stored)):  # noqa: B023
            yield f"configuration of session {session_id}"
    for columns in connection.execute(f"SELECT {ROW_COLUMNS} FROM sessions").fetchall():  # noqa: S608 - our own names
        row = SessionRow(*columns)
        if row.checksum != row.sum_now():
            yield f"session {row.id}"
        elif (
            read_metadata(connection, [row.session_key]).get(row.session_key, NO_LABELS).checksum != row.labels_checksum
        ):
            yield f"labels of session {row.id}"


def _fits(stored: int | None, sum_now: Callable[[], int]) -> bool:
    """Whether a sum is that of its row; no, where a value is of a type that nobody stored."""
    try:
        return stored == sum_now()
    except TypeError:
        return False
