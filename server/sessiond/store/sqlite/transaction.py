"""One group of writes: a transaction that remembers the session rows it touched.

The rows of `sessions` hold counters that nearly every write changes. The transaction reads such a row once, unless an
earlier one left it in memory, lets the operations change it there, and writes it once at the end. New events wait too,
and are inserted together.
"""

import copy
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from sessiond.contract.timestamps import now_us
from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite.checksums import event_checksum
from sessiond.store.sqlite.errors import translate
from sessiond.store.sqlite.event_index import EVENTS_AT_ONCE, check_recent, find_ids, index_events, recent_ids
from sessiond.store.sqlite.giving_way import GivingWay
from sessiond.store.sqlite.label_horizon import LOWEST, Horizon, advance, read_horizon, write_copies
from sessiond.store.sqlite.newest_ids import NewestIds, newest_messages, newest_tool_calls
from sessiond.store.sqlite.publication import Publication, PublishedEvent
from sessiond.store.sqlite.session_rows import GONE_AT_US, SessionRow, find_live
from sessiond.store.sqlite.writer_memory import WriterMemory

__all__ = ["POSITIONS_AT_ONCE", "EventValues", "WriteTransaction"]

EventValues = tuple[int, int, int, int, int, str, str | None, bytes]
"""The columns of an event: position, session_key, sequence, commit_index, stored_at_us, type, event_id and payload."""

_INSERT_EVENT = """
    INSERT INTO events (position, session_key, sequence, commit_index, stored_at_us, type, event_id, payload, checksum)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_CHANGED = """
    updated_at_us = ?, status = ?, next_message = ?, next_event = ?, first_event = ?, last_model = ?,
    active_message_id = ?, unindexed_from = ?, stored_bytes = ?, tool_calls = ?, unfinished_tool_calls = ?,
    labels_checksum = ?, checksum = ?
    WHERE session_key = ?
"""
_UPDATE = f"UPDATE sessions SET {_CHANGED}"  # noqa: S608 - our own names
_UPDATE_WITH_COUNT = f"UPDATE sessions SET message_count = ?, {_CHANGED}"  # noqa: S608
"""SQLite takes a column that is set out of its index and puts it in again, also when it is as it was."""

_COUNT_SESSIONS = f"""
    SELECT (SELECT count(*) FROM sessions) - (SELECT count(*) FROM sessions WHERE archived_at_us = {GONE_AT_US})
"""  # noqa: S608 - our own number
_SET_POSITIONS_ASIDE = "UPDATE store_counters SET value = value + ? WHERE name = 'next_position' RETURNING value"
POSITIONS_AT_ONCE = 4096
"""Setting them aside writes one more page to the disk; a restart leaves a gap of at most so many."""


@dataclass(slots=True)
class _Undo:
    """What memory held before an atomic operation."""

    rows: dict[str, SessionRow | None]
    next_position: int
    positions_end: int
    new_sessions: int = 0
    """How many sessions more there are since then."""


class WriteTransaction:
    """A transaction under way, in the thread of the writing connection."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        is_followed: Callable[[int], bool],
        memory: WriterMemory,
        giving_way: GivingWay,
    ) -> None:
        self._connection = connection
        self.now_us = now_us()
        """The time of everything that the transaction stores."""
        self.publications: dict[int, Publication] = {}
        """By session key: what to tell the tails once the transaction is on disk."""
        self._is_followed = is_followed
        self._memory = memory
        self.give_way = giving_way.give_way
        """To be called before each small piece of work."""
        self._rows = memory.rows
        self._horizon = memory.horizon = memory.horizon or _horizon(connection)
        self._changed: set[str] = set()
        self._undo: _Undo | None = None
        self._staged: dict[int, Publication] = {}
        self.removed_items = self.removed_bytes = 0
        """What deletions have removed in it, and not left to be removed later."""
        self._new_events: list[tuple[*EventValues, int]] = []
        self._indexed_ids: dict[int, dict[str, int | None]] = {}
        """By session key: what the index of ids was asked for, and has."""

    @property
    def connection(self) -> sqlite3.Connection:
        """Sees everything that the transaction has written so far."""
        if self._new_events:
            self._insert_events()
        return self._connection

    def session(self, session_id: str) -> SessionRow:
        """The row of a live session. Raises NotFoundError, CorruptedError."""
        row = self._rows.get(session_id)
        if row is None:
            row = self._rows[session_id] = find_live(self._connection, session_id)
        if self._undo is not None and session_id not in self._undo.rows:
            # A row that has no change to be written is simply read again after an undo.
            self._undo.rows[session_id] = copy.copy(row) if session_id in self._changed else None
        return row

    def changed(self, row: SessionRow) -> None:
        """Notes that a row was changed now."""
        if row.updated_at_us <= self._horizon.updated_at_us:
            self._memory.hot += 1
        # The clock may step back; what was updated last must not look older than before.
        row.updated_at_us = max(self.now_us, row.updated_at_us)
        self._changed.add(row.id)

    def joined(self, row: SessionRow) -> None:
        """Notes that a session, whose labels are stored, is one of the live ones now."""
        if self._horizon.has(row):
            write_copies(self.connection, [row])
        else:
            self._memory.hot += 1

    def advance_horizon(self) -> None:
        """Has some sessions turn cold, where too many are hot. Raises CorruptedError."""
        self._horizon, self._memory.hot = advance(self.connection)
        self._memory.horizon = self._horizon

    def forget(self, session_id: str) -> None:
        """Drops a row that is no longer live, and what was to be written to it."""
        row = self._rows.pop(session_id, None)
        if row is not None:
            self._memory.forget_ids(row.session_key)
            self._indexed_ids.pop(row.session_key, None)
        self._changed.discard(session_id)

    def take_position(self) -> int:
        """The position of a new event, among the events of all sessions."""
        memory = self._memory
        if memory.next_position == memory.positions_end:
            found = self._connection.execute(_SET_POSITIONS_ASIDE, (POSITIONS_AT_ONCE,)).fetchall()
            # The first position is 1.
            if not found or found[0][0] <= POSITIONS_AT_ONCE:
                raise CorruptedError("the counter of positions")
            ((end,),) = found
            memory.next_position, memory.positions_end = end - POSITIONS_AT_ONCE, end
        memory.next_position += 1
        return memory.next_position - 1

    def insert_event(self, values: EventValues) -> None:
        """Stores a new event, whose id, if it has one, `find_event` did not find."""
        self._new_events.append((*values, event_checksum(*values)))
        event_id = values[6]
        if event_id is not None:
            self._memory.recent_ids[values[1]][event_id] = values[2]

    def _insert_events(self) -> None:
        events, self._new_events = self._new_events, []
        self._connection.executemany(_INSERT_EVENT, events)

    def look_up_events(self, row: SessionRow, event_ids: list[str]) -> None:
        """Asks the index for many ids at once, where `find_event` would for each."""
        if row.unindexed_from > row.first_event:
            found = find_ids(self._connection, row.session_key, event_ids)
            self._indexed_ids.setdefault(row.session_key, {}).update({name: found.get(name) for name in event_ids})

    def find_event(self, row: SessionRow, event_id: str) -> int | None:
        """The sequence of the event with an id, or None. Raises CorruptedError."""
        recent = self._memory.recent_ids.get(row.session_key)
        if recent is None:
            if not row.has_sound_ids:
                check_recent(self.connection, row.session_key, row.unindexed)
                row.has_sound_ids = True
            recent = recent_ids(self.connection, row.session_key, row.unindexed)
            self._memory.recent_ids[row.session_key] = recent
        sequence = recent.get(event_id)
        if sequence is not None or row.unindexed_from <= row.first_event:
            return sequence
        asked = self._indexed_ids.setdefault(row.session_key, {})
        if event_id not in asked:
            asked[event_id] = find_ids(self._connection, row.session_key, [event_id]).get(event_id)
        return asked[event_id]

    def newest_messages(self, row: SessionRow) -> NewestIds:
        """The ids of the session's newest messages, to be added to. Raises CorruptedError."""
        found = self._memory.newest_messages.get(row.session_key)
        if found is None:
            found = self._memory.newest_messages[row.session_key] = newest_messages(self._connection, row)
        return found

    def newest_tool_calls(self, row: SessionRow) -> NewestIds:
        """The ids of the session's newest tool calls, to be added to. Raises CorruptedError."""
        found = self._memory.newest_tool_calls.get(row.session_key)
        if found is None:
            found = self._memory.newest_tool_calls[row.session_key] = newest_tool_calls(self._connection, row)
        return found

    def trim_events(self, row: SessionRow, before: int) -> None:
        """Forgets the ids of events that are about to be deleted."""
        row.unindexed_from = max(row.unindexed_from, before)
        row.first_event = before
        self._memory.recent_ids.pop(row.session_key, None)
        self._indexed_ids.pop(row.session_key, None)

    def sessions(self) -> int:
        """How many sessions there are, archived ones included."""
        if self._memory.sessions is None:
            (self._memory.sessions,) = self._connection.execute(_COUNT_SESSIONS).fetchone()
        return self._memory.sessions

    def count_sessions(self, change: int) -> None:
        """Notes that there are so many sessions more."""
        if self._memory.sessions is not None:
            self._memory.sessions += change
        if self._undo is not None:
            self._undo.new_sessions += change

    def leave_removals(self) -> None:
        """Notes that a deletion has left something to be removed."""
        self._memory.removals_left = True

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
        self._undo = _Undo({}, self._memory.next_position, self._memory.positions_end)
        self._staged = {}

    def end_atomic(self) -> None:
        """Keeps the writes of the operation."""
        self._connection.execute("RELEASE operation")
        self._undo = None
        for session_key, change in self._staged.items():
            self.publish(session_key, change)

    def undo_atomic(self) -> None:
        """Undoes the writes of the operation, in the database and in memory."""
        # What was stored before the operation was inserted as it began.
        self._new_events.clear()
        self._connection.execute("ROLLBACK TO operation")
        self._connection.execute("RELEASE operation")
        undo, self._undo = self._undo, None
        if undo is None:
            return
        for session_id, before in undo.rows.items():
            self.forget(session_id)
            if before is not None:
                self._rows[session_id] = before
                self._changed.add(session_id)
        self._memory.next_position, self._memory.positions_end = undo.next_position, undo.positions_end
        self.count_sessions(-undo.new_sessions)

    def write_rows(self) -> None:
        """Writes the changed rows, and what waits to be indexed where that is enough."""
        connection = self.connection
        for row in map(self._rows.__getitem__, self._changed):
            if len(row.unindexed) >= EVENTS_AT_ONCE:
                index_events(connection, row.session_key, row.unindexed)
                row.unindexed_from = row.next_event
                self._memory.recent_ids[row.session_key] = {}
                # It may be in the middle of a group: what the index did not have then, it has now.
                self._indexed_ids.pop(row.session_key, None)
        # Only where the clock stepped back: else what is written to is hot.
        write_copies(connection, filter(self._horizon.has, map(self._rows.__getitem__, self._changed)))
        rows, with_count = [], []
        for row in map(self._rows.__getitem__, self._changed):
            changed = (
                row.updated_at_us,
                row.status,
                row.next_message,
                row.next_event,
                row.first_event,
                row.last_model,
                row.active_message_id,
                row.unindexed_from,
                row.stored_bytes,
                row.tool_calls,
                row.unfinished_tool_calls,
                row.labels_checksum,
                row.sum_now(),
                row.session_key,
            )
            if row.message_count == row.stored_message_count:
                rows.append(changed)
            else:
                row.stored_message_count = row.message_count
                with_count.append((row.message_count, *changed))
        connection.executemany(_UPDATE, rows)
        connection.executemany(_UPDATE_WITH_COUNT, with_count)
        self._changed.clear()


def _horizon(connection: sqlite3.Connection) -> Horizon:
    """The horizon of the labels. Where it is damaged nobody reads it, and writes go on."""
    try:
        return read_horizon(connection)
    except CorruptedError:
        return LOWEST
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if isinstance(error, sqlite3.Error) and not isinstance(translate(error), CorruptedError):
            raise
        return LOWEST
