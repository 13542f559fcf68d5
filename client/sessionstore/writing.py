"""The client's end of the pipelined write stream, which outlives connections and servers."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextlib import aclosing, suppress
from time import monotonic
from typing import Any

import grpc

from sessionstore.backoff import Backoff
from sessionstore.channel import is_transient, translated
from sessionstore.errors import DeadlineExceededError, ServerUnavailableError, SessionStoreError, error_from_call
from sessionstore.identifiers import fresh_id
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["WritePipeline", "name_events"]

MAX_COMMITS_PER_REQUEST = 256
MAX_REQUEST_BYTES = 1024 * 1024
MAX_IN_FLIGHT = 2048
MAX_IN_FLIGHT_BYTES = 16 * 1024 * 1024

Commits = AsyncIterable[pb.CommitRequest] | Iterable[pb.CommitRequest]


def name_events(mutations: Iterable[pb.Mutation]) -> None:
    """Gives ids to the events that have none, so that the commit can be repeated."""
    for mutation in mutations:
        if mutation.HasField("append_event") and not mutation.append_event.HasField("event_id"):
            mutation.append_event.event_id = fresh_id()


class WritePipeline:
    """Sends commits without waiting for each answer, and sends again what was not answered when a stream breaks.

    What is ready is sent together. At most MAX_IN_FLIGHT commits of together MAX_IN_FLIGHT_BYTES, or a single larger
    one, are taken from the caller and not answered; no answer is read before the ones before it were taken, so that a
    slow consumer slows the sending and memory stays flat.
    """

    def __init__(self, open_call: Callable[[], Any], commits: Commits, *, timeout_seconds: float) -> None:
        self._open_call = open_call
        self._commits = commits
        self._timeout_seconds = timeout_seconds
        self._backoff = Backoff(give_up_after_seconds=timeout_seconds)
        self._unsent: deque[pb.CommitRequest] = deque()
        self._unanswered: deque[pb.CommitRequest] = deque()
        self._changed = asyncio.Event()
        """Set when there is something to send, or nothing more to come."""
        self._in_flight = 0
        self._in_flight_bytes = 0
        self._answered = asyncio.Event()
        """Set when there may be room for another commit."""
        self._waiting_since = 0.0
        """Since when the oldest commit without an outcome waits, or its reader."""

    async def outcomes(self) -> AsyncGenerator[Iterable[pb.CommitOutcome], None]:
        """The outcomes in the order of the commits, those together that arrive together.

        Raises the library's exceptions, and those of the caller's own iterable.
        """
        # A task of its own: the caller's iterator must not be cancelled with a stream that breaks.
        taker = asyncio.create_task(self._take(), name="write pipeline taker")
        taker.add_done_callback(lambda _: self._changed.set())
        try:
            while not (taker.done() and not self._unsent and not self._unanswered):
                async with aclosing(self._one_stream(taker)) as stream:
                    async for outcomes in stream:
                        yield outcomes
            taker.result()
        finally:
            taker.cancel()
            await asyncio.gather(taker, return_exceptions=True)

    async def _take(self) -> None:
        if isinstance(self._commits, AsyncIterable):
            async for commit in self._commits:
                await self._take_one(commit)
        else:
            for commit in self._commits:
                await self._take_one(commit)

    async def _take_one(self, given: pb.CommitRequest) -> None:
        commit = pb.CommitRequest()
        commit.CopyFrom(given)
        name_events(commit.mutations)
        size_bytes = commit.ByteSize()
        while not self._has_room(size_bytes):
            self._answered.clear()
            await self._answered.wait()
        self._in_flight += 1
        self._in_flight_bytes += size_bytes
        self._unsent.append(commit)
        self._changed.set()

    def _has_room(self, size_bytes: int) -> bool:
        fits = self._in_flight < MAX_IN_FLIGHT and self._in_flight_bytes + size_bytes <= MAX_IN_FLIGHT_BYTES
        return fits or not self._in_flight

    def _answer(self, count: int) -> None:
        for _ in range(count):
            self._in_flight_bytes -= self._unanswered.popleft().ByteSize()
        self._in_flight -= count
        self._answered.set()

    async def _one_stream(self, taker: asyncio.Task[None]) -> AsyncGenerator[Iterable[pb.CommitOutcome], None]:
        with translated():
            call = self._open_call()
        sender = asyncio.create_task(self._send(call, taker), name="write pipeline sender")
        failure: SessionStoreError | None = None
        try:
            while (response := await self._read(call)) is not grpc.aio.EOF:
                self._backoff.succeeded()
                self._answer(len(response.outcomes))
                yield response.outcomes
        except grpc.aio.AioRpcError as error:
            failure = error_from_call(error)
            if not is_transient(failure):
                raise failure from error
        finally:
            sender.cancel()
            call.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        # What has no answer may have been applied or not; its ids tell the server.
        self._unsent.extendleft(reversed(self._unanswered))
        self._unanswered.clear()
        if failure is None and (self._unsent or not taker.done()):
            failure = ServerUnavailableError("the server ended the stream before everything was answered")
        if failure is not None:
            await self._backoff.wait_after(failure)

    async def _read(self, call: Any) -> Any:
        """The next response. Raises DeadlineExceededError when a commit waits for its outcome for too long."""
        reading = asyncio.create_task(call.read(), name="write pipeline read")
        try:
            # Only from now on: the time that the caller took for the outcomes before is not the server's.
            self._waiting_since = monotonic()
            while not reading.done():
                waited_seconds = monotonic() - self._waiting_since if self._unanswered else 0.0
                if waited_seconds >= self._timeout_seconds:
                    raise DeadlineExceededError(
                        f"the server answered no commit for {self._timeout_seconds:g} seconds",
                        code=grpc.StatusCode.DEADLINE_EXCEEDED,
                    )
                await asyncio.wait((reading,), timeout=self._timeout_seconds - waited_seconds)
            if reading.cancelled():
                raise SessionStoreError("the client was closed", code=grpc.StatusCode.CANCELLED)
            return reading.result()
        finally:
            reading.cancel()

    async def _send(self, call: Any, taker: asyncio.Task[None]) -> None:
        # When the stream breaks, the reader meets the same end and tells it.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            while True:
                while self._unsent:
                    await call.write(self._next_request())
                if taker.done():
                    await call.done_writing()
                    return
                self._changed.clear()
                await self._changed.wait()

    def _next_request(self) -> pb.WriteRequest:
        request = pb.WriteRequest()
        size_bytes = 0
        while self._unsent and len(request.commits) < MAX_COMMITS_PER_REQUEST:
            size_bytes += self._unsent[0].ByteSize()
            if request.commits and size_bytes > MAX_REQUEST_BYTES:
                break
            commit = self._unsent.popleft()
            if not self._unanswered:
                self._waiting_since = monotonic()
            self._unanswered.append(commit)
            request.commits.append(commit)
        return request
