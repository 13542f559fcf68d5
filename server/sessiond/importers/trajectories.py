"""Transcripts that are one JSON object with an array of messages: SWE-agent's and mini-swe-agent's.

- The items of the array are the entries. The items of the other arrays, and the other members, lie beside them: each is
  kept raw, as a custom event `<format>/<member>`.
- Such a file names no session. The session's id is made of the messages up to the first answer of the model, which stay
  what they are while the file grows, and which tell apart two runs of one task. An answer in a demonstration is none:
  all tasks may begin with the same. (A file that has no answer yet is another session than what it grows into; one
  that ends before its answer, in the middle of something, is none.)
- There are no ids of messages and no parents; the order is the order.
- Calls of tools are written as OpenAI's API writes them. Ids of calls repeat, even inside one session: a result
  belongs to the oldest call of its id that has none. The second call of an id is stored as `<id>#2`, and so on.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.importers.chat_parts import assistant_part, custom_role, parameters_text, system_message, user_part
from sessiond.importers.dialects import Dialect, TranscriptFormat
from sessiond.importers.entry_commits import EntryCommit, custom_content
from sessiond.importers.entry_json import InvalidEntryError, Json, parse_entry
from sessiond.importers.identifiers import content_id, usable_id
from sessiond.importers.json_members import TornFileError, read_members
from sessiond.importers.raw_entries import RawEntry
from sessiond.importers.values import as_object, as_text, text_of_blocks
from sessionstore.v1.event_pb2 import TokenUsage
from sessionstore.v1.message_pb2 import AssistantContent, AssistantMessage, Message, UserMessage

__all__ = ["TrajectoryDialect", "TrajectoryFormat", "read_task"]

_MAX_HEAD_ENTRIES = 20
_MAX_TASK_BYTES = 8 * 1024 * 1024


class TrajectoryFormat(TranscriptFormat):
    """A format whose files are one JSON object."""

    def read(self, path: Path) -> Iterator[RawEntry]:
        """See TranscriptFormat."""
        return read_members(path)

    @abstractmethod
    def new_dialect(self) -> "TrajectoryDialect":
        """See TranscriptFormat."""

    def session_id(self, path: Path) -> str:
        """The id of the session; see the module."""
        return f"{self.name}-{content_id(*self._head(path), *self.run_marks(path))}"

    def run_marks(self, path: Path) -> Iterator[bytes]:
        """What else tells apart two runs whose messages begin alike, and is there once the first answer is."""
        return iter(())

    def _head(self, path: Path) -> Iterator[bytes]:
        dialect = self.new_dialect()
        own_entries = 0
        for entry in read_members(path):
            if entry.error is not None:
                # Of a part of them the id would be another one, and of none the same for all files.
                raise TornFileError(f"ends before the first answer of the model: {entry.error}")
            if entry.member != self.messages_member:
                continue
            if own_entries == _MAX_HEAD_ENTRIES:
                return
            try:
                value = parse_entry(entry.data).value
            except InvalidEntryError:
                value = None
            yield dialect.identity(value, entry.data)
            if not dialect.is_demonstration(as_object(value)):
                own_entries += 1
                if dialect.is_answer(as_object(value)):
                    return


def read_task(path: Path, members: frozenset[str]) -> dict[str, Json]:
    """The members of these names that lie beside the messages and say which task the agent was given."""
    task: dict[str, Json] = {}
    for entry in read_members(path):
        if entry.member in members and entry.index is None and 0 < len(entry.data) <= _MAX_TASK_BYTES:
            try:
                task[entry.member] = parse_entry(entry.data).value
            except InvalidEntryError:
                continue
            if len(task) == len(members):
                break
    return task


class TrajectoryDialect(Dialect):
    """Understands messages as chat APIs write them."""

    def entry_id(self, value: Json) -> str | None:
        """See Dialect."""
        return None

    def raw_kind(self, value: Json) -> tuple[Json, ...]:
        """See Dialect."""
        return ("message",)

    def timestamp(self, value: Json) -> Timestamp | None:
        """See Dialect."""
        return None

    def is_answer(self, entry: Mapping[str, Json]) -> bool:
        """Whether the model says this."""
        return entry.get("role") == "assistant"

    def is_demonstration(self, entry: Mapping[str, Json]) -> bool:
        """Whether this was shown to the model, and is no part of the run."""
        return False

    @abstractmethod
    def result_call_ids(self, entry: Mapping[str, Json]) -> list[str]:
        """The ids of the calls that a message of the role `tool` is the result of."""

    def error(self, entry: Mapping[str, Json]) -> str | None:
        """The error of the tool in a message of the role `tool`, when it is told apart from the content."""
        return None

    def model(self, entry: Mapping[str, Json]) -> str:
        """The model that wrote a message of the role `assistant`; empty when the message does not say."""
        return ""

    def usage(self, entry: Mapping[str, Json]) -> TokenUsage | None:
        """The tokens of a message of the role `assistant`; None when the message does not say."""
        return None

    def labels(self, entry: Mapping[str, Json]) -> dict[str, str]:
        """The labels of a message's event."""
        return {}

    def translate(self, value: Json, message_id: str, commit: EntryCommit) -> None:
        """See Dialect."""
        entry = as_object(value)
        role = entry.get("role")
        content = entry.get("content")
        if content is None and role == "assistant":
            content = []
        if not isinstance(role, str) or not role or not isinstance(content, str | list):
            return
        call_ids = self.result_call_ids(entry) if role == "tool" else []
        if call_ids:
            payload = text_of_blocks(content, commit)
            for number, call_id in enumerate(call_ids, 1):
                # Not `#`: so the second entry of the same content is told apart.
                piece_id = message_id if number == len(call_ids) else f"{message_id}/{number}"
                commit.add_result(piece_id, None, call_id, payload, error=self.error(entry))
            return
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        message = Message(id=message_id, timestamp=self.timestamp(entry))
        labels = self.labels(entry)
        match role:
            case "user":
                message.user.CopyFrom(UserMessage(content=[user_part(block, commit) for block in blocks]))
            case "assistant":
                model = self.model(entry)
                parts = [assistant_part(block, commit) for block in blocks if block != {"type": "text", "text": ""}]
                parts += self._calls(entry, model, commit)
                message.assistant.CopyFrom(AssistantMessage(content=parts))
                commit.add_message(message, model=model, usage=self.usage(entry), labels=labels)
                return
            case "system" if (system := system_message(content)) is not None:
                message.system.CopyFrom(system)
            case _:
                message.custom.CopyFrom(custom_role(role, content, commit))
        commit.add_message(message, labels=labels)

    def _calls(self, entry: Mapping[str, Json], model: str, commit: EntryCommit) -> Iterator[AssistantContent]:
        calls = entry.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            function = as_object(as_object(call).get("function"))
            name = as_text(function.get("name"))
            call_id = usable_id(as_object(call).get("id"), 200)
            if not name or call_id is None:
                yield AssistantContent(custom=custom_content("tool_call", commit.json_text(call)))
                continue
            parameters = parameters_text(function.get("arguments"), commit)
            yield AssistantContent(tool_call=commit.begin_call(call_id, name, parameters, model))
