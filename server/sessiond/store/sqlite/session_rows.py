"""Rows of sessions as the API shows them."""

import sqlite3
from dataclasses import dataclass
from typing import cast

from sessiond.contract.timestamps import from_us
from sessiond.store.sqlite.errors import reading
from sessiond.store.sqlite.session_metadata import read_metadata
from sessionstore.v1.session_pb2 import SessionInfo, SessionStatus

__all__ = ["ROW_COLUMNS", "SessionRow", "row_info"]

ROW_COLUMNS = (
    "session_key, id, created_at_us, updated_at_us, status, next_message, next_event, first_event,"
    " message_count, last_model, active_message_id"
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

    @property
    def last_event(self) -> int | None:
        """The sequence of the newest event ever appended."""
        return self.next_event - 1 if self.next_event else None


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
