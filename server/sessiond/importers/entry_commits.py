"""Collects what one entry becomes, and makes one commit of it.

Every id is made of the entry's own base id, so that importing the entry again repeats the same commit.

A message is announced by `message_complete`. The message that holds a tool's result is announced by
`tool_call_completed` or `tool_call_failed` instead, whose metadata names the message: announcing it twice would store
the result once more. Only a result that belongs to no open call is announced as a message.
"""

from collections.abc import Mapping

from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.importers.entry_json import Json, ParsedEntry, dump_json
from sessiond.importers.remainders import describe_raw, describe_remainder
from sessiond.importers.tool_calls import CallLedger, OpenCall
from sessionstore.v1.event_pb2 import (
    CustomEvent,
    Event,
    MessageComplete,
    TokenUsage,
    ToolCallCompleted,
    ToolCallFailed,
    ToolCallStarted,
)
from sessionstore.v1.message_pb2 import CustomContent, Message, ToolMessage
from sessionstore.v1.session_store_service_pb2 import CommitRequest, EventAppend, Mutation, ToolCallUpdate
from sessionstore.v1.tool_pb2 import ExecutionError, ExternalResult, ToolCall, ToolCallStatus, ToolError, ToolResult

__all__ = ["JSON_MEDIA_TYPE", "EntryCommit", "custom_content", "custom_event"]

JSON_MEDIA_TYPE = "application/json"
BYTES_MEDIA_TYPE = "application/octet-stream"


class EntryCommit:
    """What one entry becomes.

    Attributes:
        messages: The messages, in order.
    """

    def __init__(self, *, session_id: str, base_id: str, timestamp: Timestamp | None, calls: CallLedger) -> None:
        self.messages: list[Message] = []
        self._session_id = session_id
        self._base_id = base_id
        self._timestamp = timestamp
        self._calls = calls
        self._mutations: list[Mutation] = []
        self._documents: dict[int, str] = {}
        self._event_numbers: dict[str, int] = {}
        self._begun: list[tuple[str, OpenCall]] = []
        self._ended: list[tuple[OpenCall, bool]] = []

    def json_text(self, value: Json) -> str:
        """The text of a JSON object or array of the entry, noting that a message holds it."""
        text = dump_json(value)
        if isinstance(value, dict | list):
            self._documents[id(value)] = text
        return text

    def begin_call(self, transcript_id: str, name: str, parameters_json: str, model: str) -> ToolCall:
        """Notes a tool call, to be put into a message; `start_calls` stores it."""
        call = self._calls.open(transcript_id, name, model)
        self._begun.append((transcript_id, call))
        return ToolCall(id=call.id, name=name, parameters_json=parameters_json)

    def add_message(
        self,
        message: Message,
        *,
        model: str = "",
        usage: TokenUsage | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Stores a message, says that it is complete, and starts the tool calls in it."""
        self._append(message)
        complete = MessageComplete(message=message, model=model, metadata=dict(labels or {}), usage=usage)
        self._add_event("complete", Event(message_complete=complete))
        if message.WhichOneof("role") == "assistant":
            for part in message.assistant.content:
                if part.WhichOneof("kind") == "tool_call":
                    self._start(part.tool_call, model)

    def add_result(
        self,
        message_id: str,
        parent_id: str | None,
        transcript_call_id: str,
        payload: str,
        *,
        failed: bool = False,
        error: str | None = None,
    ) -> None:
        """Stores the result of a tool as a message and ends its call.

        Args:
            message_id: The id of the message.
            parent_id: The id of the message before it, where the transcript names one.
            transcript_call_id: The id of the call, as the transcript writes it.
            payload: The result, as the tool gave it.
            failed: Whether the payload is the text of an error.
            error: The text of the error, where the transcript tells it apart from the payload.
        """
        call = self._calls.close(transcript_call_id)
        name = "" if call is None else call.name
        result = ToolResult(external=ExternalResult(tool_name=name, payload=payload))
        if failed:
            result = ToolResult(error=ToolError(execution=ExecutionError(tool_name=name, message=payload)))
        tool = ToolMessage(tool_use_id=transcript_call_id if call is None else call.id, result=result)
        message = Message(id=message_id, parent_message_id=parent_id, timestamp=self._timestamp, tool=tool)
        if call is None:
            self.add_message(message)
            return
        self._append(message)
        if failed and error is None:
            error = payload
        self.end_call(call, None if failed else result, error=error, message_id=message_id)

    def end_call(
        self, call: OpenCall, result: ToolResult | None, *, error: str | None = None, message_id: str = ""
    ) -> None:
        """Ends a tool call, with an error when there is one, and tells so."""
        self._ended.append((call, error is not None))
        labels = {"message_id": message_id} if message_id else {}
        if error is None:
            update = self._update(call.id, ToolCallStatus.TOOL_CALL_STATUS_COMPLETED)
            completed = ToolCallCompleted(tool_call_id=call.id, result=result, metadata=labels, model=call.model)
            event = Event(tool_call_completed=completed)
        else:
            update = self._update(call.id, ToolCallStatus.TOOL_CALL_STATUS_FAILED)
            update.error = error
            failed = ToolCallFailed(tool_call_id=call.id, error=error, metadata=labels, model=call.model)
            event = Event(tool_call_failed=failed)
        if result is not None:
            update.result.CopyFrom(result)
        self._mutations.append(Mutation(update_tool_call=update))
        self._add_event("ended", event)

    def end_begun_calls(self, result: ToolResult) -> None:
        """Ends the calls of this entry, for which no result can follow."""
        for transcript_id, call in self._begun:
            self._calls.withdraw(transcript_id, call)
            self.end_call(call, result)

    def add_remainder(self, event_type: str, parsed: ParsedEntry, raw: bytes, version: str = "") -> None:
        """Keeps what the entry says beyond its messages; see `sessiond.importers.remainders`.

        Args:
            event_type: The type of the custom event.
            parsed: The entry.
            raw: Its bytes.
            version: What tells these bytes from others that the agent writes for the same entry; empty when it
                writes it once.
        """
        if parsed.is_exact:
            data = describe_remainder(parsed.value, self.messages, self._documents)
        else:
            data = describe_raw(raw, self.messages)
        name = f"entry/{version}" if version else "entry"
        self._add_event(name, custom_event(event_type, data, self._timestamp))

    def add_raw(self, event_type: str, data: bytes) -> None:
        """Keeps the bytes of the entry."""
        self._add_event("raw", custom_event(event_type, data, self._timestamp))

    def add_fragment(self, event_type: str, data: bytes) -> None:
        """Keeps some of the bytes of the entry."""
        self._add_event("fragment", custom_event(event_type, data, self._timestamp, BYTES_MEDIA_TYPE))

    def reduced(self) -> "EntryCommit":
        """The commit of an entry that cannot be stored as what it is, before its bytes are added.

        Its calls are not begun; the calls that it ends are ended, with a result or an error that is empty.
        """
        begun = [call for _, call in self._begun]
        ended = [call for call, _ in self._ended]
        for transcript_id, call in self._begun:
            if call not in ended:
                self._calls.withdraw(transcript_id, call)
        commit = EntryCommit(
            session_id=self._session_id, base_id=self._base_id, timestamp=self._timestamp, calls=self._calls
        )
        for call, has_failed in self._ended:
            if call not in begun:
                result = ToolResult(external=ExternalResult(tool_name=call.name))
                commit.end_call(call, None if has_failed else result, error="" if has_failed else None)
        return commit

    def further(self) -> "EntryCommit":
        """One more commit of the same entry, which goes on where this one ends."""
        commit = EntryCommit(
            session_id=self._session_id, base_id=self._base_id, timestamp=self._timestamp, calls=self._calls
        )
        commit._event_numbers = self._event_numbers
        return commit

    def as_request(self) -> CommitRequest:
        """The commit."""
        return CommitRequest(session_id=self._session_id, mutations=self._mutations)

    def cut(self) -> CommitRequest:
        """The commit so far; what is added from here on is one more commit, of the same messages."""
        request = self.as_request()
        self._mutations = []
        return request

    def _append(self, message: Message) -> None:
        self.messages.append(message)
        self._mutations.append(Mutation(append_message=message))

    def _start(self, call: ToolCall, model: str) -> None:
        self._mutations.append(Mutation(create_tool_call=call))
        executing = self._update(call.id, ToolCallStatus.TOOL_CALL_STATUS_EXECUTING)
        self._mutations.append(Mutation(update_tool_call=executing))
        self._add_event("started", Event(tool_call_started=ToolCallStarted(tool_call=call, model=model)))

    def _update(self, call_id: str, status: ToolCallStatus) -> ToolCallUpdate:
        return ToolCallUpdate(tool_call_id=call_id, status=status, changed_at=self._timestamp)

    def _add_event(self, name: str, event: Event) -> None:
        if self._timestamp is not None:
            event.timestamp.CopyFrom(self._timestamp)
        number = self._event_numbers.get(name, 0) + 1
        self._event_numbers[name] = number
        event_id = f"{self._base_id}/{name}" if number == 1 else f"{self._base_id}/{name}/{number}"
        self._mutations.append(Mutation(append_event=EventAppend(event=event, event_id=event_id)))


def custom_event(
    event_type: str, data: bytes, timestamp: Timestamp | None, content_type: str = JSON_MEDIA_TYPE
) -> Event:
    """An event that holds bytes of the transcript."""
    return Event(timestamp=timestamp, custom=CustomEvent(type=event_type, content_type=content_type, data=data))


def custom_content(block_type: Json, text: str) -> CustomContent:
    """A part of a message that has no type of its own; `text` is its JSON."""
    name = block_type if isinstance(block_type, str) and block_type else "unknown"
    return CustomContent(type=name, content_type=JSON_MEDIA_TYPE, data=text.encode())
