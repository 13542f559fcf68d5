"""The events that a request asks for, a fragment at a time: where it goes on, and what of it is there.

A walk lives in the readers' threads, one step at a time. The first step finds the session and reads the first fragment:
most answers are one fragment, and a hop between threads costs more than reading it.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Sequence

from sessiond.contract.cursors import check_cursor
from sessiond.store.protocol import EventBounds
from sessiond.store.sqlite.event_filters import EventFilter
from sessiond.store.sqlite.event_reads import FEW_EVENTS, live_bounds, read_descending, read_page, session_events
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["EventWalk"]


class EventWalk(ABC):
    """One walk over the events of a session.

    Attributes:
        is_over: Whether there is nothing after the fragment that was read last.
        is_long: Whether a step reads as much as fits into a fragment, or walks over what it filters out.
    """

    def __init__(self, request: pb.GetEventsRequest) -> None:
        self.is_over = False
        self._request = request
        self._filter = EventFilter.of(request.types)
        self._most = request.limit if request.HasField("limit") else None
        finds_at_once = self._filter.passes_all or self._filter.single_type is not None
        self.is_long = not finds_at_once or self._most is None or self._most > FEW_EVENTS
        self._session_key: int | None = None
        """None before the session was found."""
        self._after = -1
        self._before = 0

    @staticmethod
    def of(request: pb.GetEventsRequest) -> "EventWalk":
        """The walk in the order that the request asks for."""
        return _Descending(request) if request.descending else _Ascending(request)

    def next_fragment(self, connection: sqlite3.Connection) -> Sequence[bytes]:
        """The next events, encoded as StoredEvents.

        Raises NotFoundError when the session is gone, HistoryTrimmedError, CursorAheadError and CorruptedError.
        """
        if self._session_key is None:
            found = session_events(connection, self._request.session_id)
            self._session_key, bounds = found.session_key, found.bounds
            self._begin(bounds)
        else:
            bounds = live_bounds(connection, self._request.session_id, self._session_key)
        return self._read(connection, self._session_key, bounds)

    def _begin(self, bounds: EventBounds) -> None:
        # What is appended from now on does not belong to the answer, which would otherwise never end.
        self._before = bounds.next
        if self._request.HasField("before_sequence"):
            self._before = min(self._before, self._request.before_sequence)
        if self._request.HasField("after_sequence"):
            self._after = self._request.after_sequence

    @abstractmethod
    def _read(self, connection: sqlite3.Connection, session_key: int, bounds: EventBounds) -> Sequence[bytes]:
        """Reads a fragment, and notes where the next one begins."""


class _Ascending(EventWalk):
    def _begin(self, bounds: EventBounds) -> None:
        super()._begin(bounds)
        if not self._request.HasField("after_sequence"):
            # Who names no cursor takes what there is.
            self._after = bounds.first - 1

    def _read(self, connection: sqlite3.Connection, session_key: int, bounds: EventBounds) -> Sequence[bytes]:
        check_cursor(self._after, bounds, skip_trimmed=self._request.skip_trimmed)
        events: Sequence[bytes] = ()
        if self._after + 1 < self._before:
            page = read_page(
                connection,
                session_key,
                bounds,
                self._filter,
                after=self._after,
                before=self._before,
                most_events=self._most,
            )
            events, self._after = page.events, page.last
        self.is_over = self._after + 1 >= self._before
        return events


class _Descending(EventWalk):
    def _read(self, connection: sqlite3.Connection, session_key: int, bounds: EventBounds) -> Sequence[bytes]:
        events, self._before = read_descending(
            connection,
            session_key,
            bounds,
            self._filter,
            after=self._after,
            before=self._before,
            most_events=self._most,
        )
        self.is_over = self._before <= max(self._after + 1, bounds.first)
        return events
