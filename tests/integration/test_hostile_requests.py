"""Requests that no proper client sends: each gets an answer that can be read, and the server goes on."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from sessionstore.v1.tool_pb2 import ToolConfig, ToolSettings
from tests.builders import append, commit, part
from tests.integration.conftest import DaemonUnderTest

Code = grpc.StatusCode
UNPRINTABLE = "\U0010ffff" * 64  # 256 bytes; escaped, 640 characters

METHODS = [
    (service.full_name, method)
    for file in (pb.DESCRIPTOR, admin_pb.DESCRIPTOR, health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR)
    for service in file.services_by_name.values()
    for method in service.methods
]


@pytest.fixture
async def channel(daemon: DaemonUnderTest) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a daemon with a session `s`."""
    async with grpc.aio.insecure_channel(daemon.address, options=[("grpc.default_authority", "localhost")]) as opened:
        await SessionStoreServiceStub(opened).CreateSession(pb.CreateSessionRequest(session_id="s"))
        yield opened


def details_of(error: grpc.aio.AioRpcError) -> tuple[str, list[str]]:
    """The reason of an error, and the fields that it names."""
    status = Status()
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            status.ParseFromString(value)
    info, bad = ErrorInfo(), BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    return info.reason, [violation.field for violation in bad.field_violations]


async def send(channel: Any, service: str, method: Any, requests: list[bytes]) -> list[bytes]:
    """The answers of a call to which bytes are sent as they are."""
    path = f"/{service}/{method.name}"
    if method.client_streaming:
        return [answer async for answer in channel.stream_stream(path)(iter(requests), timeout=10)]
    if method.server_streaming:
        return [answer async for answer in channel.unary_stream(path)(requests[0], timeout=10)]
    return [await channel.unary_unary(path)(requests[0], timeout=10)]


async def refused(channel: grpc.aio.Channel, service: str, method: Any, requests: list[bytes]) -> tuple[Any, ...]:
    """The code, the reason and the fields of the error that a call ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await send(channel, service, method, requests)
    return caught.value.code(), *details_of(caught.value)


async def test_bytes_that_are_no_request_are_refused_by_every_call(channel: grpc.aio.Channel) -> None:
    """INVALID_ARGUMENT with the reason MALFORMED_REQUEST, where gRPC itself would say UNKNOWN."""
    for service, method in METHODS:
        for data in (b"\xff", b"\x0b" * 100_000, b"\x0a\xff\xff\xff\xff\x0f"):
            found = await refused(channel, service, method, [data])
            assert (Code.INVALID_ARGUMENT, "MALFORMED_REQUEST", []) == found, method.name
    assert await SessionStoreServiceStub(channel).ListSessions(pb.ListSessionsRequest())


async def test_a_session_id_that_is_not_utf8_is_named_by_every_call(channel: grpc.aio.Channel) -> None:
    """In unary calls and in those that answer with a stream."""
    for service, method in METHODS:
        field = method.input_type.fields_by_name.get("session_id")
        if field is None:
            continue
        data = bytes([field.number << 3 | 2, 1]) + b"\xff"
        found = await refused(channel, service, method, [data])
        assert (Code.INVALID_ARGUMENT, "MALFORMED_REQUEST", ["session_id"]) == found, method.name


async def test_a_write_stream_answers_what_came_before_text_that_is_not_utf8(channel: Any) -> None:
    """The commits of the requests before are on disk; the one with the text and those after it are not."""
    data = pb.WriteRequest(commits=[commit("s", append(part("MARK")))]).SerializeToString()
    call = channel.stream_stream("/sessionstore.v1.SessionStoreService/Write")(timeout=10)
    await call.write(data)
    first = pb.WriteResponse.FromString(await call.read())
    assert [0] == [outcome.result.results[0].append_event.sequence for outcome in first.outcomes]
    await call.write(data.replace(b"MARK", b"\xff\xfe!!"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    path = "commits[0].mutations[0].append_event.event.message_part.content"
    assert (Code.INVALID_ARGUMENT, "MALFORMED_REQUEST", [path]) == (caught.value.code(), *details_of(caught.value))
    stub = SessionStoreServiceStub(channel)
    events = [event async for found in stub.GetEvents(pb.GetEventsRequest(session_id="s")) for event in found.events]
    assert [0] == [event.sequence for event in events]


def masked(path: str) -> pb.UpdateSessionRequest:
    update = pb.SessionUpdate(config=SessionConfig(), update_mask=FieldMask(paths=[path]))
    return pb.UpdateSessionRequest(session_id="s", update=update)


UNREADABLE: list[tuple[str, Any, grpc.StatusCode]] = [
    ("GetSession", pb.GetSessionRequest(session_id=UNPRINTABLE), Code.NOT_FOUND),
    ("GetEvents", pb.GetEventsRequest(session_id="s", types=[UNPRINTABLE * 1000]), Code.INVALID_ARGUMENT),
    ("UpdateSession", masked(UNPRINTABLE * 1000), Code.INVALID_ARGUMENT),
    (
        "ListSessions",
        pb.ListSessionsRequest(filter=pb.SessionFilter(metadata={UNPRINTABLE * 1000: ""})),
        Code.INVALID_ARGUMENT,
    ),
    (
        "CreateSession",
        pb.CreateSessionRequest(
            config=SessionConfig(tool_config=ToolConfig(tools={UNPRINTABLE * 1000: ToolSettings()}))
        ),
        Code.INVALID_ARGUMENT,
    ),
    ("CreateSession", pb.CreateSessionRequest(session_id=UNPRINTABLE * 1000), Code.INVALID_ARGUMENT),
    ("ListSessions", pb.ListSessionsRequest(page_token=UNPRINTABLE * 1000), Code.INVALID_ARGUMENT),
]


@pytest.mark.parametrize(
    ("method", "request_", "code"), UNREADABLE, ids=[f"{index}-{row[0]}" for index, row in enumerate(UNREADABLE)]
)
async def test_an_error_about_long_text_fits_into_its_headers(
    channel: grpc.aio.Channel, method: str, request_: Any, code: grpc.StatusCode
) -> None:
    """Message and details together stay below the 8 KiB that clients take as a matter of course."""
    service = "sessionstore.v1.SessionStoreService"
    described = next(found for name, found in METHODS if name == service and found.name == method)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await send(channel, service, described, [request_.SerializeToString()])
    assert code == caught.value.code()
    assert details_of(caught.value)[0]
    encoded = len(str(caught.value.details())) * 3  # percent-encoded at worst
    assert encoded + sum(len(value) * 4 // 3 for _, value in caught.value.trailing_metadata() or ()) < 8192


async def test_a_filter_of_very_many_pairs_is_refused(channel: grpc.aio.Channel) -> None:
    """INVALID_ARGUMENT, before the database would give up on it; the largest filter that is accepted works."""
    stub = SessionStoreServiceStub(channel)
    pairs = {f"key{number}": "value" for number in range(100)}
    await stub.CreateSession(pb.CreateSessionRequest(session_id="t", config=SessionConfig(metadata=pairs)))
    answer = await stub.ListSessions(pb.ListSessionsRequest(filter=pb.SessionFilter(metadata=pairs)))
    assert ["t"] == [session.id for session in answer.sessions]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListSessions(pb.ListSessionsRequest(filter=pb.SessionFilter(metadata={**pairs, "one": "more"})))
    assert (Code.INVALID_ARGUMENT, "INVALID_FIELD", ["filter.metadata"]) == (
        caught.value.code(),
        *details_of(caught.value),
    )
