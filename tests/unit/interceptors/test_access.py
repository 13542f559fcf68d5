"""Who is let through to a handler, and for how long."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

import grpc
import pytest

from sessiond.access.policy import AccessPolicy, Call, Caller
from sessiond.access.refusals import UnauthenticatedError
from sessiond.access.rights import Right
from sessiond.interceptors.access import AccessInterceptor, current_caller


class Details(grpc.HandlerCallDetails):
    """What gRPC tells an interceptor of a call."""

    method = "/service/Call"
    invocation_metadata = ()


class Policy:
    """Lets everybody in until it is revoked."""

    def __init__(self) -> None:
        self.generation = 0
        self.asked = 0
        self.refuses = False

    def admit(self, call: Call) -> Caller:
        self.asked += 1
        if self.refuses:
            raise UnauthenticatedError("revoked")
        return Caller("somebody", Right.READ)


@dataclass
class Context:
    """Notes what was answered."""

    answers: list[str] = field(default_factory=list)

    async def write(self, answer: str) -> None:
        self.answers.append(answer)

    def peer(self) -> str:
        return "unix:"

    def invocation_metadata(self) -> Iterable[tuple[str, str]]:
        return ()

    def auth_context(self) -> dict[str, Iterable[bytes]]:
        return {}


async def run(policy: Policy, behaviour: Any, context: Context) -> None:
    """Runs a call with a streamed answer."""

    async def continuation(_: grpc.HandlerCallDetails) -> Any:
        return grpc.unary_stream_rpc_method_handler(behaviour)

    interceptor = AccessInterceptor(cast("AccessPolicy", policy))
    handler: Any = await interceptor.intercept_service(continuation, Details())
    await handler.unary_stream("request", context)


async def test_a_stream_is_asked_again_when_the_credentials_changed() -> None:
    """Not before: and what was revoked in the middle gets no further answer, and its handler is closed."""
    policy, context = Policy(), Context()
    closed: list[str] = []

    async def stream(_request: Any, _context: Any) -> AsyncIterator[str]:
        try:
            yield "first"
            yield "second"
            policy.generation += 1
            yield "third"
            policy.generation += 1
            policy.refuses = True
            yield "never sent"
        finally:
            closed.append(current_caller().name)

    with pytest.raises(UnauthenticatedError):
        await run(policy, stream, context)
    assert ["first", "second", "third"] == context.answers
    assert 3 == policy.asked
    assert ["somebody"] == closed


async def test_who_is_refused_does_not_reach_the_handler() -> None:
    """Neither a handler that gives its answers nor one that writes them."""
    policy = Policy()
    policy.refuses = True

    async def writing(_request: Any, context: Any) -> None:
        await context.write("answer")

    async def giving(_request: Any, _context: Any) -> AsyncIterator[str]:
        yield "answer"

    for behaviour in (writing, giving):
        context = Context()
        with pytest.raises(UnauthenticatedError):
            await run(policy, behaviour, context)
        assert [] == context.answers
    policy.refuses = False
    for behaviour in (writing, giving):
        context = Context()
        await run(policy, behaviour, context)
        assert ["answer"] == context.answers
