"""Bad input gets a clear error: the status, the reason and the field, and nothing of the server's inside."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, ResourceInfo
from google.rpc.status_pb2 import Status

from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.admin_service_pb2_grpc import AdminServiceStub
from sessionstore.v1.event_pb2 import Event
from sessionstore.v1.message_pb2 import Message, UserContent, UserMessage
from sessionstore.v1.session_pb2 import SessionConfig, Workspace
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from sessionstore.v1.tool_pb2 import ToolCall, ToolCallStatus
from tests.builders import append, part, tool_call, user_message
from tests.integration.conftest import DaemonUnderTest

Code = grpc.StatusCode
DETAILS_KEY = "grpc-status-details-bin"
S = "s"


@pytest.fixture
async def channel(daemon: DaemonUnderTest) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a daemon with a session, a message `m`, tool calls `done` and `denied`, and events 0 and 1."""
    async with grpc.aio.insecure_channel(daemon.address, options=[("grpc.default_authority", "localhost")]) as opened:
        stub = SessionStoreServiceStub(opened)
        await stub.CreateSession(pb.CreateSessionRequest(session_id=S))
        statuses = {
            "done": ToolCallStatus.TOOL_CALL_STATUS_COMPLETED,
            "denied": ToolCallStatus.TOOL_CALL_STATUS_DENIED,
        }
        mutations = [pb.Mutation(append_message=user_message("m")), append(part("0"), "e0"), append(part("1"))]
        for call_id, status in statuses.items():
            mutations.append(pb.Mutation(create_tool_call=tool_call(call_id)))
            update = pb.ToolCallUpdate(tool_call_id=call_id, status=status)
            mutations.append(pb.Mutation(update_tool_call=update))
        await stub.Commit(pb.CommitRequest(session_id=S, mutations=mutations))
        yield opened


async def fail(channel: grpc.aio.Channel, method: str, request: Any) -> tuple[grpc.aio.AioRpcError, dict[str, Any]]:
    """Calls a method that must fail; returns the error and its details by their types."""
    admin = method in admin_pb.DESCRIPTOR.services_by_name["AdminService"].methods_by_name
    stub: Any = (AdminServiceStub if admin else SessionStoreServiceStub)(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await finish(getattr(stub, method)(request, timeout=10))
    return caught.value, details_of(caught.value)


async def finish(call: Any) -> None:
    """Waits for the end of a call of either kind."""
    if hasattr(call, "__aiter__"):
        async for _ in call:
            pass
    else:
        await call


def details_of(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    status = Status()
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            status.ParseFromString(value)
    found: dict[str, Any] = {}
    for kind in (ErrorInfo, BadRequest, ResourceInfo):
        for detail in status.details:
            unpacked = kind()
            if detail.Unpack(unpacked):
                found[kind.__name__] = unpacked
    return found


def call_with(**fields: Any) -> pb.CreateToolCallRequest:
    return pb.CreateToolCallRequest(session_id=S, tool_call=ToolCall(**{"id": "c", "name": "n", **fields}))


def updating(call_id: str, status: ToolCallStatus) -> pb.UpdateToolCallRequest:
    return pb.UpdateToolCallRequest(session_id=S, update=pb.ToolCallUpdate(tool_call_id=call_id, status=status))


INVALID: list[tuple[str, Any, str]] = [
    ("GetSession", pb.GetSessionRequest(), "session_id"),
    ("GetSession", pb.GetSessionRequest(session_id="a\x00b"), "session_id"),
    ("CreateSession", pb.CreateSessionRequest(session_id="x" * 257), "session_id"),
    ("CreateSession", pb.CreateSessionRequest(session_id="é" * 129), "session_id"),
    ("CreateSession", pb.CreateSessionRequest(request_id=""), "request_id"),
    ("CreateSession", pb.CreateSessionRequest(config=SessionConfig(workspace=Workspace())), "config.workspace.kind"),
    ("CreateSession", pb.CreateSessionRequest(config=SessionConfig(metadata={"": "x"})), "config.metadata['']"),
    ("AppendMessage", pb.AppendMessageRequest(session_id=S), "message"),
    ("AppendMessage", pb.AppendMessageRequest(session_id=S, message=Message(id="x")), "message.role"),
    (
        "AppendMessage",
        pb.AppendMessageRequest(session_id=S, message=Message(id="", user=UserMessage())),
        "message.id",
    ),
    (
        "AppendMessage",
        pb.AppendMessageRequest(
            session_id=S, message=Message(id="x", user=UserMessage(content=[UserContent(text="a"), UserContent()]))
        ),
        "message.user.content[1].kind",
    ),
    ("AppendEvent", pb.AppendEventRequest(session_id=S, event=Event()), "event.kind"),
    ("AppendEvent", pb.AppendEventRequest(session_id=S, event=part(), event_id="a\nb"), "event_id"),
    (
        "AppendEvent",
        pb.AppendEventRequest(session_id=S, event=part(), expected_last_sequence=2**63),
        "expected_last_sequence",
    ),
    ("CreateToolCall", call_with(parameters_json="{oops"), "tool_call.parameters_json"),
    ("CreateToolCall", call_with(parameters_json="NaN"), "tool_call.parameters_json"),
    ("CreateToolCall", call_with(parameters_json="[" * 100_000), "tool_call.parameters_json"),
    ("CreateToolCall", call_with(name=""), "tool_call.name"),
    ("UpdateToolCall", pb.UpdateToolCallRequest(session_id=S), "update"),
    (
        "UpdateToolCall",
        updating("done", 99),  # type: ignore[arg-type]
        "update.status",
    ),
    ("GetEvents", pb.GetEventsRequest(session_id=S, after_sequence=2**63), "after_sequence"),
    ("GetEvents", pb.GetEventsRequest(session_id=S, limit=-1), "limit"),
    ("GetEvents", pb.GetEventsRequest(session_id=S, types=["no_such_type"]), "types"),
    ("GetMessages", pb.GetMessagesRequest(session_id=S, limit=-1), "limit"),
    ("ListMessages", pb.ListMessagesRequest(session_id=S, page_size=1001), "page_size"),
    ("ListMessages", pb.ListMessagesRequest(session_id=S, page_token="?"), "page_token"),
    ("ListSessions", pb.ListSessionsRequest(limit=-1), "limit"),
    ("ListSessions", pb.ListSessionsRequest(offset=-1), "offset"),
    ("ListSessions", pb.ListSessionsRequest(page_token="AAAA"), "page_token"),
    ("DeleteEventsBefore", pb.DeleteEventsBeforeRequest(session_id=S, before_sequence=2**63), "before_sequence"),
    ("UpdateActiveMessageId", pb.UpdateActiveMessageIdRequest(session_id=S, message_id=""), "message_id"),
    ("UpdateSession", pb.UpdateSessionRequest(session_id=S), "update"),
    ("Commit", pb.CommitRequest(session_id=S), "mutations"),
    ("Commit", pb.CommitRequest(session_id=S, mutations=[append(part()), pb.Mutation()]), "mutations[1].kind"),
    ("TailEvents", pb.TailEventsRequest(session_id=S, heartbeat_interval_seconds=-1), "heartbeat_interval_seconds"),
    ("TailEvents", pb.TailEventsRequest(session_id=S, from_now=False), "from_now"),
    ("ArchiveSession", admin_pb.ArchiveSessionRequest(), "session_id"),
]


@pytest.mark.parametrize(("method", "request_", "field"), INVALID, ids=[f"{item[0]}-{item[2]}" for item in INVALID])
async def test_a_bad_field_is_named(channel: grpc.aio.Channel, method: str, request_: Any, field: str) -> None:
    """INVALID_ARGUMENT, with the path of the field in BadRequest and in the message."""
    error, details = await fail(channel, method, request_)
    reasons = {"page_token": "INVALID_PAGE_TOKEN"}
    assert Code.INVALID_ARGUMENT == error.code()
    assert [field] == [violation.field for violation in details["BadRequest"].field_violations]
    assert ("sessionstore", reasons.get(field, "INVALID_FIELD")) == (
        details["ErrorInfo"].domain,
        details["ErrorInfo"].reason,
    )
    assert str(error.details()).startswith(f"{field}: ")


OTHER: list[tuple[str, Any, grpc.StatusCode, str]] = [
    ("GetSession", pb.GetSessionRequest(session_id="none"), Code.NOT_FOUND, "SESSION_NOT_FOUND"),
    ("GetMessages", pb.GetMessagesRequest(session_id="none"), Code.NOT_FOUND, "SESSION_NOT_FOUND"),
    ("GetPendingToolCalls", pb.GetPendingToolCallsRequest(session_id="none"), Code.NOT_FOUND, "SESSION_NOT_FOUND"),
    ("TailEvents", pb.TailEventsRequest(session_id="none"), Code.NOT_FOUND, "SESSION_NOT_FOUND"),
    ("DeleteSession", pb.DeleteSessionRequest(session_id="none"), Code.NOT_FOUND, "SESSION_NOT_FOUND"),
    ("RestoreSession", admin_pb.RestoreSessionRequest(session_id=S), Code.NOT_FOUND, "ARCHIVE_NOT_FOUND"),
    (
        "UpdateActiveMessageId",
        pb.UpdateActiveMessageIdRequest(session_id=S, message_id="none"),
        Code.NOT_FOUND,
        "MESSAGE_NOT_FOUND",
    ),
    (
        "UpdateToolCall",
        updating("none", ToolCallStatus.TOOL_CALL_STATUS_APPROVED),
        Code.NOT_FOUND,
        "TOOL_CALL_NOT_FOUND",
    ),
    (
        "UpdateToolCall",
        updating("denied", ToolCallStatus.TOOL_CALL_STATUS_COMPLETED),
        Code.FAILED_PRECONDITION,
        "ILLEGAL_TRANSITION",
    ),
    (
        "AppendMessage",
        pb.AppendMessageRequest(session_id=S, message=user_message("m", "other")),
        Code.ALREADY_EXISTS,
        "MESSAGE_ALREADY_EXISTS",
    ),
    (
        "CreateToolCall",
        pb.CreateToolCallRequest(session_id=S, tool_call=tool_call("done", "other")),
        Code.ALREADY_EXISTS,
        "TOOL_CALL_ALREADY_EXISTS",
    ),
    (
        "AppendEvent",
        pb.AppendEventRequest(session_id=S, event=part("other"), event_id="e0"),
        Code.ALREADY_EXISTS,
        "EVENT_ALREADY_EXISTS",
    ),
    (
        "CreateSession",
        pb.CreateSessionRequest(session_id=S, config=SessionConfig(system_prompt="x")),
        Code.ALREADY_EXISTS,
        "SESSION_ALREADY_EXISTS",
    ),
    (
        "AppendEvent",
        pb.AppendEventRequest(session_id=S, event=part(), expected_last_sequence=0),
        Code.ABORTED,
        "SEQUENCE_CONFLICT",
    ),
    ("GetEvents", pb.GetEventsRequest(session_id=S, after_sequence=2), Code.OUT_OF_RANGE, "CURSOR_AHEAD"),
    ("TailEvents", pb.TailEventsRequest(session_id=S, after_sequence=2), Code.OUT_OF_RANGE, "CURSOR_AHEAD"),
    (
        "AppendMessage",
        pb.AppendMessageRequest(session_id=S, message=user_message("big", "x" * 4_000_000)),
        Code.RESOURCE_EXHAUSTED,
        "TOO_LARGE",
    ),
]


@pytest.mark.parametrize(
    ("method", "request_", "code", "reason"), OTHER, ids=[f"{item[0]}-{item[3]}" for item in OTHER]
)
async def test_a_refusal_has_its_status_and_reason(
    channel: grpc.aio.Channel, method: str, request_: Any, code: grpc.StatusCode, reason: str
) -> None:
    """What is refused for another reason says so, and names what it is about."""
    error, details = await fail(channel, method, request_)
    assert (code, reason) == (error.code(), details["ErrorInfo"].reason)
    if code in (Code.NOT_FOUND, Code.ALREADY_EXISTS):
        assert details["ResourceInfo"].resource_type
        assert details["ResourceInfo"].resource_name


async def test_trimmed_history_names_the_first_available_sequence(channel: grpc.aio.Channel) -> None:
    """OUT_OF_RANGE with the number to go on with."""
    stub = SessionStoreServiceStub(channel)
    await stub.DeleteEventsBefore(pb.DeleteEventsBeforeRequest(session_id=S, before_sequence=2))
    for method, request in (
        ("GetEvents", pb.GetEventsRequest(session_id=S, after_sequence=0)),
        ("TailEvents", pb.TailEventsRequest(session_id=S, after_sequence=0)),
    ):
        error, details = await fail(channel, method, request)
        assert (Code.OUT_OF_RANGE, "HISTORY_TRIMMED") == (error.code(), details["ErrorInfo"].reason)
        assert "2" == details["ErrorInfo"].metadata["first_available_sequence"]


async def test_text_that_is_not_utf8_is_named_by_its_path(channel: grpc.aio.Channel) -> None:
    """INVALID_ARGUMENT and the path of the text, where gRPC itself would say INTERNAL and no more."""
    request = pb.AppendMessageRequest(session_id=S, message=user_message("m2", "MARK")).SerializeToString()
    send = channel.unary_unary(
        "/sessionstore.v1.SessionStoreService/AppendMessage",
        request_serializer=lambda data: data,
        response_deserializer=pb.AppendMessageResponse.FromString,
    )
    for data, field in ((request.replace(b"MARK", b"\xff\xfe\xfd\xfc"), "message.user.content[0].text"),):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await send(data)
        details = details_of(caught.value)
        assert (Code.INVALID_ARGUMENT, "MALFORMED_REQUEST") == (caught.value.code(), details["ErrorInfo"].reason)
        assert [field] == [violation.field for violation in details["BadRequest"].field_violations]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await send(b"\x0a\xff")
    assert (Code.INVALID_ARGUMENT, "MALFORMED_REQUEST") == (
        caught.value.code(),
        details_of(caught.value)["ErrorInfo"].reason,
    )


async def test_a_refused_call_leaves_nothing_behind(channel: grpc.aio.Channel) -> None:
    """After all those refusals the session is as it was."""
    for method, request, _ in INVALID:
        await fail(channel, method, request)
    stub = SessionStoreServiceStub(channel)
    answer = pb.GetSessionResponse()
    async for fragment in stub.GetSession(pb.GetSessionRequest(session_id=S)):
        answer.MergeFrom(fragment)
    state = answer.session.state
    assert (["m"], 2, 1) == (
        [stored.message.id for stored in state.messages],
        len(state.tool_calls),
        state.last_event_sequence,
    )
    assert 1 == len((await stub.ListSessions(pb.ListSessionsRequest())).sessions)
