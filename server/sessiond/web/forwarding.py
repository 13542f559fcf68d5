"""Passes a call from the web on to the daemon, which decides on it as on any other."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, TypeAlias

import grpc
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.request import RequestContext
from connectrpc.server import Endpoint
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from sessiond.web.access import forwarded_metadata
from sessiond.web.codecs import EncodedAnswer
from sessiond.web.errors import call_error

__all__ = ["forwarding_endpoints"]

Context: TypeAlias = RequestContext[Any, Any]

LONGEST_SECONDS = 10 * 365 * 24 * 3600.0
"""A deadline that is some centuries away, which the protocols can name, gRPC takes for one that has passed."""

CALLS_AT_ONCE = 16
"""How many calls of a kind pages have under way; the others wait here.

A call of a page costs the event loop several times of what any other does, and most of that is still to come.
"""


def forwarding_endpoints(channel: grpc.aio.Channel, services: Iterable[ServiceDescriptor]) -> Mapping[str, Any]:
    """An endpoint of connectrpc for each call of the services, by its path; the channel leads to the daemon."""
    return {
        f"/{service.full_name}/{method.name}": _endpoint(channel, service, method)
        for service in services
        for method in service.methods
    }


def _endpoint(channel: grpc.aio.Channel, service: ServiceDescriptor, method: MethodDescriptor) -> Any:
    # Without serializers, the channel takes and gives bytes.
    path = f"/{service.full_name}/{method.name}"
    answer = GetMessageClass(method.output_type)
    if method.client_streaming:
        info = _info(service, method, StreamType.BIDI_STREAM)
        return Endpoint.bidi_stream(info, _streaming(channel.stream_stream(path), answer))
    if method.server_streaming:
        info = _info(service, method, StreamType.SERVER_STREAM)
        return Endpoint.server_stream(info, _streaming(channel.unary_stream(path), answer))
    return Endpoint.unary(_info(service, method, StreamType.UNARY), _unary(channel.unary_unary(path), answer))


def _info(service: ServiceDescriptor, method: MethodDescriptor, shape: StreamType) -> MethodInfo[Any, Any]:
    return MethodInfo(
        name=method.name,
        service_name=service.full_name,
        input=GetMessageClass(method.input_type),
        output=GetMessageClass(method.output_type),
        idempotency_level=IdempotencyLevel.UNKNOWN,
        stream_type=shape,
    )


def _unary(call: Any, answer: type[Message]) -> Callable[[bytes, Context], Any]:
    # Of each kind, so that no read of a page waits behind what other pages write.
    places = asyncio.Semaphore(CALLS_AT_ONCE)

    async def forward(request: bytes, context: Context) -> EncodedAnswer:
        try:
            async with places:
                return EncodedAnswer(answer, await call(request, **_passed_on(context)))
        except grpc.aio.AioRpcError as error:
            raise call_error(error) from None

    return forward


def _streaming(call: Any, answer: type[Message]) -> Callable[[Any, Context], AsyncIterator[EncodedAnswer]]:
    async def forward(request: Any, context: Context) -> AsyncIterator[EncodedAnswer]:
        refusals: list[ConnectError] = []
        if hasattr(request, "__aiter__"):
            request = _acceptable(request, refusals)
        calling = call(request, **_passed_on(context))
        try:
            async for data in calling:
                yield EncodedAnswer(answer, data)
            if refusals:
                raise refusals.pop()
        except grpc.aio.AioRpcError as error:
            raise call_error(error) from None
        finally:
            # A page that goes away must not leave a tail behind.
            calling.cancel()

    return forward


async def _acceptable(requests: AsyncIterator[bytes], refusals: list[ConnectError]) -> AsyncIterator[bytes]:
    """The requests before one that is none, whose error is noted.

    The daemon answers what came before. At an error gRPC would cancel the call, and nobody be told more than that.
    """
    try:
        async for request in requests:
            yield request
    except ConnectError as refusal:
        refusals.append(refusal)


def _passed_on(context: Context) -> dict[str, Any]:
    """The deadline and the credentials; the rest of what a browser sends says nothing to the daemon."""
    remaining = context.timeout_ms
    return {
        "timeout": None if remaining is None else min(max(remaining, 0) / 1000, LONGEST_SECONDS),
        "metadata": forwarded_metadata(context),
    }
