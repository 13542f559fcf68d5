"""The single writes of a client, which ride one Write stream together."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc

from sessionstore.channel import is_transient, translated
from sessionstore.commit_stream import CommitStream
from sessionstore.errors import (
    DeadlineExceededError,
    InvalidFieldError,
    SessionStoreError,
    TooLargeError,
    error_from_status,
)
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

    def __init__(self, stub: Any, *, timeout_seconds: float) -> None:
        self._stub = stub
        self._timeout_seconds = timeout_seconds
        self._stream: CommitStream | None = None

    async def commit(self, commit: pb.CommitRequest) -> pb.CommitResponse:
        """Applies a commit. Raises the library's exceptions."""
        return await self._settle(commit, None, self._stub.Commit, commit)  # type: ignore[no-any-return]

    async def mutate(self, call: Callable[..., Any], request: Any, mutation: pb.Mutation, **expectation: Any) -> Any:
        """Applies one mutation, and answers as the call of its own would that makes it with this request."""
        commit = pb.CommitRequest(session_id=request.session_id, mutations=[mutation], **expectation)
        return await self._settle(commit, mutation.WhichOneof("kind"), call, request)

    async def close(self) -> None:
        """Ends the stream. Writes under way are cancelled."""
        if self._stream is not None:
            await self._stream.cancel()

    async def _settle(self, commit: pb.CommitRequest, kind: str | None, call: Callable[..., Any], request: Any) -> Any:
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        if commit.ByteSize() <= MAX_STREAMED_BYTES:
            outcome = await self._streamed(commit, deadline)
            if outcome is not None:
                if not outcome.HasField("error"):
                    return outcome.result if kind is None else getattr(outcome.result.results[0], kind)
                failure = error_from_status(outcome.error)
                if not _asks_again(failure):
                    raise failure
        left_seconds = max(0.0, deadline - asyncio.get_running_loop().time())
        with translated():
            return await call(request, timeout=left_seconds)

    async def _streamed(self, commit: pb.CommitRequest, deadline: float) -> pb.CommitOutcome | None:
        """The outcome of the commit; None when the stream broke before there was one."""
        if self._stream is None or not self._stream.accepts:
            self._stream = CommitStream(
                self._stub.Write, timeout_seconds=self._timeout_seconds, idle_seconds=IDLE_SECONDS
            )
        try:
            async with asyncio.timeout_at(deadline):
                return await self._stream.submit(commit)
        except TimeoutError as error:
            raise DeadlineExceededError(
                f"the server did not answer for {self._timeout_seconds:g} seconds",
                code=grpc.StatusCode.DEADLINE_EXCEEDED,
            ) from error
        except SessionStoreError:
            return None


def _asks_again(failure: SessionStoreError) -> bool:
    """Whether a call of its own may do better: by gRPC's own tries, or by naming the fields as that call has them."""
    return is_transient(failure) or isinstance(failure, InvalidFieldError | TooLargeError)
