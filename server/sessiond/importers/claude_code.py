"""Claude Code's transcripts: JSON lines, a tree of entries by `uuid` and `parentUuid`.

- One line is one message, with the line's `uuid` as id and `parentUuid` as parent. The lines of one answer of the model
  share `message.id`, which is a label of their message_complete events.
- A user line that holds results of tools becomes one tool message for each result, and one user message for each run of
  other blocks between them, in their order. The last of these messages has the line's `uuid`, since the lines after it
  name that as their parent; those before it have `<uuid>#1`, `<uuid>#2` and so on, each the parent of the next. The
  first has the line's parent.
- What a person writes while the model is at work becomes no user line, but an attachment of the kind
  `queued_command`: it is a user message, unless the program itself wrote it.
- A result that is a list of nothing but texts becomes these texts, joined by line feeds; other lists become JSON.
- A line of type `system` is a system message when it has text; every line that is no message is kept raw.
- A file of a subagent (its first entry names an `agentId` and is a side chain) is a session of its own, with the id
  `<session>.agent-<agent>` and the metadata `parent_session_id`.
- A session that continues another one, or is a fork of it, begins with the entries of that, which may still name that.
  Its file bears its own id, as later entries do: it is the session that both name, with the other as
  `parent_session_id`. A file of any other name is the session that its first entry names.
- What is written before the first message names no session: a file that holds no more yet is the session that it is
  named after.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.importers.dialects import Dialect, TranscriptFormat
from sessiond.importers.entry_commits import EntryCommit, custom_content
from sessiond.importers.entry_json import InvalidEntryError, Json, dump_json, parse_entry
from sessiond.importers.identifiers import content_id, usable_id
from sessiond.importers.raw_entries import RawEntry, read_lines
from sessiond.importers.session_requests import describe_session
from sessiond.importers.timestamps import from_iso
from sessiond.importers.values import as_model, as_object, as_text, as_tokens, text_of_blocks
from sessionstore.v1.event_pb2 import TokenUsage
from sessionstore.v1.message_pb2 import (
    AssistantContent,
    AssistantMessage,
    Message,
    RedactedThought,
    SignedThought,
    SimpleThought,
    SystemContent,
    SystemMessage,
    Thought,
    UserContent,
    UserMessage,
)
from sessionstore.v1.session_store_service_pb2 import CreateSessionRequest

__all__ = ["ClaudeCodeFormat", "is_claude_code_entry"]

_SESSION_NAME = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The name of a file that Claude Code has given it: a UUID."""

_LABELS = {"requestId": "request_id", "agentId": "agent_id"}


def is_claude_code_entry(value: Json) -> bool:
    """Whether a line can only be one of Claude Code's."""
    entry = as_object(value)
    if not isinstance(entry.get("type"), str):
        return False
    if "sessionId" in entry:
        return "parentUuid" in entry or entry["type"] == "queue-operation"
    if entry["type"] == "summary":
        return "leafUuid" in entry
    return entry["type"] == "file-history-snapshot" and "snapshot" in entry


class ClaudeCodeFormat(TranscriptFormat):
    """Claude Code's format."""

    name = "claude-code"

    def read(self, path: Path) -> Iterator[RawEntry]:
        """See TranscriptFormat."""
        return read_lines(path)

    def new_dialect(self) -> Dialect:
        """See TranscriptFormat."""
        return _ClaudeCodeDialect()

    def describe_session(self, path: Path) -> CreateSessionRequest:
        """See TranscriptFormat."""
        head = _read_head(path)
        first_id = usable_id(head.get("sessionId"), 100)
        session_id = first_id or self._unnamed_id(path, head)
        agent_id = usable_id(head.get("agentId"), 100) if head.get("isSidechain") is True else None
        labels = {
            "source.session_id": head.get("sessionId"),
            "source.started_at": head.get("timestamp"),
            "source.agent_version": head.get("version"),
            "source.git_branch": head.get("gitBranch"),
        }
        if agent_id is not None:
            labels |= {"source.agent_id": agent_id, "parent_session_id": session_id}
            session_id = f"{session_id}.agent-{agent_id}"
        elif path.stem != first_id and _names_session(path, path.stem):
            labels |= {"source.session_id": path.stem, "parent_session_id": first_id}
            session_id = path.stem
        return describe_session(session_id, self.name, labels, cwd=head.get("cwd"))

    def _unnamed_id(self, path: Path, head: Mapping[str, Json]) -> str:
        if _SESSION_NAME.fullmatch(path.stem):
            return path.stem
        return f"{self.name}-{content_id(dump_json(dict(head)).encode())}"


def _read_head(path: Path) -> Mapping[str, Json]:
    """The first entry with a place in the tree; without one the first that names the session; else the first of all."""
    head: Mapping[str, Json] = {}
    for raw in read_lines(path):
        try:
            entry = as_object(parse_entry(raw.data).value)
        except InvalidEntryError:
            continue
        if "sessionId" in entry and "uuid" in entry:
            return entry
        if not head or ("sessionId" in entry and "sessionId" not in head):
            head = entry
    return head


def _names_session(path: Path, session_id: str) -> bool:
    """Whether an entry is one of the session."""
    # Only the lines that may say so are parsed; the name of a file need not be text.
    wanted = b'"sessionId":"' + os.fsencode(session_id) + b'"'
    for raw in read_lines(path):
        if wanted in raw.data:
            try:
                found = as_object(parse_entry(raw.data).value).get("sessionId")
            except InvalidEntryError:
                continue
            if found == session_id:
                return usable_id(found, 100) is not None
    return False


class _ClaudeCodeDialect(Dialect):
    def entry_id(self, value: Json) -> str | None:
        return as_text(as_object(value).get("uuid"))

    def timestamp(self, value: Json) -> Timestamp | None:
        return from_iso(as_object(value).get("timestamp"))

    def raw_kind(self, value: Json) -> tuple[Json, ...]:
        entry = as_object(value)
        kind = (entry.get("type"),)
        return (*kind, entry["subtype"]) if "subtype" in entry else kind

    def translate(self, value: Json, message_id: str, commit: EntryCommit) -> None:
        entry = as_object(value)
        match entry.get("type"):
            case "user":
                self._translate_user(entry, as_object(entry.get("message")).get("content"), message_id, commit)
            case "attachment":
                self._translate_user(entry, _queued_prompt(entry), message_id, commit)
            case "assistant":
                self._translate_assistant(entry, message_id, commit)
            case "system" if isinstance(entry.get("content"), str):
                message = self._message(entry, message_id)
                message.system.CopyFrom(SystemMessage(content=[SystemContent(text=entry["content"])]))
                commit.add_message(message, labels=_labels(entry))

    def _message(self, entry: Mapping[str, Json], message_id: str) -> Message:
        return Message(
            id=message_id,
            parent_message_id=usable_id(entry.get("parentUuid")),
            timestamp=self.timestamp(entry),
        )

    def _translate_assistant(self, entry: Mapping[str, Json], message_id: str, commit: EntryCommit) -> None:
        answer = as_object(entry.get("message"))
        content = answer.get("content")
        if not isinstance(content, str | list):
            return
        model = as_model(answer.get("model"))
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        parts = [_assistant_part(block, model, commit) for block in blocks]
        message = self._message(entry, message_id)
        message.assistant.CopyFrom(AssistantMessage(content=parts))
        labels = _labels(entry)
        for key, label in (("id", "message.id"), ("stop_reason", "stop_reason")):
            text = as_text(answer.get(key))
            if text:
                labels[label] = text
        commit.add_message(message, model=model, usage=_usage(answer.get("usage")), labels=labels)

    def _translate_user(self, entry: Mapping[str, Json], content: Json, message_id: str, commit: EntryCommit) -> None:
        if not isinstance(content, str | list):
            return
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        runs = _runs(blocks)
        parent_id = usable_id(entry.get("parentUuid"))
        for number, run in enumerate(runs, 1):
            piece_id = message_id if number == len(runs) else f"{message_id}#{number}"
            if _is_result(run[:1]):
                payload = text_of_blocks(run[0].get("content"), commit)
                call_id = run[0]["tool_use_id"]
                commit.add_result(piece_id, parent_id, call_id, payload, failed=run[0].get("is_error") is True)
            else:
                message = self._message(entry, piece_id)
                message.user.CopyFrom(UserMessage(content=[_user_part(block, commit) for block in run]))
                message.ClearField("parent_message_id")
                if parent_id is not None:
                    message.parent_message_id = parent_id
                commit.add_message(message, labels=_labels(entry))
            parent_id = piece_id


def _queued_prompt(entry: Mapping[str, Json]) -> Json:
    """What a person wrote while the model was at work; None for what the program attached by itself."""
    attachment = as_object(entry.get("attachment"))
    if attachment.get("type") != "queued_command" or attachment.get("commandMode", "prompt") != "prompt":
        return None
    return attachment.get("prompt")


def _runs(blocks: list[Json]) -> list[list[Json]]:
    """The blocks of a user's line: each result alone, the others together as long as no result comes between them."""
    runs: list[list[Json]] = []
    for block in blocks:
        if runs and not _is_result([block]) and not _is_result(runs[-1]):
            runs[-1].append(block)
        else:
            runs.append([block])
    return runs or [[]]


def _is_result(run: list[Json]) -> bool:
    if not run:
        return False
    block = as_object(run[0])
    return block.get("type") == "tool_result" and usable_id(block.get("tool_use_id")) is not None


def _user_part(block: Json, commit: EntryCommit) -> UserContent:
    entry = as_object(block)
    if entry.get("type") == "text" and isinstance(entry.get("text"), str):
        return UserContent(text=entry["text"])
    return UserContent(custom=custom_content(entry.get("type"), commit.json_text(block)))


def _assistant_part(block: Json, model: str, commit: EntryCommit) -> AssistantContent:
    entry = as_object(block)
    match entry:
        case {"type": "text", "text": str(text)}:
            return AssistantContent(text=text)
        case {"type": "thinking", "thinking": str(text), "signature": str(signature)} if signature:
            return AssistantContent(thought=Thought(signed=SignedThought(text=text, signature=signature)))
        case {"type": "thinking", "thinking": str(text)}:
            return AssistantContent(thought=Thought(simple=SimpleThought(text=text)))
        case {"type": "redacted_thinking", "data": str(data)}:
            return AssistantContent(thought=Thought(redacted=RedactedThought(data=data)))
        case {"type": "tool_use", "id": str(call_id), "name": str(name)} if name and usable_id(call_id, 200):
            parameters = commit.json_text(entry["input"]) if "input" in entry else ""
            return AssistantContent(tool_call=commit.begin_call(call_id, name, parameters, model))
        case _:
            return AssistantContent(custom=custom_content(entry.get("type"), commit.json_text(block)))


def _labels(entry: Mapping[str, Json]) -> dict[str, str]:
    labels = {label: text for key, label in _LABELS.items() if (text := as_text(entry.get(key)))}
    if entry.get("isSidechain") is True:
        labels["sidechain"] = "true"
    return labels


def _usage(value: Json) -> TokenUsage | None:
    usage = as_object(value)
    input_tokens = as_tokens(usage.get("input_tokens"))
    output_tokens = as_tokens(usage.get("output_tokens"))
    if input_tokens is None and output_tokens is None:
        return None
    return TokenUsage(input_tokens=input_tokens, output_tokens=output_tokens)
