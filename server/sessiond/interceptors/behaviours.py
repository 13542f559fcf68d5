"""What interceptors put around the handlers of calls, of whatever shape a call is."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import grpc

__all__ = ["Behaviour", "WrappingInterceptor", "write_answers"]

Behaviour = Callable[[Any, Any], Any]
"""What handles a call: takes the request, or the stream of them, and gRPC's context."""


class WrappingInterceptor(ABC, grpc.aio.ServerInterceptor):
    """Wraps the handler of every call."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """See grpc.aio.ServerInterceptor."""
        handler = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        if handler.response_streaming:
            kind, around = ("stream_stream" if handler.request_streaming else "unary_stream"), self.around_stream
        else:
            kind, around = ("stream_unary" if handler.request_streaming else "unary_unary"), self.around_call
        return handler._replace(**{kind: around(getattr(handler, kind), method)})

    @abstractmethod
    def around_call(self, behaviour: Behaviour, method: str) -> Behaviour:
        """Wraps what gives one answer."""

    @abstractmethod
    def around_stream(self, behaviour: Behaviour, method: str) -> Behaviour:
        """Wraps what gives a stream of answers, or writes them; it must be made one that writes them."""


async def write_answers(
    behaviour: Behaviour, request: Any, context: Any, before_each: Callable[[], None] | None = None
) -> None:
    """Writes the answers of a handler to the context, unless it does so by itself.

    Interceptors are not generators around generators: each of those would be resumed anew for every answer.
    """
    answers = behaviour(request, context)
    if not hasattr(answers, "__aiter__"):
        await answers
        return
    async with aclosing(answers):
        async for answer in answers:
            if before_each is not None:
                before_each()
            try:
                await context.write(answer)
            except grpc.aio.BaseError as error:
                # gRPC's words for a call that has ended, or a server: there is nobody left to be told of anything.
                raise asyncio.CancelledError from error
