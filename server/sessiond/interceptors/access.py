"""Lets nobody through to a handler before it is known who calls and that they may."""

from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any

from sessiond.access.policy import AccessPolicy, Call, Caller
from sessiond.interceptors.behaviours import Behaviour, WrappingInterceptor, write_answers

__all__ = ["AccessInterceptor", "current_caller"]

_caller: ContextVar[Caller] = ContextVar("caller")


def current_caller() -> Caller:
    """Who makes the call that is being handled."""
    return _caller.get()


class AccessInterceptor(WrappingInterceptor):
    """Must stand between the interceptor of errors and everything else. Holds for every service of the server."""

    def __init__(self, policy: AccessPolicy) -> None:
        self._policy = policy

    def _admit(self, method: str, context: Any) -> None:
        call = Call(method, context.peer(), context.invocation_metadata() or (), context.auth_context)
        _caller.set(self._policy.admit(call))

    def around_call(self, behaviour: Behaviour, method: str) -> Behaviour:
        """See WrappingInterceptor."""

        async def call(request: Any, context: Any) -> Any:
            self._admit(method, context)
            return await behaviour(request, context)

        return call

    def around_stream(self, behaviour: Behaviour, method: str) -> Behaviour:
        """See WrappingInterceptor."""

        async def stream(request: Any, context: Any) -> None:
            self._admit(method, context)
            generation = self._policy.generation

            def still_admitted() -> None:
                # A stream may last for days, and its credentials be revoked in the meantime.
                nonlocal generation
                if generation != self._policy.generation:
                    self._admit(method, context)
                    generation = self._policy.generation

            if hasattr(request, "__aiter__"):
                # Nor is anything taken in any more: what a client writes is done before there is an answer to refuse.
                request = _while_admitted(request, still_admitted)
            await write_answers(behaviour, request, context, still_admitted)

        return stream


async def _while_admitted(requests: AsyncIterator[Any], still_admitted: Callable[[], None]) -> AsyncIterator[Any]:
    async for request in requests:
        still_admitted()
        yield request
