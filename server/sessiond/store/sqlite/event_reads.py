"""Reads of events, by pages that are bounded in bytes and in the rows that they walk over."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sessiond.contract.encoded_events import encode_stored_event, first_damaged
from sessiond.contract.limits import FRAGMENT_BYTES
from sessiond.store.errors import CorruptedError, NotFoundError
from sessiond.store.protocol import EventBounds, EventPage
from sessiond.store.sqlite.event_filters import EventFilter
from sessiond.store.sqlite.event_pages import EventPageBuilder

__all__ = [
    "WINDOW_EVENTS",
    "SessionEvents",
    "event_bounds",
    "live_bounds",
    "read_descending",
    "read_page",
    "session_events",
]

WINDOW_EVENTS = 10_000
"""How many sequences a page with a filter walks over at most, so that no read takes long."""

_SESSION = """
    SELECT session_key, first_event, next_event FROM sessions WHERE id = ? AND archived_at_us IS NULL
"""
_COMMIT_INDEX = "SELECT commit_index FROM events WHERE session_key = ? AND sequence = ?"
_BOUNDS = "SELECT first_event, next_event, archived_at_us FROM sessions WHERE session_key = ?"


@dataclass(frozen=True, slots=True)
class SessionEvents:
    """A live session and which events it has."""

    session_key: int
    bounds: EventBounds


def session_events(connection: sqlite3.Connection, session_id: str) -> SessionEvents:
    """Finds a live session. Raises NotFoundError."""
    found = connection.execute(_SESSION, (session_id,)).fetchone()
    if found is None:
        raise NotFoundError.session(session_id)
    return SessionEvents(found[0], EventBounds(found[1], found[2]))


def event_bounds(connection: sqlite3.Connection, session_key: int) -> tuple[EventBounds, bool] | None:
    """Which events a session has and whether it is archived; None when it is deleted."""
    found = connection.execute(_BOUNDS, (session_key,)).fetchone()
    return None if found is None else (EventBounds(found[0], found[1]), found[2] is not None)


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
) -> Iterable[tuple[int, int, int, int, str | None, bytes]]:
    condition, values = event_filter.condition()
    query = (
        "SELECT sequence, commit_index, position, stored_at_us, event_id, payload FROM events"  # noqa: S608
        f" WHERE session_key = ? AND sequence > ? AND sequence < ? {condition}"
        f" ORDER BY sequence {'DESC' if descending else ''}"
    )
    return connection.execute(query, (session_key, after, before, *values))


def _check_undamaged(sequences: Sequence[int], events: Sequence[bytes]) -> None:
    damaged = first_damaged(events)
    if damaged is not None:
        raise CorruptedError(f"event {sequences[damaged]}")


def read_page(
    connection: sqlite3.Connection,
    session_key: int,
    bounds: EventBounds,
    event_filter: EventFilter,
    *,
    after: int,
    before: int | None = None,
    page_bytes: int = FRAGMENT_BYTES,
) -> EventPage:
    """The events after a sequence, oldest first, from one page that never ends inside a commit.

    With a filter for several types a page ends after about WINDOW_EVENTS sequences, which is more than a commit holds.
    """
    end = bounds.next if before is None else min(before, bounds.next)
    window_end = end
    if not event_filter.passes_all and event_filter.single_type is None:
        window_end = min(end, _commit_boundary(connection, session_key, max(after + 1, bounds.first) + WINDOW_EVENTS))
    page = EventPageBuilder(page_bytes)
    sequences: list[int] = []
    last = max(after, window_end - 1)
    for sequence, commit_index, position, stored_at_us, event_id, payload in _select(
        connection, session_key, event_filter, after=after, before=window_end
    ):
        if page.is_full_before(sequence, commit_index):
            # What lies between is filtered out; the next page may as well begin here.
            last = sequence - 1
            break
        event = encode_stored_event(sequence, position, stored_at_us, event_id, payload)
        page.add(sequence, commit_index, event)
        sequences.append(sequence)
    _check_undamaged(sequences, page.events)
    return EventPage(page.events, last, bounds.first, reached_head=last >= end - 1)


def _commit_boundary(connection: sqlite3.Connection, session_key: int, sequence: int) -> int:
    """The sequence of the first event of the commit that an event belongs to."""
    found = connection.execute(_COMMIT_INDEX, (session_key, sequence)).fetchone()
    return sequence if found is None else sequence - int(found[0])


def read_descending(
    connection: sqlite3.Connection,
    session_id: str,
    session_key: int,
    event_filter: EventFilter,
    *,
    after: int,
    before: int,
) -> tuple[list[bytes], int]:
    """The next fragment of the events between two sequences, both excluded, newest first, and its oldest sequence.

    The events are encoded StoredEvents; there are none at the end.
    """
    live_bounds(connection, session_id, session_key)
    events: list[bytes] = []
    sequences: list[int] = []
    size_bytes = 0
    rows = _select(connection, session_key, event_filter, after=after, before=before, descending=True)
    for sequence, _, position, stored_at_us, event_id, payload in rows:
        size_bytes += len(payload)
        if events and size_bytes > FRAGMENT_BYTES:
            break
        events.append(encode_stored_event(sequence, position, stored_at_us, event_id, payload))
        sequences.append(sequence)
    _check_undamaged(sequences, events)
    return events, sequences[-1] if sequences else after
