"""The single writes of a client, which ride one Write stream together."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc

from sessionstore.channel import is_transient
from sessionstore.commit_stream import CommitStream
from sessionstore.deadlines import Deadlines, OverdueError
from sessionstore.errors import (
    DeadlineExceededError,
    InvalidFieldError,
    SessionStoreError,
    TooLargeError,
    error_from_status,
)
from sessionstore.repeating import Repeating
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["SingleWrites"]

MAX_STREAMED_BYTES = 1024 * 1024
"""What is larger would hold up the writes behind it."""

IDLE_SECONDS = 30.0
"""So long an open stream waits for the next write."""


class SingleWrites:
    """Writes that wait for their answers, from many tasks at once.

    A write over an open stream costs half of what a call of its own does, and those that come together are sent
    together. The stream is a short cut and nothing more: a write that it did not settle, because it broke or the server
    shuts down, is made as a call of its own, with the same ids; and what is refused as invalid is refused by that call.
    So results and exceptions are those of the calls. Must be used from one event loop.
    """

    def __init__(self, stub: Any, repeating: Repeating, *, timeout_seconds: float) -> None:
        self._stub = stub
        self._repeating = repeating
        self._timeout_seconds = timeout_seconds
        self._stream: CommitStream | None = None
        self._deadlines: Deadlines | None = None
        """Made with the first write: a client may be made where no event loop runs."""

    async def commit(self, commit: pb.CommitRequest) -> pb.CommitResponse:
        """Applies a commit. Raises the library's exceptions."""
        settled = await self._settle(commit, self._stub.Commit, lambda: commit)
        return settled.result if isinstance(settled, pb.CommitOutcome) else settled

    async def mutate(
        self, commit: pb.CommitRequest, call: Callable[..., Any], request: Callable[[pb.Mutation], Any]
    ) -> Any:
        """Applies a commit of one mutation, and answers as the call of its own would that makes it.

        `request` makes the request of that call, from the mutation, should it be needed.
        """
        settled = await self._settle(commit, call, lambda: request(commit.mutations[0]))
        if not isinstance(settled, pb.CommitOutcome):
            return settled
        result = settled.result.results[0]
        return getattr(result, result.WhichOneof("kind"))

    async def close(self) -> None:
        """Ends the stream. Writes under way are cancelled."""
        if self._stream is not None:
            await self._stream.cancel()
        if self._deadlines is not None:
            self._deadlines.close()

    async def _settle(self, commit: pb.CommitRequest, call: Callable[..., Any], request: Callable[[], Any]) -> Any:
        """The outcome of the commit, or the answer of the call."""
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        if commit.ByteSize() <= MAX_STREAMED_BYTES:
            try:
                outcome = await self._submit(commit)
            except OverdueError:
                raise DeadlineExceededError(
                    f"the server did not answer for {self._timeout_seconds:g} seconds",
                    code=grpc.StatusCode.DEADLINE_EXCEEDED,
                ) from None
            except SessionStoreError:
                pass  # the stream broke before there was an outcome
            else:
                self._repeating.was_served = True
                if not outcome.HasField("error"):
                    return outcome
                failure = error_from_status(outcome.error)
                try:
                    if not _asks_again(failure):
                        raise failure
                finally:
                    # It would keep this frame, and with that itself and what was written, until garbage is collected.
                    del failure
        left_seconds = max(0.0, deadline - asyncio.get_running_loop().time())
        made = request()
        return await self._repeating.repeat(lambda seconds: call(made, timeout=seconds), left_seconds)

    def _submit(self, commit: pb.CommitRequest) -> "asyncio.Future[pb.CommitOutcome]":
        if self._stream is None or not self._stream.accepts:
            self._stream = CommitStream(
                self._stub.Write, timeout_seconds=self._timeout_seconds, idle_seconds=IDLE_SECONDS
            )
        if self._deadlines is None:
            self._deadlines = Deadlines(self._timeout_seconds)
        outcome = self._stream.submit(commit)
        self._deadlines.watch(outcome)
        return outcome


def _asks_again(failure: SessionStoreError) -> bool:
    """Whether a call of its own may do better: by its tries, or by naming the fields as that call has them."""
    return is_transient(failure) or isinstance(failure, InvalidFieldError | TooLargeError)
