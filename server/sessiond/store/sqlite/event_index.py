"""Finds events by their ids and types.

The tables `event_ids` and `event_types` are brought up to date some events of a session at a time; the events that they
do not have yet, fewer than EVENTS_AT_ONCE after each transaction, are found by walking the end of the session. The
writer keeps the ids of those in memory.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import chain

__all__ = [
    "COLUMNS",
    "EVENTS_AT_ONCE",
    "EventRow",
    "drop_entries",
    "find_ids",
    "index_events",
    "recent_ids",
    "rows_of_type",
]

EVENTS_AT_ONCE = 32
"""More spare the disk little, and cost memory: the writer keeps the ids of so many events of each session it knows."""

IDS_AT_ONCE = 32

EventRow = tuple[int, int, int, int, str, str | None, bytes, int | None]
"""What COLUMNS name."""

COLUMNS = "position, events.sequence, commit_index, stored_at_us, events.type, event_id, payload, checksum"

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
_RECENT_IDS = "SELECT event_id, sequence FROM events WHERE session_key = ? AND sequence >= ? AND event_id IS NOT NULL"
_FIND_IDS = f"""
    SELECT event_id, sequence FROM event_ids
    WHERE session_key = ? AND event_id IN ({", ".join("?" * IDS_AT_ONCE)})
"""  # noqa: S608 - nothing but question marks
_FIND_ID = "SELECT event_id, sequence FROM event_ids WHERE session_key = ? AND event_id = ?"
_UNINDEXED_FROM = "SELECT unindexed_from FROM sessions WHERE session_key = ?"


def index_events(connection: sqlite3.Connection, session_key: int, unindexed_from: int) -> None:
    """Takes the events from `unindexed_from` on into the tables."""
    connection.execute(_INDEX_IDS, (session_key, unindexed_from))
    connection.execute(_INDEX_TYPES, (session_key, unindexed_from))


def drop_entries(connection: sqlite3.Connection, session_key: int, before: int) -> None:
    """Drops the entries of the events before a sequence, which are still there themselves."""
    connection.execute(_DROP_IDS, (session_key, before))
    connection.execute(_DROP_TYPES, (session_key, before))


def recent_ids(connection: sqlite3.Connection, session_key: int, unindexed_from: int) -> dict[str, int]:
    """The sequences, by id, of the events that the tables do not have."""
    return dict(connection.execute(_RECENT_IDS, (session_key, unindexed_from)))


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
    """The events of one type between two sequences, both excluded, in order; and all that the index does not have."""
    (unindexed_from,) = connection.execute(_UNINDEXED_FROM, (session_key,)).fetchone()
    order = f"ORDER BY sequence {'DESC' if descending else ''}"
    indexed: Iterable[EventRow] = connection.execute(
        # CROSS: in the order of the table of types, however many events there are of other types.
        f"SELECT {COLUMNS} FROM event_types CROSS JOIN events USING (session_key, sequence)"  # noqa: S608
        " WHERE event_types.session_key = ? AND event_types.type = ?"
        f" AND event_types.sequence > ? AND event_types.sequence < ? ORDER BY event_types.sequence"
        f" {'DESC' if descending else ''}",
        (session_key, event_type, after, min(before, unindexed_from)),
    )
    recent: Iterable[EventRow] = connection.execute(
        f"SELECT {COLUMNS} FROM events WHERE session_key = ? AND sequence > ? AND sequence < ? {order}",  # noqa: S608
        (session_key, max(after, unindexed_from - 1), before),
    )
    return chain(recent, indexed) if descending else chain(indexed, recent)
