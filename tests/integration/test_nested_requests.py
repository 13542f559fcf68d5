"""What a newer client nests deeply is either refused, or comes back in every answer that holds it."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from sessionstore.v1.tool_pb2 import ToolResult
from tests.builders import append, commit, part, tool_call, user_message
from tests.integration.conftest import DaemonUnderTest

Code = grpc.StatusCode
DEPTHS = range(88, 102)
SERVICE = "/sessionstore.v1.SessionStoreService"
START, END = b"\x83\x7d", b"\x84\x7d"  # a group of the field 2000, which no message has


def nested(message: Message, depth: int) -> bytes:
    """A message with an unknown field that nests groups."""
    return message.SerializeToString() + START * depth + END * depth


def inside(message: Message, *path: int, depth: int) -> bytes:
    """The message inside fields of these numbers, the outermost first."""
    data = nested(message, depth)
    for number in reversed(path):
        length = len(data)
        data = bytes((number << 3 | 2, length & 0x7F | 0x80, length >> 7)) + data
    return data


def requests(depth: int) -> Iterator[tuple[str, bytes]]:
    """Calls that store something nested, each by its name."""
    one = pb.GetSessionRequest(session_id="s").SerializeToString()  # every request has the id in its first field
    call_id = tool_call(f"c{depth}")
    yield "CreateSession", inside(SessionConfig(), 1, depth=depth)
    yield "AppendMessage", one + inside(user_message(f"m{depth}"), 2, depth=depth)
    yield "CreateToolCall", one + inside(call_id, 2, depth=depth)
    update = pb.ToolCallUpdate(tool_call_id="c").SerializeToString() + inside(ToolResult(), 3, depth=depth)
    yield "UpdateToolCall", one + bytes((0x12, len(update) & 0x7F | 0x80, len(update) >> 7)) + update
    yield "AppendEvent", one + inside(part(), 2, depth=depth)
    yield "UpdateSession", one + inside(SessionConfig(), 2, 1, depth=depth)
    yield "Commit", one + inside(user_message(f"n{depth}"), 2, 1, depth=depth)


async def readable(channel: Any) -> None:
    """Reads all that there is, and decodes each answer as any client does."""
    listed = await SessionStoreServiceStub(channel).ListSessions(pb.ListSessionsRequest())
    for name in (session.id for session in listed.sessions):
        for call, request, response in (
            ("GetSession", pb.GetSessionRequest(session_id=name, include_secrets=True), pb.GetSessionResponse),
            ("GetMessages", pb.GetMessagesRequest(session_id=name), pb.GetMessagesResponse),
            ("GetEvents", pb.GetEventsRequest(session_id=name), pb.GetEventsResponse),
            ("GetPendingToolCalls", pb.GetPendingToolCallsRequest(session_id=name), pb.GetPendingToolCallsResponse),
            ("TailEvents", pb.TailEventsRequest(session_id=name, no_follow=True), pb.TailEventsResponse),
        ):
            encoded = channel.unary_stream(f"{SERVICE}/{call}")(request.SerializeToString())
            async for answer in encoded:
                response.FromString(answer)


def _channel(daemon: DaemonUnderTest) -> Any:
    return grpc.aio.insecure_channel(daemon.address, options=[("grpc.default_authority", "localhost")])


async def _with_a_tool_call(channel: Any) -> Any:
    stub: Any = SessionStoreServiceStub(channel)
    await stub.CreateSession(pb.CreateSessionRequest(session_id="s"))
    await stub.CreateToolCall(pb.CreateToolCallRequest(session_id="s", tool_call=tool_call("c")))
    return stub


@pytest.mark.parametrize("depth", DEPTHS)
async def test_what_is_accepted_can_be_read_back(daemon: DaemonUnderTest, depth: int) -> None:
    """An answer holds an item deeper than its request did, and decoders bound how deeply messages nest.

    What would not fit is MALFORMED_REQUEST when it is written, and not an error of each read from then on.
    """
    async with _channel(daemon) as channel:
        await _with_a_tool_call(channel)
        for name, request in requests(depth):
            call = channel.unary_unary(f"{SERVICE}/{name}")(request)
            code = await call.code()
            assert code == Code.INVALID_ARGUMENT or (code == Code.OK and depth < 97), name
            await readable(channel)


async def test_what_nests_moderately_is_accepted_by_every_call(daemon: DaemonUnderTest) -> None:
    """Nobody is refused who has not nearly reached the bound."""
    async with _channel(daemon) as channel:
        stub = await _with_a_tool_call(channel)
        for name, request in requests(90):
            await channel.unary_unary(f"{SERVICE}/{name}")(request)
        write = pb.WriteRequest(commits=[commit("s", append(part()))])
        write.commits[0].mutations[0].append_event.event.MergeFromString(START * 90 + END * 90)
        answers = [answer async for answer in stub.Write(iter([write]))]
        assert answers[0].outcomes[0].HasField("result")
        await readable(channel)
