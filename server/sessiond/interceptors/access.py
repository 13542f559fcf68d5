"""Lets nobody through to a handler before it is known who calls and that they may."""

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

            await write_answers(behaviour, request, context, still_admitted)

        return stream
