"""Reads of events, by pages that are bounded in bytes and in the rows that they walk over."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from sessiond.contract.encoded_events import encode_stored_event
from sessiond.contract.limits import FRAGMENT_BYTES
from sessiond.store.errors import CorruptedError, NotFoundError
from sessiond.store.protocol import EventBounds, EventPage
from sessiond.store.sqlite.checksums import event_checksum
from sessiond.store.sqlite.event_filters import EventFilter
from sessiond.store.sqlite.event_index import COLUMNS, EventRow, rows_of_type
from sessiond.store.sqlite.event_pages import EventPageBuilder
from sessiond.store.sqlite.session_rows import GONE_AT_US, ROW_COLUMNS, SessionRow, find_live

__all__ = [
    "FEW_EVENTS",
    "WINDOW_EVENTS",
    "SessionEvents",
    "event_bounds",
    "live_bounds",
    "read_descending",
    "read_page",
    "session_events",
]

FEW_EVENTS = 32
"""So many are read in little more time than one."""

WINDOW_EVENTS = 10_000
"""How many sequences a page with a filter walks over at most, so that no read takes long."""

_COUNT = """
    SELECT count(*), coalesce(sum(sequence - ?), 0)
    FROM (SELECT sequence FROM events WHERE session_key = ? AND sequence >= ? AND sequence < ?
          ORDER BY sequence {} LIMIT -1)
"""
"""In the order of the walk: where a key is out of order, a walk backwards can meet less. LIMIT keeps the order in."""

_WALKED_COLUMNS = COLUMNS.replace("events.sequence", "walked.sequence")
"""The sequence as the index has it: no other one has the sum of the row."""

_COMMIT_INDEX = "SELECT commit_index FROM events WHERE session_key = ? AND sequence = ?"
_ROW = f"SELECT {ROW_COLUMNS} FROM sessions WHERE session_key = ?"  # noqa: S608 - our own names


@dataclass(frozen=True, slots=True)
class SessionEvents:
    """A live session and which events it has."""

    session_key: int
    bounds: EventBounds


def session_events(connection: sqlite3.Connection, session_id: str) -> SessionEvents:
    """Finds a live session. Raises NotFoundError, CorruptedError."""
    row = find_live(connection, session_id)
    return SessionEvents(row.session_key, EventBounds(row.first_event, row.next_event))


def event_bounds(connection: sqlite3.Connection, session_key: int) -> tuple[EventBounds, bool] | None:
    """Which events a session has and whether it is archived; None when it is deleted. Raises CorruptedError."""
    found = connection.execute(_ROW, (session_key,)).fetchone()
    if found is None:
        return None
    row = SessionRow.of(found)
    if row.archived_at_us == GONE_AT_US:
        return None
    return EventBounds(row.first_event, row.next_event), row.archived_at_us is not None


def live_bounds(connection: sqlite3.Connection, session_id: str, session_key: int) -> EventBounds:
    """Which events a session has. Raises NotFoundError when it was removed since its key was read."""
    found = event_bounds(connection, session_key)
    if found is None or found[1]:
        raise NotFoundError.session(session_id)
    return found[0]


def _select(
    connection: sqlite3.Connection,
    session_key: int,
    event_filter: EventFilter,
    *,
    after: int,
    before: int,
    descending: bool = False,
) -> Iterable[EventRow]:
    if event_filter.single_type is not None:
        return rows_of_type(
            connection, session_key, event_filter.single_type, after=after, before=before, descending=descending
        )
    order = "DESC" if descending else ""
    if event_filter.passes_all:
        query = (
            f"SELECT {COLUMNS} FROM events WHERE session_key = ? AND sequence > ? AND sequence < ?"  # noqa: S608
            f" ORDER BY sequence {order}"
        )
        return connection.execute(query, (session_key, after, before))
    condition, values = event_filter.condition()
    query = (
        f"SELECT {_WALKED_COLUMNS} FROM events AS walked LEFT JOIN events USING (position)"  # noqa: S608
        " WHERE walked.session_key = ? AND walked.sequence > ? AND walked.sequence < ?"
        # Where the index leads to another event, that is not to be filtered out; its sum will not fit.
        f" AND ({condition} OR (events.session_key, events.sequence) IS NOT (walked.session_key, walked.sequence))"
        f" ORDER BY walked.sequence {order}"
    )
    return connection.execute(query, (session_key, after, before, *values))


def _encoded(session_key: int, row: EventRow) -> bytes:
    """The StoredEvent of a row. Raises CorruptedError when it is not as it was stored, or missing."""
    position, sequence, commit_index, stored_at_us, event_type, event_id, payload, stored = row
    if stored is None or stored != event_checksum(
        position, session_key, sequence, commit_index, stored_at_us, event_type, event_id, payload
    ):
        raise CorruptedError(f"event {sequence}")
    return encode_stored_event(sequence, position, stored_at_us, event_id, payload)


def _check_walked(connection: sqlite3.Connection, session_key: int, first: int, end: int, order: str = "") -> None:
    """Whether the index has every sequence from `first` on to the one before `end`. Raises CorruptedError."""
    found = connection.execute(_COUNT.format(order), (first, session_key, first, end)).fetchone()
    count = max(end - first, 0)
    # Neither one too few nor one in place of another.
    if found != (count, count * (count - 1) // 2):
        raise CorruptedError(f"the events from {first} to {end - 1}")


def read_page(
    connection: sqlite3.Connection,
    session_key: int,
    bounds: EventBounds,
    event_filter: EventFilter,
    *,
    after: int,
    before: int | None = None,
    page_bytes: int = FRAGMENT_BYTES,
    whole_commits: bool = False,
    most_events: int | None = None,
) -> EventPage:
    """The events after a sequence, oldest first: as many as fit into a page, and `most_events` at most.

    With a filter for several types a page ends after about WINDOW_EVENTS sequences, which is more than a commit holds.
    """
    end = bounds.next if before is None else min(before, bounds.next)
    window_end = end
    if not event_filter.passes_all and event_filter.single_type is None:
        window_end = min(end, _commit_boundary(connection, session_key, max(after + 1, bounds.first) + WINDOW_EVENTS))
    page = EventPageBuilder(page_bytes, whole_commits=whole_commits)
    last = max(after, window_end - 1)
    expected = max(after + 1, bounds.first) if event_filter.passes_all else None
    for row in _select(connection, session_key, event_filter, after=after, before=window_end):
        sequence, commit_index = row[1], row[2]
        if page.is_full_before(sequence, commit_index):
            # What lies between is filtered out; the next page may as well begin here.
            last = sequence - 1
            break
        if expected is not None:
            if sequence != expected:
                raise CorruptedError(f"event {expected}")
            expected += 1
        event = _encoded(session_key, row)
        if event_filter.passes(row[4]):
            page.add(sequence, commit_index, event)
            if len(page.events) == most_events:
                last = sequence
                break
    else:
        if expected is not None and expected < window_end:
            raise CorruptedError(f"event {expected}")
    if not event_filter.passes_all and event_filter.single_type is None:
        _check_walked(connection, session_key, max(after + 1, bounds.first), last + 1)
    return EventPage(page.events, last, bounds.first, reached_head=last >= end - 1)


def _commit_boundary(connection: sqlite3.Connection, session_key: int, sequence: int) -> int:
    """The sequence of the first event of the commit that an event belongs to."""
    found = connection.execute(_COMMIT_INDEX, (session_key, sequence)).fetchone()
    return sequence if found is None else sequence - int(found[0])


def read_descending(
    connection: sqlite3.Connection,
    session_key: int,
    bounds: EventBounds,
    event_filter: EventFilter,
    *,
    after: int,
    before: int,
    most_events: int | None = None,
) -> tuple[list[bytes], int]:
    """The next fragment of the events between two sequences, both excluded, newest first, and where the next one ends.

    It has at most `most_events`. The events are encoded StoredEvents. With a filter for several types it may be empty
    before the end: no more than WINDOW_EVENTS sequences are walked over.
    """
    if after + 1 >= before:
        # The sequence after the largest one is none that the database can be asked for.
        return [], after
    events: list[bytes] = []
    size_bytes = 0
    if not event_filter.passes_all and event_filter.single_type is None:
        after = max(after, before - 1 - WINDOW_EVENTS)
    walked_from = next_before = max(after + 1, bounds.first)
    for row in _select(connection, session_key, event_filter, after=after, before=before, descending=True):
        event = _encoded(session_key, row)
        if not event_filter.passes(row[4]):
            continue
        # As it is sent: of small events, ids and times are the most.
        size_bytes += len(event)
        if events and size_bytes > FRAGMENT_BYTES:
            walked_from, next_before = row[1], row[1] + 1
            break
        events.append(event)
        if len(events) == most_events:
            walked_from = next_before = row[1]
            break
    if event_filter.single_type is None:
        _check_walked(connection, session_key, walked_from, before, "DESC")
    return events, next_before
