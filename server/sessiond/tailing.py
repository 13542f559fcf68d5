"""The live tail: one cursor, one loop.

History and live are the same code, so there is no hand-over to get wrong; no queue stands between the store and a
subscriber, so none overflows: back-pressure is the frame that the client has not taken yet.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager
from time import monotonic
from typing import Any

from sessiond.call_counts import CallCounts
from sessiond.contract.cursors import check_cursor
from sessiond.contract.limits import DEFAULT_HEARTBEAT_INTERVAL_SECONDS
from sessiond.store.errors import HistoryTrimmedError
from sessiond.store.protocol import EventBounds, EventPage, SessionGoneError, Store
from sessiond.turns import LARGE_BYTES, Turns
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["Tail"]


class Tail:
    """One tail of one session.

    The guarantees: the events come in order, none is missed, none is repeated, those of one commit come in one batch,
    and a tail that is reopened after any `last_sequence` that it saw goes on exactly there.
    """

    def __init__(
        self,
        store: Store,
        request: pb.TailEventsRequest,
        draining: asyncio.Event,
        place: AbstractContextManager[None],
        counts: CallCounts,
        turns: Turns,
    ) -> None:
        """Prepares it; `place` is held while it is open, and raises LimitReachedError when there is none."""
        self._store = store
        self._request = request
        self._draining = draining
        self._place = place
        self._counts = counts
        self._turns = turns
        interval = request.heartbeat_interval_seconds or DEFAULT_HEARTBEAT_INTERVAL_SECONDS
        self._interval_seconds = float(interval)
        self._cursor = -1
        """The last sequence that was read; -1 before the first."""
        self._reported = -1
        """The last sequence that the client knows to be accounted for."""
        self._takes_what_there_is = False
        """Whether the client named no cursor, so that nothing can have been deleted after it."""

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """The frames of the tail, encoded.

        Raises NotFoundError and LimitReachedError before the first, and HistoryTrimmedError or CursorAheadError at any
        time.
        """
        # One generator, and none around another: each would be resumed anew for every frame.
        with self._place:
            feed = await self._store.open_feed(self._request.session_id, self._request.types)
            try:
                self._start(feed.opened_at)
                caught_up = self._request.from_now
                if caught_up:
                    # Pins the sequence: whatever is appended from here on is in the tail, also after it is reopened.
                    yield self._caught_up()
                    if self._request.no_follow:
                        return
                heartbeat_at = monotonic() + self._interval_seconds
                while not self._draining.is_set():
                    page = await feed.read(self._cursor)
                    self._advance(page)
                    reached_head = page.reached_head
                    if page.events:
                        if page.size_bytes > LARGE_BYTES:
                            await self._turns.take()
                        frame = [self._batch(page)]
                        # What waits for a client is the frame, and not what it was made of.
                        del page
                        yield frame.pop()
                        heartbeat_at = monotonic() + self._interval_seconds
                    if not reached_head:
                        if monotonic() >= heartbeat_at:
                            # A filter may let nothing pass for long, and a client hangs up on who is silent.
                            yield self._heartbeat()
                            heartbeat_at = monotonic() + self._interval_seconds
                        continue
                    if not caught_up:
                        caught_up = True
                        yield self._caught_up()
                        if self._request.no_follow:
                            return
                        heartbeat_at = monotonic() + self._interval_seconds
                    await feed.wait(max(0.0, heartbeat_at - monotonic()))
                    if monotonic() >= heartbeat_at and not self._draining.is_set():
                        yield self._heartbeat()
                        heartbeat_at = monotonic() + self._interval_seconds
                yield self._frame(draining=pb.Draining(last_sequence=self._report()))
            except SessionGoneError as gone:
                yield self._frame(session_deleted=pb.SessionDeleted(archived=gone.archived))
            finally:
                feed.close()

    def _start(self, bounds: EventBounds) -> None:
        match self._request.WhichOneof("start"):
            case "after_sequence":
                self._cursor = self._request.after_sequence
                check_cursor(self._cursor, bounds, skip_trimmed=self._request.skip_trimmed)
            case "from_now":
                self._cursor = bounds.next - 1
            case _:
                self._cursor = bounds.first - 1
                self._takes_what_there_is = True
        self._reported = self._cursor

    def _advance(self, page: EventPage) -> None:
        if page.first_available > self._cursor + 1:
            if self._takes_what_there_is:
                self._reported = page.first_available - 1
            elif not self._request.skip_trimmed:
                raise HistoryTrimmedError(self._cursor, page.first_available)
        self._takes_what_there_is = False
        self._cursor = page.last

    def _batch(self, page: EventPage) -> bytes:
        first = self._reported + 1
        self._reported = page.last
        self._counts.frames += 1
        return page.frame(first)

    def _caught_up(self) -> bytes:
        return self._frame(caught_up=pb.CaughtUp(last_sequence=self._report()))

    def _heartbeat(self) -> bytes:
        return self._frame(heartbeat=pb.Heartbeat(last_sequence=self._report()))

    def _report(self) -> int | None:
        """What the client learns to be accounted for; None before the first event."""
        self._reported = self._cursor
        return None if self._cursor < 0 else self._cursor

    def _frame(self, **frame: Any) -> bytes:
        self._counts.frames += 1
        return pb.TailEventsResponse(**frame).SerializeToString()
