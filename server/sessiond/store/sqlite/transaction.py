"""One group of writes: a transaction that remembers the session rows it touched.

The rows of `sessions` hold counters that nearly every write changes. The transaction reads such a row once, unless an
earlier one left it in memory, lets the operations change it there, and writes it once at the end.
"""

import copy
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from sessiond.contract.timestamps import now_us
from sessiond.store.errors import CorruptedError, NotFoundError
from sessiond.store.sqlite.publication import Publication, PublishedEvent
from sessiond.store.sqlite.session_rows import ROW_COLUMNS, SessionRow
from sessiond.store.sqlite.writer_memory import WriterMemory

__all__ = ["POSITIONS_AT_ONCE", "WriteTransaction"]


_SELECT = f"SELECT {ROW_COLUMNS} FROM sessions WHERE id = ? AND archived_at_us IS NULL"  # noqa: S608 - our own names

_UPDATE = """
    UPDATE sessions SET updated_at_us = ?, status = ?, next_message = ?, next_event = ?, first_event = ?,
           message_count = ?, last_model = ?, active_message_id = ?
    WHERE session_key = ?
"""

_SET_POSITIONS_ASIDE = "UPDATE store_counters SET value = value + ? WHERE name = 'next_position' RETURNING value"
POSITIONS_AT_ONCE = 4096
"""Setting them aside writes one more page to the disk; a restart leaves a gap of at most so many."""


@dataclass(slots=True)
class _Undo:
    """What memory held before an atomic operation."""

    rows: dict[str, SessionRow | None]
    next_position: int
    positions_end: int
    sessions: int | None


class WriteTransaction:
    """A transaction under way, in the thread of the writing connection."""

    def __init__(
        self, connection: sqlite3.Connection, is_followed: Callable[[int], bool], memory: WriterMemory
    ) -> None:
        self.connection = connection
        self.now_us = now_us()
        """The time of everything that the transaction stores."""
        self.publications: dict[int, Publication] = {}
        """By session key: what to tell the tails once the transaction is on disk."""
        self._is_followed = is_followed
        self._memory = memory
        self._rows = memory.rows
        self._changed: set[str] = set()
        self._undo: _Undo | None = None
        self._staged: dict[int, Publication] = {}

    def session(self, session_id: str) -> SessionRow:
        """The row of a live session. Raises NotFoundError."""
        row = self._rows.get(session_id)
        if row is None:
            found = self.connection.execute(_SELECT, (session_id,)).fetchone()
            if found is None:
                raise NotFoundError.session(session_id)
            row = self._rows[session_id] = SessionRow(*found)
        if self._undo is not None and session_id not in self._undo.rows:
            # A row that has no change to be written is simply read again after an undo.
            self._undo.rows[session_id] = copy.copy(row) if session_id in self._changed else None
        return row

    def changed(self, row: SessionRow) -> None:
        """Notes that a row was changed now."""
        # The clock may step back; what was updated last must not look older than before.
        row.updated_at_us = max(self.now_us, row.updated_at_us)
        self._changed.add(row.id)

    def forget(self, session_id: str) -> None:
        """Drops a row that is no longer live, and what was to be written to it."""
        self._rows.pop(session_id, None)
        self._changed.discard(session_id)

    def next_position(self) -> int:
        """The position that the next event gets, among the events of all sessions."""
        memory = self._memory
        if memory.next_position == memory.positions_end:
            found = self.connection.execute(_SET_POSITIONS_ASIDE, (POSITIONS_AT_ONCE,)).fetchall()
            if not found:
                raise CorruptedError("the counter of positions")
            ((end,),) = found
            memory.next_position, memory.positions_end = end - POSITIONS_AT_ONCE, end
        return memory.next_position

    def take_position(self) -> None:
        """Gives the next position away."""
        self._memory.next_position += 1

    def sessions(self) -> int:
        """How many sessions there are, archived ones included."""
        if self._memory.sessions is None:
            (self._memory.sessions,) = self.connection.execute("SELECT count(*) FROM sessions").fetchone()
        return self._memory.sessions

    def count_sessions(self, change: int) -> None:
        """Notes that there are so many sessions more."""
        if self._memory.sessions is not None:
            self._memory.sessions += change

    def publish(self, session_key: int, change: Publication) -> None:
        """Keeps a change for the tails of a session."""
        target = self.publications if self._undo is None else self._staged
        target.setdefault(session_key, Publication()).add(change)

    def publish_event(
        self, session_key: int, sequence: int, commit_index: int, event_type: str, encoded: Callable[[], bytes]
    ) -> None:
        """Keeps an event that was just stored for the tails of its session; `encoded` gives it as a StoredEvent."""
        change = Publication(appended=1)
        if self._is_followed(session_key):
            # Here, in the thread of the writer: the event loop has the tails to serve.
            change.events.append(PublishedEvent(sequence, commit_index, event_type, encoded()))
        self.publish(session_key, change)

    def begin_atomic(self) -> None:
        """Begins an operation of several writes, which are kept or undone together."""
        self.connection.execute("SAVEPOINT operation")
        self._undo = _Undo({}, self._memory.next_position, self._memory.positions_end, self._memory.sessions)
        self._staged = {}

    def end_atomic(self) -> None:
        """Keeps the writes of the operation."""
        self.connection.execute("RELEASE operation")
        self._undo = None
        for session_key, change in self._staged.items():
            self.publish(session_key, change)

    def undo_atomic(self) -> None:
        """Undoes the writes of the operation, in the database and in memory."""
        self.connection.execute("ROLLBACK TO operation")
        self.connection.execute("RELEASE operation")
        undo, self._undo = self._undo, None
        if undo is None:
            return
        for session_id, before in undo.rows.items():
            self.forget(session_id)
            if before is not None:
                self._rows[session_id] = before
                self._changed.add(session_id)
        self._memory.next_position, self._memory.positions_end = undo.next_position, undo.positions_end
        self._memory.sessions = undo.sessions

    def write_rows(self) -> None:
        """Writes the changed rows."""
        self.connection.executemany(
            _UPDATE,
            [
                (
                    row.updated_at_us,
                    row.status,
                    row.next_message,
                    row.next_event,
                    row.first_event,
                    row.message_count,
                    row.last_model,
                    row.active_message_id,
                    row.session_key,
                )
                for row in map(self._rows.__getitem__, self._changed)
            ],
        )
        self._changed.clear()
