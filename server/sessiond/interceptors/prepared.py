"""Runs interceptors once for each method and not for each call: what they make of a handler depends on nothing else."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc

__all__ = ["PreparedHandlers"]


class PreparedHandlers(grpc.aio.ServerInterceptor):
    """Stands for several interceptors. Must be the only one of its server, which gets no handlers after its start."""

    def __init__(self, *interceptors: grpc.aio.ServerInterceptor) -> None:
        """`interceptors` from the outermost to the innermost; none may look at anything of a call but its method."""
        self._interceptors = interceptors
        self._prepared: dict[str, Any] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """See grpc.aio.ServerInterceptor."""
        method = str(handler_call_details.method)
        handler = self._prepared.get(method)
        if handler is None:
            bare = await continuation(handler_call_details)
            handler = await self._prepare(bare, handler_call_details)
            if bare is not None:
                # Not for methods that clients make up: there is no end of them.
                self._prepared[method] = handler
        return handler

    async def _prepare(self, handler: Any, details: grpc.HandlerCallDetails) -> Any:
        for interceptor in reversed(self._interceptors):

            async def inner(_: grpc.HandlerCallDetails, handler: Any = handler) -> Any:
                return handler

            handler = await interceptor.intercept_service(inner, details)
        return handler
