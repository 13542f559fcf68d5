"""The tail that resumes by itself."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import grpc

from sessionstore.channel import translated
from sessionstore.errors import (
    HistoryTrimmedError,
    SequenceGapError,
    ServerUnavailableError,
    SessionDeletedError,
    SessionStoreError,
    error_from_call,
)
from sessionstore.reopening import Reopening
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.error_reason_pb2 import ErrorReason
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
        self._filtered = bool(request.types)
        self._waiting: deque[StoredEvent] = deque()
        self.last_sequence = self._accounted
        self.caught_up = False

    def take(self, frame: pb.TailEventsResponse) -> None:
        """Takes in a frame. Raises SequenceGapError, HistoryTrimmedError, SessionDeletedError."""
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

    @property
    def has_next(self) -> bool:
        """Whether an event was taken in that was not taken out yet."""
        return bool(self._waiting)

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

    def drop(self) -> None:
        """Forgets the events that were not taken; `last_sequence` stays."""
        self._waiting.clear()

    def _take_events(self, batch: pb.TailedEvents) -> None:
        expected = 0 if self._accounted is None else self._accounted + 1
        if self._pinned and batch.first_sequence > expected:
            self._refuse_gap(expected, batch.first_sequence)
        fresh = [event for event in batch.events if not self._pinned or event.sequence >= expected]
        self._pinned = True
        self._accounted = max(batch.last_sequence, expected - 1)
        self._waiting.extend(fresh)
        if not self._waiting:
            self.last_sequence = self._accounted

    def _account(self, frame: pb.CaughtUp | pb.Heartbeat | pb.Draining) -> None:
        if frame.HasField("last_sequence"):
            if self._pinned and self._accounted is None and not self._filtered:
                # Without a filter every event comes in a batch: those up to here were deleted before they were sent.
                self._refuse_gap(0, frame.last_sequence + 1)
            self._accounted = max(frame.last_sequence, -1 if self._accounted is None else self._accounted)
        self._pinned = True
        if not self._waiting:
            self.last_sequence = self._accounted

    def _refuse_gap(self, expected: int, found: int) -> None:
        if self._request.skip_trimmed:
            return
        if self._accounted is None:
            # Pinned while the session had no event, and reopened from the beginning: no cursor names the place before
            # the first event, so that the server could not tell that the first ones were deleted in the meantime.
            raise HistoryTrimmedError(
                f"the events before sequence {found} were deleted before the tail could read them",
                code=grpc.StatusCode.OUT_OF_RANGE,
                reason=ErrorReason.ERROR_REASON_HISTORY_TRIMMED,
                metadata={"first_available_sequence": str(found)},
            )
        raise SequenceGapError(f"expected events from sequence {expected}, got {found}")


class Tail:
    """The events of a session, stored and to come: an asynchronous iterator that outlives connections and servers.

    Every event comes once and in order. When the server goes away the tail reopens after the last event, for as long as
    it takes or until `give_up_after_seconds` passed without a connection. Iteration raises HistoryTrimmedError when the
    events to go on with were deleted, SessionDeletedError when the session is gone, and SequenceGapError should the
    server ever skip one. Without `follow` it ends when everything stored was seen.

    What it raises ends the tail: who asks for more gets a SessionStoreError, and not the end of what is stored; begin
    another after `last_sequence`.

    Waiting for an event may be cancelled, or put under a timeout, and iteration goes on later without a loss; that
    costs the reopening of the stream. Close a tail that is not read to its end; one that is forgotten is closed by the
    garbage collector. Closing it, from any task, ends the iteration.

    Attributes:
        last_sequence: Where to resume later: no event up to here is missing from what was yielded. None before the
            first.
        caught_up: Whether everything that was stored when the tail began was read.
    """

    def __init__(self, open_tail: OpenTail, request: pb.TailEventsRequest, reopening: Reopening) -> None:
        self._open_tail = open_tail
        self._cursor = TailCursor(request)
        self._follow = not request.no_follow
        self._silence_seconds = MISSED_HEARTBEATS * (request.heartbeat_interval_seconds or 15)
        self._call: Any = None
        self._loop: asyncio.AbstractEventLoop
        """That of the call."""
        self._reading: asyncio.Task[Any] | None = None
        self._reopening = reopening
        self._ended = False
        self._failed = False

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
            if not await self.wait_ready():
                raise StopAsyncIteration
        return event

    async def wait_ready(self) -> bool:
        """Waits until an event has arrived; False when the tail has ended."""
        while not self._cursor.has_next:
            if self._failed:
                # Of no status that is worth a repeat: this would answer the same for ever.
                raise SessionStoreError(
                    "the tail has ended with an error; begin another after its last_sequence",
                    code=grpc.StatusCode.FAILED_PRECONDITION,
                )
            if self._ended:
                return False
            try:
                await self._read_frame()
            except Exception:
                self._failed = True
                raise
        return True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def ready_item(self) -> StoredEvent | None:
        """The next event if it has arrived already; iteration goes on after it."""
        return self._cursor.next_event()

    async def aclose(self) -> None:
        """Ends the tail; what was not read is dropped. May be called again."""
        self._ended, self._failed = True, False
        self._cursor.drop()
        self._hang_up()

    def __del__(self) -> None:
        """Ends the call of one that was forgotten, which gRPC keeps for as long as the server sends."""
        if self._call is not None:
            # In any thread. A loop that is closed has no calls any more.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._call.cancel)

    async def _read_frame(self) -> None:
        loop = asyncio.get_running_loop()
        # On another loop than that of the call the client refuses a new one.
        if self._call is None or self._loop is not loop:
            with translated():
                self._call, self._loop = self._open_tail(self._cursor.resume_request()), loop
        # A task of its own, so that aclose() can end the wait without cancelling whoever waits.
        reading = self._reading = asyncio.create_task(self._call.read(), name="tail read")
        try:
            done, _ = await asyncio.wait((reading,), timeout=self._silence_seconds)
        except BaseException:
            # A wait that was cancelled leaves no stream behind, since nobody may come back to read it.
            self._hang_up()
            raise
        if self._ended:
            return
        if not done:
            await self._reopen_later(_unavailable("the server sent no heartbeat for three intervals"))
        elif reading.cancelled():
            self._ended = True
            raise SessionStoreError("the client was closed", code=grpc.StatusCode.CANCELLED)
        elif (error := reading.exception()) is None:
            await self._take(reading.result())
        elif isinstance(error, grpc.aio.AioRpcError):
            await self._fail(error)
        else:
            self._ended = True
            raise error

    async def _take(self, frame: pb.TailEventsResponse | Any) -> None:
        if frame is grpc.aio.EOF:
            # After Draining the server ends the stream in good order; there is more elsewhere, or soon.
            await self._reopen_later(_unavailable("the server ended the tail"))
            return
        if not frame.HasField("draining"):
            self._reopening.succeeded()
        try:
            self._cursor.take(frame)
        except SessionStoreError:
            self._ended = True
            self._hang_up()
            raise

    async def _fail(self, error: grpc.aio.AioRpcError) -> None:
        failure = error_from_call(error)
        if not self._reopening.may_mend(failure):
            self._ended = True
            self._hang_up()
            try:
                raise failure from error
            finally:
                # It would keep this frame, and with that itself and the tail, until garbage is collected.
                del failure
        await self._reopen_later(failure)

    async def _reopen_later(self, failure: SessionStoreError) -> None:
        self._hang_up()
        if not self._follow and self._cursor.caught_up:
            # Nothing more was asked for, however the stream ended.
            self._ended = True
            return
        try:
            await self._reopening.wait_after(failure)
        except SessionStoreError:
            self._ended = True
            raise

    def _hang_up(self) -> None:
        reading, self._reading = self._reading, None
        call, self._call = self._call, None
        if reading is not None and not reading.cancel() and not reading.cancelled():
            reading.exception()  # seen, so that nobody complains of it
        if call is not None:
            call.cancel()


def _unavailable(message: str) -> ServerUnavailableError:
    return ServerUnavailableError(message, code=grpc.StatusCode.UNAVAILABLE)
