"""The tail that resumes by itself."""

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import grpc

from sessionstore.backoff import Backoff
from sessionstore.errors import (
    SequenceGapError,
    ServerUnavailableError,
    SessionDeletedError,
    SessionStoreError,
    error_from_call,
)
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import StoredEvent

__all__ = ["Tail", "TailCursor"]

MISSED_HEARTBEATS = 3
"""So many intervals without a frame count as a dead connection."""

OpenTail = Callable[[pb.TailEventsRequest], Any]


class TailCursor:
    """What a tail has seen, and where it goes on; knows nothing of connections."""

    def __init__(self, request: pb.TailEventsRequest) -> None:
        self._request = request
        self._accounted: int | None = request.after_sequence if request.HasField("after_sequence") else None
        """The last sequence that the server has accounted for; None before the first."""
        self._pinned = request.HasField("after_sequence")
        """Whether the next range must begin right after what is accounted for."""
        self._waiting: deque[StoredEvent] = deque()
        self.last_sequence = self._accounted
        self.caught_up = False

    def take(self, frame: pb.TailEventsResponse) -> None:
        """Takes in a frame. Raises SequenceGapError, SessionDeletedError."""
        match frame.WhichOneof("frame"):
            case "events":
                self._take_events(frame.events)
            case "caught_up":
                self._account(frame.caught_up)
                self.caught_up = True
            case "heartbeat":
                self._account(frame.heartbeat)
            case "draining":
                self._account(frame.draining)
            case "session_deleted":
                archived = frame.session_deleted.archived
                what = "archived" if archived else "deleted"
                raise SessionDeletedError(f"session {self._request.session_id!r} was {what}", archived=archived)

    def next_event(self) -> StoredEvent | None:
        """The next event, or None until another frame is taken in."""
        if not self._waiting:
            return None
        event = self._waiting.popleft()
        # Not the end of the batch: who stops here must get the rest of it later.
        self.last_sequence = event.sequence if self._waiting else self._accounted
        return event

    def resume_request(self) -> pb.TailEventsRequest:
        """The request that goes on after what is accounted for."""
        request = pb.TailEventsRequest()
        request.CopyFrom(self._request)
        if self._accounted is not None:
            request.after_sequence = self._accounted
        elif self._pinned:
            # Pinned while the session had no event: whatever there is now came later.
            request.from_beginning = True
        return request

    def _take_events(self, batch: pb.TailedEvents) -> None:
        expected = 0 if self._accounted is None else self._accounted + 1
        if self._pinned and batch.first_sequence > expected:
            raise SequenceGapError(f"expected events from sequence {expected}, got {batch.first_sequence}")
        fresh = [event for event in batch.events if not self._pinned or event.sequence >= expected]
        self._pinned = True
        self._accounted = max(batch.last_sequence, expected - 1)
        self._waiting.extend(fresh)
        if not self._waiting:
            self.last_sequence = self._accounted

    def _account(self, frame: pb.CaughtUp | pb.Heartbeat | pb.Draining) -> None:
        self._pinned = True
        if frame.HasField("last_sequence"):
            self._accounted = max(frame.last_sequence, -1 if self._accounted is None else self._accounted)
        if not self._waiting:
            self.last_sequence = self._accounted


class Tail:
    """The events of a session, stored and to come: an asynchronous iterator that outlives connections and servers.

    Every event comes once and in order. When the server goes away the tail reopens after the last event, for as long as
    it takes or until `give_up_after_seconds` passed without a connection. Iteration raises HistoryTrimmedError when the
    events to go on with were deleted, SessionDeletedError when the session is gone, and SequenceGapError should the
    server ever skip one. Without `follow` it ends when everything stored was seen.

    Attributes:
        last_sequence: Where to resume later: no event up to here is missing from what was yielded. None before the
            first.
        caught_up: Whether everything that was stored when the tail began was read.
    """

    def __init__(
        self, open_tail: OpenTail, request: pb.TailEventsRequest, *, give_up_after_seconds: float | None
    ) -> None:
        self._open_tail = open_tail
        self._cursor = TailCursor(request)
        self._follow = not request.no_follow
        self._silence_seconds = MISSED_HEARTBEATS * (request.heartbeat_interval_seconds or 15)
        self._call: Any = None
        self._backoff = Backoff(give_up_after_seconds)
        self._ended = False

    @property
    def last_sequence(self) -> int | None:
        """See the class."""
        return self._cursor.last_sequence

    @property
    def caught_up(self) -> bool:
        """See the class."""
        return self._cursor.caught_up

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StoredEvent:
        while (event := self._cursor.next_event()) is None:
            if self._ended:
                raise StopAsyncIteration
            await self._read_frame()
        return event

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the tail; what was not read is dropped."""
        self._ended = True
        self._hang_up()

    async def _read_frame(self) -> None:
        try:
            if self._call is None:
                self._call = self._open_tail(self._cursor.resume_request())
            async with asyncio.timeout(self._silence_seconds):
                frame = await self._call.read()
        except TimeoutError:
            await self._reopen_later(ServerUnavailableError("the server sent no heartbeat for three intervals"))
            return
        except grpc.aio.AioRpcError as error:
            failure = error_from_call(error)
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                self._ended = True
                raise failure from error
            await self._reopen_later(failure)
            return
        self._take(frame)

    def _take(self, frame: pb.TailEventsResponse | Any) -> None:
        if frame is grpc.aio.EOF:
            self._hang_up()
            # After Draining the server ends the stream in good order; there is more elsewhere, or soon.
            self._ended = not self._follow and self._cursor.caught_up
            return
        self._backoff.succeeded()
        try:
            self._cursor.take(frame)
        except SessionStoreError:
            self._ended = True
            self._hang_up()
            raise

    async def _reopen_later(self, failure: SessionStoreError) -> None:
        self._hang_up()
        try:
            await self._backoff.wait_after(failure)
        except SessionStoreError:
            self._ended = True
            raise

    def _hang_up(self) -> None:
        if self._call is not None:
            self._call.cancel()
            self._call = None
