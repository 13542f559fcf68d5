"""Finds events by their ids and types.

The tables `event_ids` and `event_types` are brought up to date some events of a session at a time; the events that they
do not have yet, fewer than EVENTS_AT_ONCE after each transaction, are found by walking the end of the session. The
writer keeps the ids of those in memory.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import chain

from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite.checksums import event_checksum
from sessiond.store.sqlite.errors import reading
from sessiond.store.sqlite.event_filters import no_type

__all__ = [
    "COLUMNS",
    "EVENTS_AT_ONCE",
    "EventRow",
    "check_recent",
    "drop_entries",
    "find_ids",
    "index_events",
    "recent_ids",
    "rows_of_type",
]

EVENTS_AT_ONCE = 32
"""More spare the disk little, and cost memory: the writer keeps the ids of so many events of each session it knows."""

IDS_AT_ONCE = 32

COUNTED_EVENTS = 2_000
"""The entries of a session with more events are not counted when they are read: it would take as long as the read."""

EventRow = tuple[int, int, int, int, str, str | None, bytes, int | None]
"""What COLUMNS name."""

COLUMNS = ", ".join(
    f"events.{name}"
    for name in ("position", "sequence", "commit_index", "stored_at_us", "type", "event_id", "payload", "checksum")
)

_INDEX_IDS = """
    INSERT INTO event_ids (session_key, event_id, sequence)
    SELECT session_key, event_id, sequence FROM events
    WHERE session_key = ? AND sequence >= ? AND event_id IS NOT NULL ORDER BY event_id
"""
_INDEX_TYPES = """
    INSERT INTO event_types (session_key, type, sequence)
    SELECT session_key, type, sequence FROM events WHERE session_key = ? AND sequence >= ? ORDER BY type, sequence
"""
_DROP_IDS = """
    DELETE FROM event_ids WHERE (session_key, event_id) IN (
        SELECT session_key, event_id FROM events WHERE session_key = ? AND sequence < ? AND event_id IS NOT NULL)
"""
_DROP_TYPES = """
    DELETE FROM event_types WHERE (session_key, type, sequence) IN (
        SELECT session_key, type, sequence FROM events WHERE session_key = ? AND sequence < ?)
"""
SUMMED_BYTES = 1024 * 1024
"""An event that is larger is not read to learn whether its id is damaged: it would take milliseconds of everybody."""

_RECENT = """
    SELECT walked.sequence, recent.event_id,
           (recent.session_key, recent.sequence) IS (walked.session_key, walked.sequence)
    FROM events AS walked LEFT JOIN events AS recent USING (position)
    WHERE walked.session_key = ? AND walked.sequence >= ? ORDER BY walked.sequence
"""
"""The sequence as the index has it, and whether the event that it leads to is that one."""

_RECENT_ROWS = f"""
    SELECT position, session_key, sequence, commit_index, stored_at_us, type, event_id, payload, checksum FROM events
    WHERE session_key = ? AND sequence >= ? AND length(payload) <= {SUMMED_BYTES}
"""  # noqa: S608 - a number of ours

_FIND_IDS = f"""
    SELECT event_id, sequence FROM event_ids
    WHERE session_key = ? AND event_id IN ({", ".join("?" * IDS_AT_ONCE)})
"""  # noqa: S608 - nothing but question marks
_FIND_ID = "SELECT event_id, sequence FROM event_ids WHERE session_key = ? AND event_id = ?"
_INDEXED = "SELECT first_event, unindexed_from FROM sessions WHERE session_key = ?"
_COUNT_TYPES = f"""
    SELECT count(*), total(sequence), count(CASE WHEN type = ? AND sequence > ? AND sequence < ? THEN 1 END)
    FROM event_types WHERE session_key = ? AND NOT {no_type("event_types.type")}
"""  # noqa: S608 - our own names
_COUNT_TYPE = """
    SELECT count(*) FROM (SELECT 1 FROM event_types WHERE type = ? AND sequence > ? AND sequence < ? AND session_key = ?
                          ORDER BY sequence {} LIMIT -1)
"""
"""As the answer is walked: a key that is out of order can mislead that, and not the walk over all types."""


def index_events(connection: sqlite3.Connection, session_key: int, unindexed: range) -> None:
    """Takes these events, the newest, into the tables. Raises CorruptedError when they are not all found."""
    connection.execute(_INDEX_IDS, (session_key, unindexed.start))
    if connection.execute(_INDEX_TYPES, (session_key, unindexed.start)).rowcount != len(unindexed):
        raise CorruptedError("the index of events by sequence")


def drop_entries(connection: sqlite3.Connection, session_key: int, before: int) -> None:
    """Drops the entries of the events before a sequence, which are still there themselves."""
    connection.execute(_DROP_IDS, (session_key, before))
    connection.execute(_DROP_TYPES, (session_key, before))


def recent_ids(connection: sqlite3.Connection, session_key: int, unindexed: range) -> dict[str, int]:
    """The sequences, by id, of the events that the tables do not have, the newest. Raises CorruptedError."""
    rows = connection.execute(_RECENT, (session_key, unindexed.start)).fetchall()
    # An event that the index has lost, or leads away from, would be stored once more when it is repeated.
    if [sequence for sequence, _, is_right in rows if is_right] != [*unindexed]:
        raise CorruptedError("the index of events by sequence")
    return {event_id: sequence for sequence, event_id, _ in rows if event_id is not None}


def check_recent(connection: sqlite3.Connection, session_key: int, unindexed: range) -> None:
    """Looks at the sums of these events: one whose id is damaged would be stored once more. Raises CorruptedError."""
    rows = connection.execute(_RECENT_ROWS, (session_key, unindexed.start)).fetchall()
    with reading():
        for *values, total in rows:
            if total != event_checksum(*values):
                raise CorruptedError(f"event {values[2]}")


def find_ids(connection: sqlite3.Connection, session_key: int, event_ids: list[str]) -> dict[str, int]:
    """The sequences, by id, of those of the ids that the tables have."""
    if len(event_ids) == 1:
        return dict(connection.execute(_FIND_ID, (session_key, event_ids[0])))
    found: dict[str, int] = {}
    for first in range(0, len(event_ids), IDS_AT_ONCE):
        asked = event_ids[first : first + IDS_AT_ONCE]
        # One statement for any number of them, so that it is prepared once.
        unused = [None] * (IDS_AT_ONCE - len(asked))
        found.update(connection.execute(_FIND_IDS, (session_key, *asked, *unused)))
    return found


def rows_of_type(
    connection: sqlite3.Connection, session_key: int, event_type: str, *, after: int, before: int, descending: bool
) -> Iterator[EventRow]:
    """The events of one type between two sequences, both excluded, in order; and all that the index does not have.

    Raises CorruptedError where the index lacks events or has others.
    """
    first_event, unindexed_from = connection.execute(_INDEXED, (session_key,)).fetchone()
    direction = "DESC" if descending else ""
    if after < unindexed_from - 1 and unindexed_from - first_event <= COUNTED_EVENTS:
        asked = (event_type, after, min(before, unindexed_from), session_key)
        *counted, of_type = connection.execute(_COUNT_TYPES, asked).fetchone()
        indexed_events = range(first_event, unindexed_from)
        # Of each of them there is one entry: neither another number, nor another sequence, nor what is no type.
        if counted != [len(indexed_events), sum(indexed_events)] or (
            connection.execute(_COUNT_TYPE.format(direction), asked).fetchone() != (of_type,)
        ):
            raise CorruptedError("the index of events by type")
    order = f"ORDER BY sequence {direction}"
    indexed = _of_type(
        event_type,
        connection.execute(
            # LEFT: in the order of the table of types, however many events there are of other types; and an event that
            # is missing is told.
            f"SELECT {COLUMNS} FROM event_types LEFT JOIN events USING (session_key, sequence)"  # noqa: S608
            " WHERE event_types.session_key = ? AND event_types.type = ?"
            f" AND event_types.sequence > ? AND event_types.sequence < ? ORDER BY event_types.sequence"
            f" {direction}",
            (session_key, event_type, after, min(before, unindexed_from)),
        ),
    )
    first = max(after + 1, unindexed_from)
    recent = _dense(
        range(first, before)[:: -1 if descending else 1],
        connection.execute(
            f"SELECT {COLUMNS} FROM events WHERE session_key = ? AND sequence >= ? AND sequence < ? {order}",  # noqa: S608
            (session_key, first, before),
        ),
    )
    return chain(recent, indexed) if descending else chain(indexed, recent)


def _of_type(event_type: str, rows: Iterable[EventRow]) -> Iterator[EventRow]:
    last = None
    for row in rows:
        if row[4] != event_type or row[1] == last:
            raise CorruptedError("the index of events by type")
        last = row[1]
        yield row


def _dense(sequences: range, rows: Iterable[EventRow]) -> Iterator[EventRow]:
    walked = iter(rows)
    for sequence in sequences:
        row = next(walked, None)
        if row is None or row[1] != sequence:
            raise CorruptedError(f"event {sequence}")
        yield row
