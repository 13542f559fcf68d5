"""Rows of sessions as the API shows them."""

import sqlite3
from dataclasses import dataclass
from typing import Any, cast

from sessiond.contract.limits import Limits
from sessiond.contract.timestamps import from_us
from sessiond.store.errors import CorruptedError, NotFoundError
from sessiond.store.sqlite.checksums import checksum, is_damaged
from sessiond.store.sqlite.errors import reading
from sessiond.store.sqlite.session_metadata import read_metadata
from sessionstore.v1.session_pb2 import SessionInfo, SessionStatus

__all__ = ["ROW_COLUMNS", "SessionRow", "find_live", "is_beyond", "new_row", "row_info"]

ROW_COLUMNS = (
    "session_key, id, created_at_us, updated_at_us, status, next_message, next_event, first_event,"
    " message_count, last_model, active_message_id, unindexed_from, stored_bytes, checksum"
)
"""The columns that make a SessionRow, in its order."""


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
    checksum: int | None
    """As it was read; see `sum_now`."""

    @classmethod
    def of(cls, columns: tuple[Any, ...]) -> "SessionRow":
        """The row with these ROW_COLUMNS. Raises CorruptedError."""
        row = cls(*columns)
        if is_damaged(row.checksum, row.sum_now()):
            raise CorruptedError(f"session {row.id!r}")
        return row

    def sum_now(self) -> int:
        """The sum of what the row holds."""
        return checksum(
            (
                self.id,
                self.created_at_us,
                self.updated_at_us,
                self.status,
                self.next_message,
                self.next_event,
                self.first_event,
                self.message_count,
                self.last_model,
                self.active_message_id,
                self.unindexed_from,
                self.stored_bytes,
            )
        )

    @property
    def last_event(self) -> int | None:
        """The sequence of the newest event ever appended."""
        return self.next_event - 1 if self.next_event else None


def is_beyond(row: SessionRow, more_bytes: int, limits: Limits) -> bool:
    """Whether the session would hold more than it may with so many bytes more."""
    return 0 < limits.max_bytes_per_session < row.stored_bytes + more_bytes


def new_row(session_id: str, created_at_us: int) -> SessionRow:
    """The row of a session that is about to be created, but for its key."""
    inactive = SessionStatus.SESSION_STATUS_INACTIVE
    return SessionRow(0, session_id, created_at_us, created_at_us, inactive, 0, 0, 0, 0, None, None, 0, 0, None)


_LIVE = f"SELECT {ROW_COLUMNS} FROM sessions WHERE id = ? AND archived_at_us IS NULL"  # noqa: S608 - our own names


def find_live(connection: sqlite3.Connection, session_id: str) -> SessionRow:
    """The row of a live session. Raises NotFoundError, CorruptedError."""
    found = connection.execute(_LIVE, (session_id,)).fetchone()
    if found is None:
        raise NotFoundError.session(session_id)
    return SessionRow.of(found)


def row_info(connection: sqlite3.Connection, row: SessionRow) -> SessionInfo:
    """A session without its content."""
    with reading():
        return SessionInfo(
            id=row.id,
            created_at=from_us(row.created_at_us),
            updated_at=from_us(row.updated_at_us),
            last_model=row.last_model,
            message_count=row.message_count,
            metadata=read_metadata(connection, row.session_key),
            status=cast("SessionStatus", row.status),
            last_event_sequence=row.last_event,
        )
