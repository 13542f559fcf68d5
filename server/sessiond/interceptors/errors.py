"""Turns whatever a handler raises into a status with details, for unary calls and in the middle of streams alike."""

import logging
from typing import Any, NoReturn

import grpc
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from sessiond.call_counts import CallCounts
from sessiond.interceptors.behaviours import Behaviour, WrappingInterceptor, write_answers
from sessiond.interceptors.statuses import internal_status, reason_name, status_of
from sessiond.store.errors import OutOfMemoryError, StoreError
from sessionstore.v1.error_reason_pb2 import ErrorReason

__all__ = ["ErrorInterceptor"]

_log = logging.getLogger(__name__)


class ErrorInterceptor(WrappingInterceptor):
    """Must be the outermost: nothing that a handler raises reaches gRPC as it is, but for a cancellation."""

    def __init__(self, counts: CallCounts) -> None:
        """`counts` is told which calls are open and why others ended."""
        self._counts = counts

    def around_call(self, behaviour: Behaviour, method: str) -> Behaviour:
        """See WrappingInterceptor."""

        async def call(request: Any, context: Any) -> Any:
            self._counts.open_calls += 1
            try:
                try:
                    return await behaviour(request, context)
                except grpc.aio.AbortError:
                    raise
                except Exception as error:  # noqa: BLE001 - the last place that can keep it from the client
                    status = self._status(method, error)
                ending = _abort(context, status)
                del request, context
                await ending
            finally:
                self._counts.end_call()

        return call

    def around_stream(self, behaviour: Behaviour, method: str) -> Behaviour:
        """See WrappingInterceptor."""

        async def stream(request: Any, context: Any) -> None:
            with self._counts.open_stream(method):
                status = None
                try:
                    await write_answers(behaviour, request, context)
                except grpc.aio.AbortError:
                    raise
                except Exception as error:  # noqa: BLE001 - the last place that can keep it from the client
                    status = self._status(method, error)
                if status is not None:
                    ending = _abort(context, status)
                    del request, context
                    await ending

        return stream

    def _status(self, method: str, error: Exception) -> Status:
        """The status that a call ends with, which is counted, and logged where nobody foresaw it."""
        if isinstance(error, MemoryError):
            _log.warning("%s found no memory", method)
            error = OutOfMemoryError()
        if isinstance(error, StoreError):
            _log.debug("%s: %s", method, error)
            status = status_of(error)
            self._counts.refusals[reason_name(error.reason)] += 1
        else:
            _log.error("%s failed unexpectedly", method, exc_info=error)
            status = internal_status()
            self._counts.refusals[reason_name(ErrorReason.ERROR_REASON_INTERNAL)] += 1
        return status


async def _abort(context: Any, status: Status) -> NoReturn:
    """Ends a call. What handled it, and the context, must be let go of before this is awaited.

    gRPC keeps the exception that it raises here in the call, and that holds the frames which it comes through and what
    was raised before it. With the context among them that is a ring, which only a collection of garbage frees, with
    the request and all that was made of it.
    """
    rich = rpc_status.to_status(status)
    ending = context.abort(rich.code, rich.details, rich.trailing_metadata)
    del context
    await ending
    raise AssertionError("abort returned")
