"""Deletions of sessions: of large ones first the row is taken out of sight, and then they go in pieces.

So do small ones that are large together with what else is deleted in their transaction; each is one piece.

The row stays until everything else of the session is gone. It has an id that no request can name, and the end of all
times as the time when it was archived: whatever leaves out archived sessions leaves it out, and the list of archives
ends before it.
"""

import logging
import sqlite3

from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite.chores import Chore
from sessiond.store.sqlite.errors import translated
from sessiond.store.sqlite.operations import Operation
from sessiond.store.sqlite.session_configs import config_checksum
from sessiond.store.sqlite.session_rows import GONE_AT_US, SessionRow
from sessiond.store.sqlite.transaction import WriteTransaction
from sessiond.store.sqlite.writer_memory import WriterMemory

__all__ = [
    "REMOVED_AT_ONCE",
    "REMOVED_BYTES",
    "RemovalChore",
    "RemovePiece",
    "are_removals_left",
    "remove_session",
]

_log = logging.getLogger(__name__)

REMOVED_AT_ONCE = 4000
"""Of larger sessions so many rows go in one transaction, in some twenty milliseconds: everybody's writes wait."""

REMOVED_BYTES = 8 * 1024 * 1024
"""Or so many bytes, and one row more: each page that a row fills is read when it is freed."""

_DELETE = "DELETE FROM sessions WHERE session_key = ?"
_HIDE = """
    UPDATE sessions SET id = ?, request_id = NULL, create_digest = x'', config = x'', approvals = x'',
                        config_checksum = ?, archived_at_us = ?, labels_checksum = 0, checksum = ?
    WHERE session_key = ?
"""
_DELETE_LABELS = "DELETE FROM session_metadata WHERE session_key = ?"
_ROW = """
    SELECT id, archived_at_us, next_message + tool_calls + next_event - first_event <= :rows AND stored_bytes <= :bytes
    FROM sessions WHERE session_key = :session
"""
_NEXT = f"""
    SELECT session_key FROM sessions WHERE archived_at_us = {GONE_AT_US} AND session_key > ?
    ORDER BY session_key LIMIT 1
"""  # noqa: S608 - our own number


def _piece_of_index(table: str, key: str) -> str:
    # In the order of the keys: the events' own would lead to all pages of the table in each piece.
    return f"""
        DELETE FROM {table} WHERE session_key = :session AND ({key}) IN (
            SELECT {key} FROM {table} WHERE session_key = :session ORDER BY {key} LIMIT :rows)
    """  # noqa: S608 - our own names


def _piece(table: str, key: str, order: str, size: str) -> str:
    # The session is asked of each row, since the index may lead to another's; by the index all would be walked over.
    return f"""
        DELETE FROM {table} WHERE +session_key = :session AND {key} IN (
            SELECT {key} FROM (
                SELECT {key}, sum(size) OVER (ORDER BY {order}) - size AS size_before
                FROM (SELECT {key}, {order}, {size} AS size FROM {table}
                      WHERE session_key = :session ORDER BY {order} LIMIT :rows))
            WHERE size_before < :bytes)
    """  # noqa: S608 - our own names


_PIECES = (
    _piece_of_index("event_ids", "event_id"),
    _piece_of_index("event_types", "type, sequence"),
    _piece("events", "position", "sequence", "length(payload)"),
    _piece("messages", "message_key", "sequence", "length(payload)"),
    _piece(
        "tool_calls",
        "tool_call_key",
        "tool_call_key",
        "length(payload) + coalesce(length(result), 0) + coalesce(length(CAST(error AS BLOB)), 0)"
        " + coalesce(length(stats), 0)",
    ),
)


def remove_session(transaction: WriteTransaction, row: SessionRow) -> None:
    """Deletes a session, live or archived; of much at once some is left to the pieces. Raises CorruptedError."""
    items = transaction.removed_items + row.next_message + row.tool_calls + row.next_event - row.first_event
    size_bytes = transaction.removed_bytes + row.stored_bytes
    if items <= REMOVED_AT_ONCE and size_bytes <= REMOVED_BYTES:
        transaction.removed_items, transaction.removed_bytes = items, size_bytes
        transaction.count_sessions(-1)
        transaction.forget(row.id)
        transaction.connection.execute(_DELETE, (row.session_key,))
        return
    # What the transaction changed so far would be lost with the row that it forgets. First: it may be refused.
    transaction.write_rows()
    transaction.count_sessions(-1)
    transaction.forget(row.id)
    row.id, row.archived_at_us, row.labels_checksum = *_hidden(row.session_key), 0
    transaction.connection.execute(_DELETE_LABELS, (row.session_key,))
    config_sum = config_checksum(b"", b"", None, b"")
    transaction.connection.execute(_HIDE, (row.id, config_sum, row.archived_at_us, row.sum_now(), row.session_key))
    transaction.leave_removals()


def _hidden(session_key: int) -> tuple[str, int]:
    """The id of a session that is out of sight, and when it was archived."""
    return f"\x01removed {session_key}", GONE_AT_US


def are_removals_left(connection: sqlite3.Connection) -> bool:
    """Whether something of what was deleted is left to be removed; yes, where that is damaged, which is told then."""
    try:
        with translated():
            return connection.execute(_NEXT, (0,)).fetchone() is not None
    except CorruptedError:
        return True


class RemovePiece(Operation[None]):
    """Removes a piece of a session that is out of sight; the first of those that is not passed over."""

    frees_room = True

    def __init__(self) -> None:
        self.session_key: int | None = None
        """Of which session the last piece was; None when there was none any more."""
        self.passed_over = 0
        """The sessions with keys up to this one are not looked at."""

    def apply(self, transaction: WriteTransaction) -> None:
        """See Operation. Raises CorruptedError."""
        connection = transaction.connection
        self.session_key = None
        found = connection.execute(_NEXT, (self.passed_over,)).fetchone()
        if found is None:
            return
        (self.session_key,) = found
        values = {"session": self.session_key, "rows": REMOVED_AT_ONCE, "bytes": REMOVED_BYTES}
        *name, is_small = connection.execute(_ROW, values).fetchone() or (None, None)
        # The index may lead to a session that nobody deleted. Apart from that what is damaged is of no concern.
        if tuple(name) != _hidden(self.session_key):
            raise CorruptedError("the index of archives")
        if is_small or not any(connection.execute(piece, values).rowcount for piece in _PIECES):
            connection.execute(_DELETE, found)


class RemovalChore(Chore):
    """Removes what deletions have left, a piece at a time."""

    share = 0.5
    complaint = "what was deleted is not removed from the disk yet"

    operation: RemovePiece

    def __init__(self, memory: WriterMemory) -> None:
        super().__init__(memory, RemovePiece())
        self.is_failing = False
        """Whether it waits after a failure."""
        self._told: set[int | None] = set()
        """The sessions that were found to be damaged; None for what is no fault of a session."""

    def is_due(self) -> bool:
        """See Chore."""
        return self._memory.removals_left

    def took(self, seconds: float) -> None:
        """See Chore."""
        super().took(seconds)
        if self._take_session_key() is not None:
            self._told.discard(None)
            self.is_failing = False
        elif self.operation.passed_over:
            self._try_again_later()
        else:
            self._memory.removals_left = False

    def failed(self, error: Exception) -> None:
        """See Chore. Is logged once."""
        session_key = self._take_session_key()
        damaged = session_key if isinstance(error, CorruptedError) else None
        if damaged not in self._told:
            self._told.add(damaged)
            _log.warning("%s, which is tried again: %s", self.complaint, error)
        if damaged is None:
            self._try_again_later()
        else:
            # The others may be sound.
            self.operation.passed_over = damaged

    def _take_session_key(self) -> int | None:
        """Of which session the piece was. The next one may fail before it comes to any."""
        session_key, self.operation.session_key = self.operation.session_key, None
        return session_key

    def _try_again_later(self) -> None:
        self.operation.passed_over = 0
        self.is_failing = True
        self.pause()
