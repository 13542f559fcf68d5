"""Short ways to build the messages that tests send."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from typing import Any

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import CustomEvent, Event, MessageComplete, MessagePart, ToolCallFailed
from sessionstore.v1.message_pb2 import AssistantContent, AssistantMessage, Message, UserContent, UserMessage
from sessionstore.v1.tool_pb2 import ExternalResult, ToolCall, ToolResult

__all__ = [
    "append",
    "collect",
    "commit",
    "complete",
    "custom",
    "event_fragments",
    "failed",
    "part",
    "result",
    "said",
    "tool_call",
    "user_message",
]


def user_message(message_id: str, text: str = "hello") -> Message:
    """A message of a user."""
    return Message(id=message_id, user=UserMessage(content=[UserContent(text=text)]))


def said(message_id: str, text: str = "hi") -> Message:
    """A message of an assistant."""
    return Message(id=message_id, assistant=AssistantMessage(content=[AssistantContent(text=text)]))


def part(text: str = "x") -> Event:
    """An event of a part of a message."""
    return Event(message_part=MessagePart(content=text, message_id="m"))


def complete(model: str) -> Event:
    """An event that names a model."""
    return Event(message_complete=MessageComplete(message=said("m"), model=model))


def failed(model: str) -> Event:
    """An event of a failed tool call that names a model."""
    return Event(tool_call_failed=ToolCallFailed(tool_call_id="c", error="boom", model=model))


def custom(kind: str, data: bytes = b"") -> Event:
    """A custom event."""
    return Event(custom=CustomEvent(type=kind, content_type="text/plain", data=data))


def tool_call(call_id: str, name: str = "grep") -> ToolCall:
    """A tool call."""
    return ToolCall(id=call_id, name=name, parameters_json='{"pattern":"x"}')


def result(payload: str) -> ToolResult:
    """A result of a tool that the store has no type for."""
    return ToolResult(external=ExternalResult(tool_name="grep", payload=payload))


def append(event: Event, event_id: str | None = None) -> pb.Mutation:
    """A mutation that appends an event."""
    return pb.Mutation(append_event=pb.EventAppend(event=event, event_id=event_id))


def commit(session_id: str, *mutations: pb.Mutation, **expectation: Any) -> pb.CommitRequest:
    """A commit."""
    return pb.CommitRequest(session_id=session_id, mutations=mutations, **expectation)


async def collect(fragments: AsyncIterable[Any], field: str) -> list[Any]:
    """The items of all fragments of a streamed answer."""
    items: list[Any] = []
    async for fragment in fragments:
        found: Iterable[Any] = getattr(fragment, field)
        items.extend(found)
    return items


async def event_fragments(encoded: AsyncIterable[bytes]) -> AsyncGenerator[pb.GetEventsResponse, None]:
    """The fragments of events that a store has encoded."""
    async for fragment in encoded:
        yield pb.GetEventsResponse.FromString(fragment)
