"""The decoding of requests: bytes that are no valid request become an error that the handler's call raises."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest

from sessiond.interceptors.decoding import DecodingInterceptor
from sessiond.store.errors import InvalidFieldError, InvalidRequestError
from sessiond.turns import Turns
from sessionstore.v1 import admin_service_pb2, session_store_service_pb2
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.error_reason_pb2 import ErrorReason
from tests.builders import append, commit, part

SERVICE = "/sessionstore.v1.SessionStoreService/"
CONTEXT = object()


class Details(grpc.HandlerCallDetails):
    """What gRPC tells an interceptor of a call."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.invocation_metadata = ()


class Handlers:
    """Handlers of each kind, which note what reaches them."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.closed = 0

    async def unary(self, request: Any, context: Any) -> Any:
        assert context is CONTEXT
        self.seen.append(request)
        return "answer"

    async def stream(self, request: Any, context: Any) -> AsyncIterator[Any]:
        assert context is CONTEXT
        self.seen.append(request)
        try:
            yield "first"
            yield "second"
        finally:
            self.closed += 1

    async def both(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        assert context is CONTEXT
        try:
            async for request in requests:
                self.seen.append(request)
                yield "answer"
        finally:
            self.closed += 1


async def intercepted(handler: Any, method: str) -> Any:
    """The handler as the interceptor hands it to gRPC."""

    async def continuation(_: grpc.HandlerCallDetails) -> Any:
        return handler

    found: Callable[..., Awaitable[Any]] = DecodingInterceptor(Turns()).intercept_service
    return await found(continuation, Details(method))


async def drawn(items: list[Any]) -> AsyncIterator[Any]:
    """The requests of a stream."""
    for item in items:
        yield item


def broken_append() -> bytes:
    """The bytes of an AppendEventRequest whose text is not UTF-8."""
    return pb.AppendEventRequest(session_id="s", event=part("MARK")).SerializeToString().replace(b"MARK", b"\xff\xfe!!")


async def test_a_valid_request_reaches_its_handler() -> None:
    """Decoded as the type of its call, whatever deserializer the handler came with."""
    handlers = Handlers()
    handler = await intercepted(grpc.unary_unary_rpc_method_handler(handlers.unary), f"{SERVICE}AppendEvent")
    request = pb.AppendEventRequest(session_id="s", event=part("x"))
    decoded = handler.request_deserializer(request.SerializeToString())
    assert "answer" == await handler.unary_unary(decoded, CONTEXT)
    assert [request] == handlers.seen


async def test_decoding_never_raises() -> None:
    """For gRPC would end the call with INTERNAL then, before anybody can explain."""
    handler = await intercepted(grpc.unary_unary_rpc_method_handler(Handlers().unary), f"{SERVICE}AppendEvent")
    for data in (b"\xff", b"\x0a\xff", b"\x02\x01a", broken_append()):
        assert handler.request_deserializer(data) is not None


async def test_a_unary_call_of_invalid_text_raises_with_its_path() -> None:
    """The reason is MALFORMED_REQUEST, and the handler is not reached."""
    handlers = Handlers()
    handler = await intercepted(grpc.unary_unary_rpc_method_handler(handlers.unary), f"{SERVICE}AppendEvent")
    with pytest.raises(InvalidFieldError, match="not valid UTF-8") as caught:
        await handler.unary_unary(handler.request_deserializer(broken_append()), CONTEXT)
    assert ("event.message_part.content", ErrorReason.ERROR_REASON_MALFORMED_REQUEST) == (
        caught.value.field,
        caught.value.reason,
    )
    assert [] == handlers.seen


async def test_bytes_that_are_no_message_raise_with_the_name_of_its_type() -> None:
    """No field can be named, so the error says what was expected."""
    handlers = Handlers()
    handler = await intercepted(grpc.unary_unary_rpc_method_handler(handlers.unary), f"{SERVICE}AppendEvent")
    with pytest.raises(InvalidRequestError, match="no valid AppendEventRequest") as caught:
        await handler.unary_unary(handler.request_deserializer(b"\xff"), CONTEXT)
    assert ErrorReason.ERROR_REASON_MALFORMED_REQUEST == caught.value.reason
    assert not isinstance(caught.value, InvalidFieldError)
    assert [] == handlers.seen


async def test_an_answering_stream_raises_before_its_first_answer() -> None:
    """The handler of a call with a streamed answer is not reached either."""
    handlers = Handlers()
    handler = await intercepted(grpc.unary_stream_rpc_method_handler(handlers.stream), f"{SERVICE}TailEvents")
    with pytest.raises(InvalidFieldError) as caught:
        _ = [item async for item in handler.unary_stream(handler.request_deserializer(b"\x0a\x01\xff"), CONTEXT)]
    assert "session_id" == caught.value.field
    assert [] == handlers.seen
    request = handler.request_deserializer(b"\x0a\x01s")
    assert ["first", "second"] == [item async for item in handler.unary_stream(request, CONTEXT)]
    assert [pb.TailEventsRequest(session_id="s")] == handlers.seen


async def test_an_abandoned_answer_closes_its_handler_at_once() -> None:
    """The handler's own cleaning up does not wait for the garbage collector."""
    handlers = Handlers()
    handler = await intercepted(grpc.unary_stream_rpc_method_handler(handlers.stream), f"{SERVICE}TailEvents")
    answers = handler.unary_stream(pb.TailEventsRequest(session_id="s"), CONTEXT)
    assert "first" == await anext(answers)
    await answers.aclose()
    assert 1 == handlers.closed


async def test_a_bad_request_in_a_stream_raises_in_its_turn() -> None:
    """Those before it reach the handler, and those after it do not."""
    handlers = Handlers()
    handler = await intercepted(grpc.stream_stream_rpc_method_handler(handlers.both), f"{SERVICE}Write")
    good = pb.WriteRequest(commits=[commit("s", append(part("MARK")))])
    data = good.SerializeToString()
    requests = [handler.request_deserializer(item) for item in (data, data.replace(b"MARK", b"\xff\xfe!!"), data)]
    answers = handler.stream_stream(drawn(requests), CONTEXT)
    assert "answer" == await anext(answers)
    with pytest.raises(InvalidFieldError) as caught:
        await anext(answers)
    assert "commits[0].mutations[0].append_event.event.message_part.content" == caught.value.field
    assert [good] == handlers.seen
    assert 1 == handlers.closed


async def test_every_call_of_both_services_is_decoded_as_its_request() -> None:
    """None is left to gRPC's own decoding."""
    calls = 0
    for module in (admin_service_pb2, session_store_service_pb2):
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                make = {
                    (False, False): grpc.unary_unary_rpc_method_handler,
                    (False, True): grpc.unary_stream_rpc_method_handler,
                    (True, True): grpc.stream_stream_rpc_method_handler,
                }[method.client_streaming, method.server_streaming]
                handler = await intercepted(make(Handlers().unary), f"/{service.full_name}/{method.name}")
                expected = getattr(module, method.input_type.name)
                assert expected() == handler.request_deserializer(b"")
                assert isinstance(handler.request_deserializer(b""), expected)
                calls += 1
    assert 24 == calls


async def test_calls_that_no_service_has_are_left_alone() -> None:
    """An unknown call stays unknown, and what it sends is not looked at."""
    handler: Any = grpc.unary_unary_rpc_method_handler(Handlers().unary)
    assert handler is await intercepted(handler, f"{SERVICE}NoSuchCall")
    assert None is await intercepted(None, f"{SERVICE}NoSuchCall")
