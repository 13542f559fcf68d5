"""Decodes requests so that bytes which are no valid request get a clear answer, and lets encoded answers be.

gRPC would end such a call with UNKNOWN, without details, before anybody has asked who calls, and log a traceback. Here
the decoder never raises: it passes on what it found, and the handler's call raises it where the error interceptor can
see it.

Handlers that have their answers encoded already, such as those of events, give them as bytes.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import grpc
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from sessiond.contract.decode_errors import lacked_memory
from sessiond.interceptors.behaviours import Behaviour
from sessiond.interceptors.large_requests import LargeRequests
from sessiond.interceptors.nesting import nested_decoder
from sessiond.interceptors.wire import find_invalid_text
from sessiond.store.errors import InvalidFieldError, InvalidRequestError, OutOfMemoryError, StoreError
from sessiond.turns import LARGE_BYTES, Turns
from sessionstore.v1 import admin_service_pb2, session_store_service_pb2
from sessionstore.v1.error_reason_pb2 import ErrorReason

__all__ = ["DecodingInterceptor"]

_REQUEST_TYPES: dict[str, type[Message]] = {
    f"/{service.full_name}/{method.name}": getattr(module, method.input_type.name)
    for module in (admin_service_pb2, session_store_service_pb2, health_pb2, reflection_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


class _Undecodable:
    """Bytes that are no valid request, with the error to be raised for them."""

    def __init__(self, error: StoreError) -> None:
        self.error = error


class _Large:
    """A request that is decoded when it is its turn."""

    def __init__(self, decode: Callable[[bytes], Message | _Undecodable], data: bytes) -> None:
        self.size_bytes = len(data)
        self._decode = decode
        self._data = data

    def decoded(self) -> Message:
        """The request, which is then no longer kept as it came. Raises InvalidRequestError."""
        data, self._data = self._data, b""
        found = self._decode(data)
        if isinstance(found, _Undecodable):
            raise found.error
        return found


def _decoder(request_type: type[Message]) -> Callable[[bytes], Message | _Undecodable]:
    decode_nested = nested_decoder(request_type)

    def decode(data: bytes) -> Message | _Undecodable:
        try:
            return decode_nested(data)
        except DecodeError as error:
            return _Undecodable(OutOfMemoryError() if lacked_memory(error) else _explain(request_type, data))
        except MemoryError:
            return _Undecodable(OutOfMemoryError())

    return decode


def _deferring_decoder(request_type: type[Message]) -> Callable[[bytes], Message | _Undecodable | _Large]:
    decode = _decoder(request_type)
    return lambda data: decode(data) if len(data) <= LARGE_BYTES else _Large(decode, data)


def _explain(request_type: type[Message], data: bytes) -> InvalidRequestError:
    path = find_invalid_text(cast("Descriptor", request_type.DESCRIPTOR), data)
    if path is not None:
        return InvalidFieldError(
            path, "is not valid UTF-8; encode the text, or send it as bytes", ErrorReason.ERROR_REASON_MALFORMED_REQUEST
        )
    return InvalidRequestError(
        f"the bytes are no valid {request_type.DESCRIPTOR.name}; encode the request with stubs of this API",
        ErrorReason.ERROR_REASON_MALFORMED_REQUEST,
    )


def _encode(answer: Message | bytes) -> bytes:
    return answer if isinstance(answer, bytes) else answer.SerializeToString()


_DECODERS = {request_type: _deferring_decoder(request_type) for request_type in _REQUEST_TYPES.values()}


class DecodingInterceptor(grpc.aio.ServerInterceptor):
    """Must stand inside the interceptor that turns errors into statuses. Leaves calls that no service has alone."""

    def __init__(self, turns: Turns) -> None:
        """Large requests are decoded by turns."""
        self._turns = turns
        self._large = LargeRequests()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """See grpc.aio.ServerInterceptor."""
        handler = await continuation(handler_call_details)
        request_type = _REQUEST_TYPES.get(str(handler_call_details.method))
        if handler is None or request_type is None:
            return handler
        replaced: dict[str, Any] = {"request_deserializer": _DECODERS[request_type]}
        if handler.request_streaming:
            replaced["stream_stream"] = _checked_stream(handler.stream_stream, self._turns)
        elif handler.response_streaming:
            replaced["response_serializer"] = _encode
            replaced["unary_stream"] = _checked_unary_stream(handler.unary_stream)
        else:
            replaced["unary_unary"] = _checked_unary(handler.unary_unary, self._large, self._turns)
        return handler._replace(**replaced)


def _checked_unary(behaviour: Behaviour, large: LargeRequests, turns: Turns) -> Behaviour:
    async def call(request: Any, context: Any) -> Any:
        if isinstance(request, _Large):
            async with large.place(request.size_bytes):
                await turns.take()
                return await behaviour(request.decoded(), context)
        if isinstance(request, _Undecodable):
            raise request.error
        with turns.small():
            return await behaviour(request, context)

    return call


def _checked_unary_stream(behaviour: Behaviour) -> Behaviour:
    def stream(request: Any, context: Any) -> Any:
        if isinstance(request, _Large):
            # Of reads, which carry a filter at most.
            request = request.decoded()
        if isinstance(request, _Undecodable):
            raise request.error
        return behaviour(request, context)

    return stream


def _checked_stream(behaviour: Behaviour, turns: Turns) -> Behaviour:
    async def decoded(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for request in requests:
            if isinstance(request, _Large):
                await turns.take()
                yield request.decoded()
                continue
            if isinstance(request, _Undecodable):
                raise request.error
            yield request

    def stream(requests: AsyncIterator[Any], context: Any) -> Any:
        return behaviour(decoded(requests), context)

    return stream
