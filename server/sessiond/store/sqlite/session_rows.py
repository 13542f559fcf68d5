"""Rows of sessions as the API shows them."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast
from zlib import crc32

from sessiond.contract.limits import Limits
from sessiond.contract.timestamps import from_us
from sessiond.store.errors import CorruptedError, NotFoundError
from sessiond.store.sqlite.errors import reading
from sessiond.store.sqlite.session_metadata import NO_LABELS, SESSIONS_AT_ONCE, Labels, read_metadata
from sessionstore.v1.admin_service_pb2 import ArchiveInfo
from sessionstore.v1.session_pb2 import SessionInfo, SessionStatus

__all__ = [
    "COLUMNS_OF_S",
    "GONE_AT_US",
    "ROW_COLUMNS",
    "SessionRow",
    "archive_info",
    "archive_infos",
    "find_archived",
    "find_live",
    "find_requested",
    "find_session",
    "is_beyond",
    "new_row",
    "row_info",
    "row_infos",
]

ROW_COLUMNS = (
    "session_key, id, created_at_us, updated_at_us, status, next_message, next_event, first_event,"
    " message_count, last_model, active_message_id, unindexed_from, stored_bytes, tool_calls, unfinished_tool_calls,"
    " labels_checksum, archived_at_us, checksum"
)
"""The columns that make a SessionRow, in its order."""

COLUMNS_OF_S = ", ".join(f"s.{name.strip()}" for name in ROW_COLUMNS.split(","))
"""The same, of the table that a query calls s."""


GONE_AT_US = 253_402_300_799_999_999
"""When a session was archived that is deleted and not removed from the disk yet: at the end of the year 9999."""


@dataclass(slots=True)
class SessionRow:
    """The part of a session's row that nearly every call reads."""

    session_key: int
    id: str
    created_at_us: int
    updated_at_us: int
    status: int
    next_message: int
    next_event: int
    first_event: int
    message_count: int
    last_model: str | None
    active_message_id: str | None
    unindexed_from: int
    stored_bytes: int
    tool_calls: int
    unfinished_tool_calls: int
    labels_checksum: int
    archived_at_us: int | None
    checksum: int | None
    """As it was read; see `sum_now`."""
    has_sound_ids: bool = False
    """Whether the sums of its newest events were looked at since the row was read; not stored."""
    stored_message_count: int = 0
    """The number of messages that the database has, which is behind within a transaction."""

    @classmethod
    def of(cls, columns: tuple[Any, ...]) -> "SessionRow":
        """The row with these ROW_COLUMNS. Raises CorruptedError."""
        row = cls(*columns)
        if row.checksum != row.sum_now():
            raise CorruptedError(f"session {row.id!r}")
        row.stored_message_count = row.message_count
        return row

    def sum_now(self) -> int:
        """The sum of what the row holds."""
        # What `checksum` makes of these, written out: a third of the time, for each write to each session.
        return crc32(
            f"{self.id} {self.created_at_us} {self.updated_at_us} {self.status} {self.next_message} {self.next_event}"
            f" {self.first_event} {self.message_count} {self.last_model} {self.active_message_id} {self.unindexed_from}"
            f" {self.stored_bytes} {self.tool_calls} {self.unfinished_tool_calls} {self.labels_checksum}"
            f" {self.archived_at_us} ".encode()
        )

    @property
    def last_event(self) -> int | None:
        """The sequence of the newest event ever appended."""
        return self.next_event - 1 if self.next_event else None

    @property
    def unindexed(self) -> range:
        """The sequences of the newest events, which the indexes by id and by type do not have yet."""
        return range(self.unindexed_from, self.next_event)


def is_beyond(row: SessionRow, more_bytes: int, limits: Limits) -> bool:
    """Whether the session would hold more than it may with so many bytes more."""
    return 0 < limits.max_bytes_per_session < row.stored_bytes + more_bytes


def new_row(session_id: str, created_at_us: int) -> SessionRow:
    """The row of a session that is about to be created, but for its key and its labels."""
    return SessionRow(
        session_key=0,
        id=session_id,
        created_at_us=created_at_us,
        updated_at_us=created_at_us,
        status=SessionStatus.SESSION_STATUS_INACTIVE,
        next_message=0,
        next_event=0,
        first_event=0,
        message_count=0,
        last_model=None,
        active_message_id=None,
        unindexed_from=0,
        stored_bytes=0,
        tool_calls=0,
        unfinished_tool_calls=0,
        labels_checksum=0,
        archived_at_us=None,
        checksum=None,
    )


_BY_ID = f"SELECT {ROW_COLUMNS} FROM sessions WHERE id = ?"  # noqa: S608 - our own names
_BY_ID_AGAIN = "SELECT 1 FROM sessions INDEXED BY sessions_by_id_again WHERE id = ?"
_BY_REQUEST = f"SELECT {ROW_COLUMNS} FROM sessions WHERE request_id = ?"  # noqa: S608
_REQUEST = "SELECT request_id FROM sessions WHERE session_key = ?"
_BY_REQUEST_AGAIN = "SELECT 1 FROM sessions INDEXED BY sessions_by_request_again WHERE request_id = ?"


def find_session(connection: sqlite3.Connection, session_id: str) -> SessionRow | None:
    """The row of a session, live or archived, or None. Raises CorruptedError."""
    row = _find(connection, _BY_ID, _BY_ID_AGAIN, session_id)
    if row is not None and row.id != session_id:
        raise CorruptedError(f"session {session_id!r}")
    return row


def find_requested(connection: sqlite3.Connection, request_id: str) -> SessionRow | None:
    """The row of the session that a request created, or None. Raises CorruptedError."""
    row = _find(connection, _BY_REQUEST, _BY_REQUEST_AGAIN, request_id)
    # The index may lead to another session. Its own words are not asked: by the key, the session's are.
    if row is not None and connection.execute(_REQUEST, (row.session_key,)).fetchone() != (request_id,):
        raise CorruptedError("the index of sessions by request")
    return row


def _find(connection: sqlite3.Connection, query: str, again: str, value: str) -> SessionRow | None:
    found = connection.execute(query, (value,)).fetchone()
    if found is not None:
        return SessionRow.of(found)
    # One of the two indexes may have lost what it was asked for, and would say that there is no such session.
    if connection.execute(again, (value,)).fetchone() is not None:
        raise CorruptedError("the index of sessions")
    return None


def find_live(connection: sqlite3.Connection, session_id: str) -> SessionRow:
    """The row of a live session. Raises NotFoundError, CorruptedError."""
    row = find_session(connection, session_id)
    if row is None or row.archived_at_us is not None:
        raise NotFoundError.session(session_id)
    return row


def find_archived(connection: sqlite3.Connection, session_id: str) -> SessionRow | None:
    """The row of an archived session, or None. Raises CorruptedError."""
    row = find_session(connection, session_id)
    return None if row is None or row.archived_at_us is None else row


def row_infos(connection: sqlite3.Connection, rows: Sequence[SessionRow]) -> Iterator[SessionInfo]:
    """Sessions without their content. Raises CorruptedError."""
    for first in range(0, len(rows), SESSIONS_AT_ONCE):
        some = rows[first : first + SESSIONS_AT_ONCE]
        with reading():
            labels = read_metadata(connection, [row.session_key for row in some])
        yield from (_info(row, labels.get(row.session_key, NO_LABELS)) for row in some)


def _info(row: SessionRow, labels: Labels) -> SessionInfo:
    if labels.checksum != row.labels_checksum:
        raise CorruptedError(f"the metadata of session {row.id!r}")
    with reading():
        return SessionInfo(
            id=row.id,
            created_at=from_us(row.created_at_us),
            updated_at=from_us(row.updated_at_us),
            last_model=row.last_model,
            message_count=row.message_count,
            metadata=labels.pairs,
            status=cast("SessionStatus", row.status),
            last_event_sequence=row.last_event,
        )


def row_info(connection: sqlite3.Connection, row: SessionRow) -> SessionInfo:
    """A session without its content. Raises CorruptedError."""
    return next(row_infos(connection, [row]))


def archive_infos(connection: sqlite3.Connection, rows: Sequence[SessionRow]) -> Iterator[ArchiveInfo]:
    """Archived sessions without their content. Raises CorruptedError."""
    for row, info in zip(rows, row_infos(connection, rows), strict=True):
        with reading():
            archived_at = from_us(cast("int", row.archived_at_us))
        yield ArchiveInfo(session=info, archived_at=archived_at)


def archive_info(connection: sqlite3.Connection, row: SessionRow) -> ArchiveInfo:
    """An archived session without its content. Raises CorruptedError."""
    return next(archive_infos(connection, [row]))
