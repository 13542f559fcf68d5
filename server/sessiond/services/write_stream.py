"""The pipelined writes: many commits of one stream in flight, each with its own outcome, answered in order."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, NamedTuple

from sessiond.contract.limits import Limits
from sessiond.contract.requests import check_commit, check_request
from sessiond.draining import Draining
from sessiond.interceptors.last_status import LastStatus
from sessiond.store.errors import DrainingError, StoreError
from sessiond.store.protocol import Store
from sessiond.turns import LARGE_BYTES, Turns
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["WriteStream"]

MAX_RESPONSE_BYTES = 1024 * 1024
MAX_RESPONSE_OUTCOMES = 64
"""Together they are about a quarter of a millisecond of the event loop."""

COMMITS_A_TURN = 16
"""So many are taken in, and so many refusals are answered, in a turn: about half a millisecond."""


class _Submitted(NamedTuple):
    outcome: "asyncio.Future[pb.CommitResponse] | StoreError"
    """What the writer will say, or why it was not asked."""
    size_bytes: int

    @property
    def is_done(self) -> bool:
        return isinstance(self.outcome, StoreError) or self.outcome.done()


class WriteStream:
    """One stream of commits.

    A reader takes requests in and submits their commits; it stops reading while too many of them, or too many bytes,
    have no answer yet, which the client feels as gRPC's own back-pressure.
    """

    def __init__(self, store: Store, limits: Limits, draining: Draining, turns: Turns) -> None:
        self._store = store
        self._limits = limits
        self._draining = draining
        self._turns = turns
        self._in_flight: deque[_Submitted] = deque()
        self._bytes_in_flight = 0
        self._changed = asyncio.Event()
        """Set when a commit has its outcome, or there is nothing more to come."""
        self._room = asyncio.Event()
        self._last_status = LastStatus()
        self._source = object()
        """Stands for this stream in the store, which may keep it a while longer."""

    async def responses(self, requests: AsyncIterator[pb.WriteRequest]) -> AsyncGenerator[pb.WriteResponse, None]:
        """The answers, in the order of the commits.

        Everything that was read is answered before the stream ends. It ends with DrainingError when the server shuts
        down, and with InvalidFieldError after a request that is not acceptable as a whole.
        """
        reader = asyncio.create_task(self._read(requests), name="write stream reader")
        reader.add_done_callback(self._note_change)
        self._draining.tell(reader.cancel)
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                while self._in_flight and self._in_flight[0].is_done:
                    response, refused = self._next_response()
                    yield response
                    self._room.set()
                    if refused:
                        await self._turns.take()
                if self._in_flight:
                    continue
                if reader.cancelled():
                    raise DrainingError
                if reader.done():
                    reader.result()
                    return
        finally:
            # What was submitted is applied all the same; the client settles it by its ids.
            self._draining.forget(reader.cancel)
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def _read(self, requests: AsyncIterator[pb.WriteRequest]) -> None:
        async for request in requests:
            check_request(request, self._limits)
            refused = False
            for number, commit in enumerate(request.commits, 1):
                if not number % COMMITS_A_TURN:
                    await self._turns.take()
                size_bytes = commit.ByteSize()
                while not self._has_room(size_bytes):
                    self._room.clear()
                    await self._room.wait()
                if size_bytes > LARGE_BYTES:
                    await self._large_turn()
                outcome = self._submit(commit, size_bytes)
                if isinstance(outcome, StoreError):
                    refused = True
                    self._changed.set()
                elif size_bytes <= LARGE_BYTES:
                    self._turns.begin_small()
                    outcome.add_done_callback(self._end_small)
                else:
                    outcome.add_done_callback(self._note_change)
                self._in_flight.append(_Submitted(outcome, size_bytes))
                self._bytes_in_flight += size_bytes
            if refused:
                # Who sends what is refused is not read on at once: nothing that costs the disk time slows them down.
                await self._turns.take()

    async def _large_turn(self) -> None:
        """Waits until a large commit may be submitted; smaller ones pass by, and do not wait for the large."""
        while True:
            while self._store.is_crowded:
                await self._store.wait_for_room()
            await self._turns.take()
            if not self._store.is_crowded:
                return

    def _has_room(self, size_bytes: int) -> bool:
        if not self._in_flight:
            return True
        return (
            len(self._in_flight) < self._limits.max_commits_in_flight
            and self._bytes_in_flight + size_bytes <= self._limits.max_bytes_in_flight
        )

    def _submit(self, commit: pb.CommitRequest, size_bytes: int) -> "asyncio.Future[pb.CommitResponse] | StoreError":
        try:
            check_commit(commit, self._limits, size_bytes)
            return self._store.submit(commit, self._source)
        except StoreError as error:
            # With its traceback it would hold this frame, and with that itself: garbage that only a collection frees,
            # and a collection of much of it holds up everybody.
            return error.with_traceback(None)

    def _end_small(self, _: "asyncio.Future[Any]") -> None:
        # Not as a callback of its own: the loop schedules each of them by itself.
        self._turns.end_small()
        self._changed.set()

    def _note_change(self, _: "asyncio.Future[Any]") -> None:
        self._changed.set()

    def _next_response(self) -> tuple[pb.WriteResponse, int]:
        """The outcomes of the oldest commits, as many in order as are done, and how many of them are refusals."""
        response, refused = pb.WriteResponse(), 0
        size_bytes = 0
        while self._in_flight and self._in_flight[0].is_done:
            submitted = self._in_flight.popleft()
            self._bytes_in_flight -= submitted.size_bytes
            outcome = response.outcomes.add()
            self._fill(outcome, submitted.outcome)
            size_bytes += outcome.ByteSize()
            refused += outcome.HasField("error")
            is_full = size_bytes >= MAX_RESPONSE_BYTES or len(response.outcomes) == MAX_RESPONSE_OUTCOMES
            if is_full or refused == COMMITS_A_TURN:
                break
        return response, refused

    def _fill(self, outcome: pb.CommitOutcome, done: "asyncio.Future[pb.CommitResponse] | StoreError") -> None:
        error: BaseException | None
        if isinstance(done, StoreError):
            error = done
        elif (error := done.exception()) is None:
            outcome.result.CopyFrom(done.result())
            return
        outcome.error.CopyFrom(self._last_status.of(error))
