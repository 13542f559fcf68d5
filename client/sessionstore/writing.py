"""The client's end of the pipelined writes, which outlive connections and servers."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sessionstore.commit_stream import CommitStream
from sessionstore.errors import SessionStoreError
from sessionstore.identifiers import fresh_id
from sessionstore.reopening import Reopening
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["WritePipeline", "name_events"]

MAX_IN_FLIGHT = 2048
MAX_IN_FLIGHT_BYTES = 16 * 1024 * 1024

Commits = AsyncIterable[pb.CommitRequest] | Iterable[pb.CommitRequest]


def name_events(mutations: Iterable[pb.Mutation]) -> None:
    """Gives ids to the events that have none, so that the commit can be repeated."""
    for mutation in mutations:
        if mutation.HasField("append_event") and not mutation.append_event.HasField("event_id"):
            mutation.append_event.event_id = fresh_id()


@dataclass(slots=True)
class _Taken:
    """A commit of the caller's, and its outcome once it is sent."""

    commit: pb.CommitRequest
    size_bytes: int
    outcome: "asyncio.Future[pb.CommitOutcome] | None" = None


class WritePipeline:
    """Sends commits without waiting for each answer, and sends again what was not answered when a stream breaks.

    At most MAX_IN_FLIGHT commits of together MAX_IN_FLIGHT_BYTES, or a single larger one, are taken from the caller
    without their outcomes having been taken from here, so that a slow consumer slows the sending and memory stays flat.
    """

    def __init__(
        self, open_call: Callable[[], Any], commits: Commits, reopening: Reopening, *, timeout_seconds: float
    ) -> None:
        self._open_call = open_call
        self._commits = commits
        self._timeout_seconds = timeout_seconds
        self._reopening = reopening
        self._stream: CommitStream | None = None
        self._in_flight: deque[_Taken] = deque()
        self._in_flight_bytes = 0
        self._taken = asyncio.Event()
        """Set when there is something in flight, or nothing more to come."""
        self._answered = asyncio.Event()
        """Set when there may be room for another commit."""

    async def outcomes(self) -> AsyncGenerator[Iterable[pb.CommitOutcome], None]:
        """The outcomes in the order of the commits, those together that arrive together.

        Raises the library's exceptions, and those of the caller's own iterable.
        """
        # A task of its own: the caller's iterator must not be cancelled with a stream that breaks.
        taker = asyncio.create_task(self._take(), name="write pipeline taker")
        taker.add_done_callback(lambda _: self._taken.set())
        try:
            while self._in_flight or not taker.done():
                if self._in_flight:
                    yield await self._next_outcomes()
                else:
                    self._taken.clear()
                    await self._taken.wait()
            if self._stream is not None:
                await self._stream.finish()
            taker.result()
        finally:
            taker.cancel()
            if self._stream is not None:
                await self._stream.cancel()
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
        taken = _Taken(commit, commit.ByteSize())
        while not self._has_room(taken.size_bytes):
            self._answered.clear()
            await self._answered.wait()
        self._in_flight.append(taken)
        self._in_flight_bytes += taken.size_bytes
        if self._stream is not None and self._stream.accepts:
            taken.outcome = self._stream.submit(commit)
        self._taken.set()

    def _has_room(self, size_bytes: int) -> bool:
        fits = len(self._in_flight) < MAX_IN_FLIGHT and self._in_flight_bytes + size_bytes <= MAX_IN_FLIGHT_BYTES
        return fits or not self._in_flight

    async def _next_outcomes(self) -> list[pb.CommitOutcome]:
        """Waits for the oldest commit, and takes along whatever else is answered."""
        outcomes = [await self._oldest_outcome()]
        self._reopening.succeeded()
        while True:
            self._in_flight_bytes -= self._in_flight.popleft().size_bytes
            answered = self._in_flight[0].outcome if self._in_flight else None
            if answered is None or not answered.done() or answered.exception() is not None:
                break
            outcomes.append(answered.result())
        self._answered.set()
        return outcomes

    async def _oldest_outcome(self) -> pb.CommitOutcome:
        while True:
            # What has no answer may have been applied or not; its ids tell the server.
            outcome = self._in_flight[0].outcome or self._send_all()
            try:
                return await outcome
            except SessionStoreError as failure:
                if not self._reopening.may_mend(failure):
                    raise
                await self._reopening.wait_after(failure)
                self._in_flight[0].outcome = None

    def _send_all(self) -> "asyncio.Future[pb.CommitOutcome]":
        """Sends everything that is in flight on a new stream; the future is that of the oldest commit."""
        self._stream = CommitStream(self._open_call, timeout_seconds=self._timeout_seconds)
        submitted = []
        for taken in self._in_flight:
            taken.outcome = self._stream.submit(taken.commit)
            submitted.append(taken.outcome)
        return submitted[0]
