"""Entries of transcripts, as the agents write them, and what tests look up in the commits made of them."""

from collections.abc import Iterable
from typing import Any

from sessiond.importers import Problem, Step
from sessionstore.v1.event_pb2 import Event
from sessionstore.v1.message_pb2 import Message
from sessionstore.v1.session_store_service_pb2 import Mutation, ToolCallUpdate

SESSION = "3f0c3a52-5c3c-4a5e-9f0e-8d2f3f1f9a10"


def claude(kind: str, uuid: str, parent: str | None, **members: Any) -> dict[str, Any]:
    """A line of Claude Code."""
    return {
        "parentUuid": parent,
        "isSidechain": False,
        "cwd": "/home/ada/engine",
        "sessionId": SESSION,
        "version": "2.1.7",
        "gitBranch": "main",
        "type": kind,
        "uuid": uuid,
        "timestamp": "2026-01-14T19:20:03.207Z",
    } | members


def claude_user(uuid: str, content: Any, parent: str | None = None, **members: Any) -> dict[str, Any]:
    """A line of Claude Code in which the user, or a tool, speaks."""
    return claude("user", uuid, parent, message={"role": "user", "content": content}, **members)


def claude_assistant(uuid: str, *blocks: Any, parent: str | None = None, **members: Any) -> dict[str, Any]:
    """A line of Claude Code in which the model speaks."""
    message = {
        "id": "msg_1",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": list(blocks),
        "stop_reason": None,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 99, "output_tokens": 8},
    }
    return claude("assistant", uuid, parent, message=message, **members)


def tool_use(call_id: str, name: str = "Bash", **parameters: Any) -> dict[str, Any]:
    """A block in which the model calls a tool."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": parameters}


def tool_result(call_id: str, content: Any, **members: Any) -> dict[str, Any]:
    """A block with the result of a tool."""
    return {"tool_use_id": call_id, "type": "tool_result", "content": content} | members


def codex(kind: str, second: int, **payload: Any) -> dict[str, Any]:
    """A line of a Codex rollout."""
    return {"timestamp": f"2026-05-11T08:27:{second:02}.490Z", "type": kind, "payload": payload}


def mutations(steps: Iterable[Step]) -> list[Mutation]:
    """All mutations of the steps, in order."""
    return [mutation for step in steps if step.commit is not None for mutation in step.commit.mutations]


def messages(steps: Iterable[Step]) -> list[Message]:
    """All messages of the steps, in order."""
    return [item.append_message for item in mutations(steps) if item.HasField("append_message")]


def events(steps: Iterable[Step]) -> list[Event]:
    """All events of the steps, in order."""
    return [item.append_event.event for item in mutations(steps) if item.HasField("append_event")]


def event_kinds(steps: Iterable[Step]) -> list[str]:
    """The types of all events but those that keep the rest of an entry, in order."""
    kinds = []
    for event in events(steps):
        kind = str(event.WhichOneof("kind"))
        if kind != "custom":
            kinds.append(kind)
        elif not event.custom.type.endswith("/entry"):
            kinds.append(event.custom.type)
    return kinds


def updates(steps: Iterable[Step]) -> list[ToolCallUpdate]:
    """All updates of tool calls, in order."""
    return [item.update_tool_call for item in mutations(steps) if item.HasField("update_tool_call")]


def problems(steps: Iterable[Step]) -> list[Problem]:
    """What of a transcript cannot be imported."""
    return [step.problem for step in steps if step.problem is not None]
