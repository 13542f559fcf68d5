"""One Write stream of the client: commits go out in order and without waiting, each with a future for its outcome."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import grpc

from sessionstore.channel import translated
from sessionstore.errors import (
    DeadlineExceededError,
    InternalServerError,
    ServerUnavailableError,
    SessionStoreError,
    error_from_call,
)
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["CommitStream"]

MAX_COMMITS_PER_REQUEST = 32
MAX_REQUEST_BYTES = 1024 * 1024


@dataclass(slots=True)
class _Submitted:
    commit: pb.CommitRequest
    outcome: "asyncio.Future[pb.CommitOutcome]"


class CommitStream:
    """Sends what waits together in one request: a commit that is alone waits for nothing.

    A stream that broke stays broken; the commits that it has not answered may have been applied or not, and their
    futures fail with what broke it. Must be used from one event loop.
    """

    def __init__(
        self, open_call: Callable[[], Any], *, timeout_seconds: float, idle_seconds: float | None = None
    ) -> None:
        """Opens a stream. Raises SessionStoreError when the client is closed.

        Args:
            open_call: Calls Write.
            timeout_seconds: How long the server may take before it answers anything that it was sent.
            idle_seconds: After so long without a commit the stream ends by itself.
        """
        with translated():
            self._call = open_call()
        self._timeout_seconds = timeout_seconds
        self._idle_seconds = idle_seconds
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[_Submitted] = deque()
        self._unanswered: deque[_Submitted] = deque()
        self._changed = asyncio.Event()
        """Set when there is something to send, or nothing more to come."""
        self._ending = False
        self._moved_at = self._loop.time()
        """When the server answered last, or was first sent something while nothing waited for an answer."""
        self._failure: SessionStoreError | None = None
        self._timer = self._loop.call_later(self._longest_wait(), self._look_at_clock)
        self._task = asyncio.create_task(self._live(), name="commit stream")

    @property
    def accepts(self) -> bool:
        """Whether it can be given commits."""
        return not self._ending

    def submit(self, commit: pb.CommitRequest) -> "asyncio.Future[pb.CommitOutcome]":
        """Sends a commit, which must not be changed any more, after those before it.

        The future fails with a SessionStoreError when the stream breaks. Cancelling it drops the commit if it was not
        sent; nothing else is harmed.
        """
        outcome: asyncio.Future[pb.CommitOutcome] = self._loop.create_future()
        self._unsent.append(_Submitted(commit, outcome))
        self._changed.set()
        return outcome

    async def finish(self) -> None:
        """Takes no more commits, and waits until those it has are answered or have failed, and the stream has ended."""
        self._end()
        await asyncio.wait([self._task])

    async def cancel(self) -> None:
        """Ends the stream at once. What is not answered is cancelled."""
        self._end()
        for submitted in (*self._unanswered, *self._unsent):
            submitted.outcome.cancel()
        self._task.cancel()
        await asyncio.wait([self._task])
        # A task that is cancelled before it has begun does not come to its own end.
        self._let_go(_closed())

    def _let_go(self, failure: SessionStoreError) -> None:
        """Ends what outlives the reading, and fails what has no answer."""
        self._ending = True
        self._timer.cancel()
        self._call.cancel()
        self._fail(self._failure or failure)

    def _end(self) -> None:
        self._ending = True
        self._changed.set()

    async def _live(self) -> None:
        sender = asyncio.create_task(self._send(), name="commit stream sender")
        failure: SessionStoreError = ServerUnavailableError(
            "the server ended the stream before everything was answered", code=grpc.StatusCode.UNAVAILABLE
        )
        try:
            while (response := await self._call.read()) is not grpc.aio.EOF:
                self._take(response)
        except grpc.aio.AioRpcError as error:
            failure = error_from_call(error)
        except asyncio.CancelledError:
            # Of the call, unless it is of this task, whose futures are cancelled already.
            failure = _closed()
        finally:
            self._let_go(failure)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    def _take(self, response: pb.WriteResponse) -> None:
        self._moved_at = self._loop.time()
        if len(response.outcomes) > len(self._unanswered):
            self._break(InternalServerError("the server answered more than it was sent", code=grpc.StatusCode.INTERNAL))
            return
        for outcome in response.outcomes:
            future = self._unanswered.popleft().outcome
            if not future.done():
                future.set_result(outcome)

    def _break(self, failure: SessionStoreError) -> None:
        self._failure = failure
        self._call.cancel()

    def _fail(self, failure: SessionStoreError) -> None:
        for submitted in (*self._unanswered, *self._unsent):
            if not submitted.outcome.done():
                submitted.outcome.set_exception(failure)
                submitted.outcome.exception()  # whoever left does not look at it; that is no reason to complain
        self._unanswered.clear()
        self._unsent.clear()

    async def _send(self) -> None:
        # When the stream breaks, the reader meets the same end and tells it.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            while True:
                while (request := self._next_request()).commits:
                    await self._call.write(request)
                if self._ending:
                    await self._call.done_writing()
                    return
                self._changed.clear()
                await self._changed.wait()

    def _next_request(self) -> pb.WriteRequest:
        request = pb.WriteRequest()
        size_bytes = 0
        while self._unsent and len(request.commits) < MAX_COMMITS_PER_REQUEST:
            submitted = self._unsent[0]
            if not submitted.outcome.done():
                size_bytes += submitted.commit.ByteSize()
                if request.commits and size_bytes > MAX_REQUEST_BYTES:
                    break
                if not self._unanswered:
                    self._moved_at = self._loop.time()
                self._unanswered.append(submitted)
                request.commits.append(submitted.commit)
            self._unsent.popleft()
        return request

    def _longest_wait(self) -> float:
        return self._timeout_seconds if self._idle_seconds is None else min(self._timeout_seconds, self._idle_seconds)

    def _look_at_clock(self) -> None:
        # One timer, set anew when it fires: a timer for each commit would cost more than the commit.
        waited_seconds = self._loop.time() - self._moved_at
        left_seconds = self._longest_wait()
        if self._unanswered:
            left_seconds = self._timeout_seconds - waited_seconds
            if left_seconds <= 0:
                self._break(
                    DeadlineExceededError(
                        f"the server answered no commit for {self._timeout_seconds:g} seconds",
                        code=grpc.StatusCode.DEADLINE_EXCEEDED,
                    )
                )
                return
        elif self._ending and not self._unsent and waited_seconds >= self._timeout_seconds:
            # Everything is answered: a server that does not end the stream is not waited for.
            self._call.cancel()
            return
        elif self._idle_seconds is not None and not self._unsent and waited_seconds >= self._idle_seconds:
            self._end()
            left_seconds = self._timeout_seconds
        self._timer = self._loop.call_later(left_seconds, self._look_at_clock)


def _closed() -> SessionStoreError:
    return SessionStoreError("the client was closed", code=grpc.StatusCode.CANCELLED)
