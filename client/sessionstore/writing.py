"""The client's end of the pipelined write stream, which outlives connections and servers."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextlib import suppress
from typing import Any

import grpc

from sessionstore.backoff import Backoff
from sessionstore.errors import error_from_call
from sessionstore.identifiers import fresh_id
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["WritePipeline", "named_events"]

MAX_COMMITS_PER_REQUEST = 256
MAX_REQUEST_BYTES = 1024 * 1024
MAX_IN_FLIGHT = 2048

Commits = AsyncIterable[pb.CommitRequest] | Iterable[pb.CommitRequest]


def named_events(mutations: Iterable[pb.Mutation]) -> list[pb.Mutation]:
    """The mutations, with ids for the events that have none, so that the commit can be repeated."""
    named = []
    for given in mutations:
        mutation = given
        if given.HasField("append_event") and not given.append_event.HasField("event_id"):
            mutation = pb.Mutation()
            mutation.CopyFrom(given)
            mutation.append_event.event_id = fresh_id()
        named.append(mutation)
    return named


class WritePipeline:
    """Sends commits without waiting for each answer, and sends again what was not answered when a stream breaks.

    What is ready is sent together. At most MAX_IN_FLIGHT commits are taken from the caller and not answered to it, so
    that a slow consumer slows the sending.
    """

    def __init__(self, open_call: Callable[[], Any], commits: Commits, *, give_up_after_seconds: float) -> None:
        self._open_call = open_call
        self._commits = commits
        self._backoff = Backoff(give_up_after_seconds)
        self._room = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._unsent: deque[pb.CommitRequest] = deque()
        self._unanswered: deque[pb.CommitRequest] = deque()
        self._changed = asyncio.Event()
        """Set when there is something to send, or nothing more to come."""

    async def outcomes(self) -> AsyncGenerator[pb.CommitOutcome, None]:
        """The outcomes, in the order of the commits. Raises the library's exceptions, and the caller's own."""
        # A task of its own: the caller's iterator must not be cancelled with a stream that breaks.
        taker = asyncio.create_task(self._take(), name="write pipeline taker")
        taker.add_done_callback(lambda _: self._changed.set())
        try:
            while not (taker.done() and not self._unsent and not self._unanswered):
                async for outcome in self._one_stream(taker):
                    yield outcome
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
        await self._room.acquire()
        commit = pb.CommitRequest()
        commit.CopyFrom(given)
        del commit.mutations[:]
        commit.mutations.extend(named_events(given.mutations))
        self._unsent.append(commit)
        self._changed.set()

    async def _one_stream(self, taker: asyncio.Task[None]) -> AsyncGenerator[pb.CommitOutcome, None]:
        call = self._open_call()
        sender = asyncio.create_task(self._send(call, taker), name="write pipeline sender")
        failure: Exception | None = None
        try:
            while (response := await call.read()) is not grpc.aio.EOF:
                self._backoff.succeeded()
                for outcome in response.outcomes:
                    self._unanswered.popleft()
                    self._room.release()
                    yield outcome
        except grpc.aio.AioRpcError as error:
            failure = error_from_call(error)
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise failure from error
        finally:
            sender.cancel()
            call.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        # What has no answer may have been applied or not; its ids tell the server.
        self._unsent.extendleft(reversed(self._unanswered))
        self._unanswered.clear()
        if failure is not None:
            await self._backoff.wait_after(failure)

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
            self._unanswered.append(commit)
            request.commits.append(commit)
        return request
