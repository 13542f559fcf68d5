"""Answers calls that no service has, with the same details as every other error, and to the same callers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from sessiond.store.errors import StoreError
from sessionstore.v1.error_reason_pb2 import ErrorReason

__all__ = ["UnknownCallError", "UnknownCallInterceptor"]

_MAX_SHOWN_CHARACTERS = 100


class UnknownCallError(StoreError):
    """No service of this server has such a call."""

    def __init__(self, method: str) -> None:
        super().__init__(
            f"this server has no call {method[:_MAX_SHOWN_CHARACTERS]!r}; a newer one may have it",
            ErrorReason.ERROR_REASON_UNIMPLEMENTED,
        )


class UnknownCallInterceptor(grpc.aio.ServerInterceptor):
    """Must be the innermost. Without it gRPC answers by itself, before anybody has asked who calls."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """See grpc.aio.ServerInterceptor."""
        handler = await continuation(handler_call_details)
        if handler is not None:
            return handler
        method = str(handler_call_details.method)

        async def refuse(requests: AsyncIterator[bytes], context: Any) -> None:
            raise UnknownCallError(method)

        # A stream fits a call of any shape.
        return grpc.stream_stream_rpc_method_handler(refuse)
