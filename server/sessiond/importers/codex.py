"""Codex's rollouts: JSON lines `{timestamp, type, payload}` without ids of their own.

- Messages come from `response_item` lines only; `event_msg` lines repeat them, and are kept raw like all other types.
- A call of a tool is an assistant message with that call, its output a tool message. Input that is no JSON, as custom
  tools take it, is stored as a JSON string.
- A web search has no call id and no output: it gets a derived id, and ends at once when the line says that it is
  completed.
- Reasoning is an assistant message of thoughts: its summary and text as simple ones, its encrypted content as redacted.
- The role `developer` is a custom one; its texts are joined by line feeds, with the type `text/plain`.
- The model is that of the newest `turn_context`.
- There are no parents: a rollout is a list, and its order is the order.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.importers.chat_parts import (
    assistant_part,
    custom_role,
    parameters_text,
    reasoning_parts,
    system_message,
    user_part,
)
from sessiond.importers.dialects import Dialect, TranscriptFormat
from sessiond.importers.entry_commits import EntryCommit
from sessiond.importers.entry_json import InvalidEntryError, Json, dump_json, parse_entry
from sessiond.importers.identifiers import content_id, usable_id
from sessiond.importers.raw_entries import RawEntry, read_lines
from sessiond.importers.session_requests import describe_session
from sessiond.importers.timestamps import from_iso
from sessiond.importers.values import as_model, as_object, as_text, text_of_blocks
from sessionstore.v1.message_pb2 import AssistantContent, AssistantMessage, Message, UserMessage
from sessionstore.v1.session_store_service_pb2 import CreateSessionRequest
from sessionstore.v1.tool_pb2 import ExternalResult, ToolResult

__all__ = ["CodexFormat", "is_codex_entry"]

_TYPES = frozenset({"session_meta", "turn_context", "response_item", "event_msg", "compacted"})
_CALL_TYPES = frozenset({"function_call", "custom_tool_call", "local_shell_call", "web_search_call"})
_OUTPUT_TYPES = frozenset({"function_call_output", "custom_tool_call_output"})
_TOOL_NAMES = {"local_shell_call": "local_shell", "web_search_call": "web_search"}
_PARAMETER_MEMBERS = ("arguments", "input", "action")


def is_codex_entry(value: Json) -> bool:
    """Whether a line can only be one of a Codex rollout."""
    entry = as_object(value)
    kind = entry.get("type")
    return isinstance(kind, str) and kind in _TYPES and "timestamp" in entry and "payload" in entry


class CodexFormat(TranscriptFormat):
    """Codex's format."""

    name = "codex"

    def read(self, path: Path) -> Iterator[RawEntry]:
        """See TranscriptFormat."""
        return read_lines(path)

    def new_dialect(self) -> Dialect:
        """See TranscriptFormat."""
        return _CodexDialect()

    def describe_session(self, path: Path) -> CreateSessionRequest:
        """See TranscriptFormat."""
        first, meta = _read_meta(path)
        session_id = usable_id(meta.get("id")) or f"{self.name}-{content_id(dump_json(dict(first)).encode())}"
        labels = {
            "source.session_id": meta.get("id"),
            "source.started_at": meta.get("timestamp"),
            "source.agent_version": meta.get("cli_version"),
            "source.git_branch": as_object(meta.get("git")).get("branch"),
            "source.originator": meta.get("originator"),
            "parent_session_id": meta.get("forked_from_id"),
        }
        instructions = as_object(meta.get("base_instructions")).get("text")
        return describe_session(session_id, self.name, labels, cwd=meta.get("cwd"), system_prompt=instructions)


def _read_meta(path: Path) -> tuple[Mapping[str, Json], Mapping[str, Json]]:
    """The first entry, and the payload of the first `session_meta`; empty when there is none."""
    first: Mapping[str, Json] = {}
    for raw in read_lines(path):
        try:
            entry = as_object(parse_entry(raw.data).value)
        except InvalidEntryError:
            continue
        if entry.get("type") == "session_meta":
            return entry, as_object(entry.get("payload"))
        first = first or entry
    return first, {}


class _CodexDialect(Dialect):
    def __init__(self) -> None:
        self._model = ""

    def entry_id(self, value: Json) -> str | None:
        return None

    def timestamp(self, value: Json) -> Timestamp | None:
        return from_iso(as_object(value).get("timestamp"))

    def raw_kind(self, value: Json) -> tuple[Json, ...]:
        entry = as_object(value)
        payload = as_object(entry.get("payload"))
        kind = (entry.get("type"),)
        return (*kind, payload["type"]) if "type" in payload else kind

    def translate(self, value: Json, message_id: str, commit: EntryCommit) -> None:
        entry = as_object(value)
        payload = as_object(entry.get("payload"))
        if entry.get("type") == "turn_context":
            self._model = as_model(payload.get("model")) or self._model
        if entry.get("type") != "response_item":
            return
        message = Message(id=message_id, timestamp=self.timestamp(entry))
        kind = as_text(payload.get("type"))
        if kind == "message":
            self._translate_message(payload, message, commit)
        elif kind == "reasoning":
            self._translate_reasoning(payload, message, commit)
        elif kind in _CALL_TYPES:
            self._translate_call(payload, message, commit)
        elif kind in _OUTPUT_TYPES:
            _translate_output(payload, message_id, commit)

    def _translate_message(self, payload: Mapping[str, Json], message: Message, commit: EntryCommit) -> None:
        content = payload.get("content")
        role = payload.get("role")
        if not isinstance(content, str | list) or not isinstance(role, str) or not role:
            return
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        labels = {"phase": phase} if (phase := as_text(payload.get("phase"))) else {}
        match role:
            case "user":
                message.user.CopyFrom(UserMessage(content=[user_part(block, commit) for block in blocks]))
            case "assistant":
                parts = [assistant_part(block, commit) for block in blocks]
                message.assistant.CopyFrom(AssistantMessage(content=parts))
                commit.add_message(message, model=self._model, labels=labels)
                return
            case "system" if (system := system_message(content)) is not None:
                message.system.CopyFrom(system)
            case _:
                message.custom.CopyFrom(custom_role(role, content, commit))
        commit.add_message(message, labels=labels)

    def _translate_reasoning(self, payload: Mapping[str, Json], message: Message, commit: EntryCommit) -> None:
        parts = reasoning_parts(payload)
        if parts:
            message.assistant.CopyFrom(AssistantMessage(content=parts))
            commit.add_message(message, model=self._model)

    def _translate_call(self, payload: Mapping[str, Json], message: Message, commit: EntryCommit) -> None:
        kind = as_text(payload.get("type")) or ""
        name = as_text(payload.get("name")) or _TOOL_NAMES.get(kind)
        if not name:
            return
        call_id = usable_id(payload.get("call_id"), 200)
        given = next((payload[member] for member in _PARAMETER_MEMBERS if member in payload), None)
        parameters = parameters_text(given, commit)
        # Without an id of its own no result can name it; the message's id is as stable as an id can be.
        call = commit.begin_call(call_id or f"{name}-{message.id}", name, parameters, self._model)
        message.assistant.CopyFrom(AssistantMessage(content=[AssistantContent(tool_call=call)]))
        commit.add_message(message, model=self._model)
        if call_id is None and payload.get("status") == "completed":
            commit.end_begun_calls(ToolResult(external=ExternalResult(tool_name=name)))


def _translate_output(payload: Mapping[str, Json], message_id: str, commit: EntryCommit) -> None:
    call_id = usable_id(payload.get("call_id"))
    if call_id is None:
        return
    output = payload.get("output")
    result = as_object(output)
    has_failed = result.get("success") is False
    content = result["content"] if set(result) == {"content", "success"} else output
    commit.add_result(message_id, None, call_id, text_of_blocks(content, commit), failed=has_failed)
