"""Interceptors are run once for each method."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from sessiond.interceptors.behaviours import Behaviour, WrappingInterceptor
from sessiond.interceptors.prepared import PreparedHandlers
from sessiond.interceptors.unknown_calls import UnknownCallError, UnknownCallInterceptor


@dataclass
class Details(grpc.HandlerCallDetails):
    """What gRPC tells an interceptor of a call."""

    method: str
    invocation_metadata: tuple[()] = ()


class Naming(WrappingInterceptor):
    """Puts its name and the method before the answer, and counts what it wraps."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.wrapped = 0

    def around_call(self, behaviour: Behaviour, method: str) -> Behaviour:
        self.wrapped += 1

        async def call(request: Any, context: Any) -> str:
            return f"{self._name} {method} {await behaviour(request, context)}"

        return call

    def around_stream(self, behaviour: Behaviour, method: str) -> Behaviour:
        return behaviour


def found(*methods: str) -> Callable[[grpc.HandlerCallDetails], Awaitable[Any]]:
    """Finds handlers of the methods that answer what they are asked; of others none."""

    async def echo(request: str, _context: Any) -> str:
        return request

    async def find(details: grpc.HandlerCallDetails) -> Any:
        return grpc.unary_unary_rpc_method_handler(echo) if details.method in methods else None

    return find


async def test_each_method_is_wrapped_once_from_the_outermost_to_the_innermost() -> None:
    """And every call of it passes all of them, with its own request."""
    outer, inner = Naming("outer"), Naming("inner")
    prepared = PreparedHandlers(outer, inner)
    find = found("/a", "/b")
    for request in ("1", "2", "3"):
        for method in ("/a", "/b"):
            handler = await prepared.intercept_service(find, Details(method))
            assert f"outer {method} inner {method} {request}" == await handler.unary_unary(request, None)
    assert (2, 2) == (outer.wrapped, inner.wrapped)


async def test_methods_that_clients_make_up_are_not_kept() -> None:
    """Each is refused by its own name, and leaves nothing behind."""
    prepared = PreparedHandlers(UnknownCallInterceptor())
    for number in range(100):
        handler = await prepared.intercept_service(found(), Details(f"/made/up{number}"))
        with pytest.raises(UnknownCallError, match=f"/made/up{number}"):
            await handler.stream_stream(None, None)
    assert {} == prepared._prepared
