"""Turns whatever a handler raises into a status with details, for unary calls and in the middle of streams alike."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, NoReturn

import grpc
from grpc_status import rpc_status

from sessiond.interceptors.behaviours import Behaviour, wrapped
from sessiond.interceptors.statuses import internal_status, status_of
from sessiond.store.errors import StoreError

__all__ = ["ErrorInterceptor"]

_log = logging.getLogger(__name__)


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Must be the outermost: nothing that a handler raises reaches gRPC as it is, but for a cancellation."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """See grpc.aio.ServerInterceptor."""
        handler = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        return wrapped(
            handler,
            lambda behaviour: _guarded_call(behaviour, method),
            lambda behaviour: _guarded_stream(behaviour, method),
        )


def _guarded_call(behaviour: Behaviour, method: str) -> Behaviour:
    async def call(request: Any, context: Any) -> Any:
        try:
            return await behaviour(request, context)
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - the last place that can keep it from the client
            await _abort(context, method, error)

    return call


def _guarded_stream(behaviour: Behaviour, method: str) -> Behaviour:
    async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            answers = behaviour(request, context)
            if not hasattr(answers, "__aiter__"):  # a handler that writes to the context by itself
                await answers
                return
            async with aclosing(answers):
                async for answer in answers:
                    yield answer
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - the last place that can keep it from the client
            await _abort(context, method, error)

    return stream


async def _abort(context: Any, method: str, error: Exception) -> NoReturn:
    if isinstance(error, StoreError):
        _log.debug("%s: %s", method, error)
        status = status_of(error)
    else:
        _log.error("%s failed unexpectedly", method, exc_info=error)
        status = internal_status()
    rich = rpc_status.to_status(status)
    await context.abort(rich.code, rich.details, rich.trailing_metadata)
    raise AssertionError("abort returned")
