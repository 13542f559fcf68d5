"""Lets nobody through to a handler before it is known who calls and that they may."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any

import grpc

from sessiond.access.policy import AccessPolicy, Call, Caller
from sessiond.access.rights import required_right
from sessiond.interceptors.behaviours import Behaviour, wrapped

__all__ = ["AccessInterceptor", "current_caller"]

_caller: ContextVar[Caller] = ContextVar("caller")


def current_caller() -> Caller:
    """Who makes the call that is being handled."""
    return _caller.get()


class AccessInterceptor(grpc.aio.ServerInterceptor):
    """Must stand between the interceptor of errors and everything else. Holds for every service of the server."""

    def __init__(self, policy: AccessPolicy) -> None:
        self._policy = policy

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
            lambda behaviour: self._guarded_call(behaviour, method),
            lambda behaviour: self._guarded_stream(behaviour, method),
        )

    def _admit(self, method: str, context: Any) -> None:
        call = Call(method, context.peer(), context.invocation_metadata() or (), context.auth_context)
        caller = self._policy.caller(call)
        caller.require(required_right(method), method.rpartition("/")[2])
        _caller.set(caller)

    def _guarded_call(self, behaviour: Behaviour, method: str) -> Behaviour:
        async def call(request: Any, context: Any) -> Any:
            self._admit(method, context)
            return await behaviour(request, context)

        return call

    def _guarded_stream(self, behaviour: Behaviour, method: str) -> Behaviour:
        async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
            self._admit(method, context)
            generation = self._policy.generation
            answers = behaviour(request, context)
            if not hasattr(answers, "__aiter__"):  # a handler that writes to the context by itself
                await answers
                return
            async with aclosing(answers):
                async for answer in answers:
                    # A stream may last for days, and its credentials be revoked in the meantime.
                    if generation != self._policy.generation:
                        self._admit(method, context)
                        generation = self._policy.generation
                    yield answer

        return stream
