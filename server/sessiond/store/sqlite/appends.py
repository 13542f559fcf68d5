"""The mutations that carry an id: messages, tool calls and events are stored once, however often they are sent."""

import sqlite3
from typing import Protocol, TypeVar

from google.protobuf.message import DecodeError, Message

from sessiond.contract.decode_errors import check_memory
from sessiond.contract.encoded_events import encode_stored_event
from sessiond.contract.items import event_model, event_type
from sessiond.contract.limits import Limits
from sessiond.contract.timestamps import from_us
from sessiond.store.errors import AlreadyExistsError, CorruptedError, LimitReachedError
from sessiond.store.sqlite.session_rows import SessionRow
from sessiond.store.sqlite.transaction import WriteTransaction
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.error_reason_pb2 import ErrorReason
from sessionstore.v1.message_pb2 import Message as SessionMessage
from sessionstore.v1.tool_pb2 import ToolCall, ToolCallStatus

__all__ = ["AppendEvent", "AppendMessage", "CreateToolCall", "IdentifiedMutation"]

ItemT = TypeVar("ItemT", bound=Message)


class IdentifiedMutation(Protocol):
    """A mutation that can be recognized when it is repeated."""

    def find(self, transaction: WriteTransaction, row: SessionRow) -> pb.MutationResult | None:
        """The first time's result, or None. Raises AlreadyExistsError when the id stands for other content."""
        ...

    def apply(self, transaction: WriteTransaction, row: SessionRow, commit_index: int) -> pb.MutationResult:
        """Stores the item, or answers the first time's result."""
        ...


def _same(sent: ItemT, sent_bytes: bytes, stored_bytes: bytes, what: str) -> bool:
    # Both were encoded deterministically; only unknown fields may stand in another order.
    if sent_bytes == stored_bytes:
        return True
    try:
        stored = type(sent).FromString(stored_bytes)
    except DecodeError as error:
        check_memory(error)
        raise CorruptedError(what) from error
    return stored == sent


class AppendMessage:
    """Appends a message."""

    _INSERT = """
        INSERT INTO messages (session_key, sequence, id, stored_at_us, payload) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (session_key, id) DO NOTHING
    """
    _FIND = "SELECT sequence, stored_at_us, payload FROM messages WHERE session_key = ? AND id = ?"

    def __init__(self, message: SessionMessage) -> None:
        self._message = message
        self._payload = message.SerializeToString(deterministic=True)

    def find(self, transaction: WriteTransaction, row: SessionRow) -> pb.MutationResult | None:
        """See IdentifiedMutation."""
        found = transaction.connection.execute(self._FIND, (row.session_key, self._message.id)).fetchone()
        if found is None:
            return None
        sequence, stored_at_us, payload = found
        if not _same(self._message, self._payload, payload, f"message {self._message.id!r}"):
            raise AlreadyExistsError("message", self._message.id, ErrorReason.ERROR_REASON_MESSAGE_ALREADY_EXISTS)
        return _message_result(sequence, stored_at_us, already_existed=True)

    def apply(self, transaction: WriteTransaction, row: SessionRow, commit_index: int) -> pb.MutationResult:
        """See IdentifiedMutation."""
        sequence = row.next_message
        values = (row.session_key, sequence, self._message.id, transaction.now_us, self._payload)
        if not _inserted(transaction.connection, self._INSERT, values):
            return _present(self.find(transaction, row))
        row.next_message += 1
        row.message_count += 1
        transaction.changed(row)
        return _message_result(sequence, transaction.now_us, already_existed=False)


class CreateToolCall:
    """Creates a tool call that waits for approval."""

    _INSERT = """
        INSERT INTO tool_calls (session_key, id, status, kind, created_at_us, payload) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (session_key, id) DO NOTHING
    """
    _FIND = "SELECT created_at_us, payload FROM tool_calls WHERE session_key = ? AND id = ?"

    def __init__(self, tool_call: ToolCall) -> None:
        self._tool_call = tool_call
        self._payload = tool_call.SerializeToString(deterministic=True)

    def find(self, transaction: WriteTransaction, row: SessionRow) -> pb.MutationResult | None:
        """See IdentifiedMutation."""
        found = transaction.connection.execute(self._FIND, (row.session_key, self._tool_call.id)).fetchone()
        if found is None:
            return None
        created_at_us, payload = found
        if not _same(self._tool_call, self._payload, payload, f"tool call {self._tool_call.id!r}"):
            raise AlreadyExistsError("tool call", self._tool_call.id, ErrorReason.ERROR_REASON_TOOL_CALL_ALREADY_EXISTS)
        return _tool_call_result(created_at_us, already_existed=True)

    def apply(self, transaction: WriteTransaction, row: SessionRow, commit_index: int) -> pb.MutationResult:
        """See IdentifiedMutation."""
        values = (
            row.session_key,
            self._tool_call.id,
            ToolCallStatus.TOOL_CALL_STATUS_PENDING_APPROVAL,
            "external",
            transaction.now_us,
            self._payload,
        )
        if not _inserted(transaction.connection, self._INSERT, values):
            return _present(self.find(transaction, row))
        transaction.changed(row)
        return _tool_call_result(transaction.now_us, already_existed=False)


class AppendEvent:
    """Appends an event."""

    _INSERT = """
        INSERT INTO events (position, session_key, sequence, commit_index, stored_at_us, type, event_id, payload)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (session_key, event_id) WHERE event_id IS NOT NULL DO NOTHING
    """
    _FIND = "SELECT sequence, position, stored_at_us, payload FROM events WHERE session_key = ? AND event_id = ?"

    def __init__(self, append: pb.EventAppend, limits: Limits) -> None:
        self._event = append.event
        self._event_id = append.event_id if append.HasField("event_id") else None
        self._payload = append.event.SerializeToString(deterministic=True)
        self._type = event_type(append.event)
        self._model = event_model(append.event)
        self._max_events = limits.max_events_per_session

    @property
    def identified(self) -> bool:
        """Whether the writer chose an id, so that a repeat is recognized."""
        return self._event_id is not None

    def find(self, transaction: WriteTransaction, row: SessionRow) -> pb.MutationResult | None:
        """See IdentifiedMutation."""
        if self._event_id is None:
            return None
        found = transaction.connection.execute(self._FIND, (row.session_key, self._event_id)).fetchone()
        if found is None:
            return None
        sequence, position, stored_at_us, payload = found
        if not _same(self._event, self._payload, payload, f"event {sequence}"):
            raise AlreadyExistsError("event", self._event_id, ErrorReason.ERROR_REASON_EVENT_ALREADY_EXISTS)
        return _event_result(sequence, position, stored_at_us, already_existed=True)

    def apply(self, transaction: WriteTransaction, row: SessionRow, commit_index: int) -> pb.MutationResult:
        """See IdentifiedMutation. Raises LimitReachedError."""
        sequence = row.next_event
        # Sequences are dense, so that they count the events.
        if self._max_events and sequence - row.first_event >= self._max_events:
            repeated = self.find(transaction, row)
            if repeated is None:
                raise LimitReachedError.events(row.id, self._max_events)
            return repeated
        position = transaction.next_position()
        now_us = transaction.now_us
        values = (
            position,
            row.session_key,
            sequence,
            commit_index,
            now_us,
            self._type,
            self._event_id,
            self._payload,
        )
        if not _inserted(transaction.connection, self._INSERT, values):
            return _present(self.find(transaction, row))
        transaction.take_position()
        row.next_event += 1
        if self._model is not None:
            row.last_model = self._model
        transaction.changed(row)
        transaction.publish_event(
            row.session_key,
            sequence,
            commit_index,
            self._type,
            lambda: encode_stored_event(sequence, position, now_us, self._event_id, self._payload),
        )
        return _event_result(sequence, position, now_us, already_existed=False)


def _inserted(connection: sqlite3.Connection, statement: str, values: tuple[object, ...]) -> bool:
    return connection.execute(statement, values).rowcount == 1


def _present(result: pb.MutationResult | None) -> pb.MutationResult:
    if result is None:
        raise AssertionError("an insert met a row that is not there")
    return result


def _message_result(sequence: int, stored_at_us: int, *, already_existed: bool) -> pb.MutationResult:
    return pb.MutationResult(
        append_message=pb.AppendMessageResponse(
            sequence=sequence, stored_at=from_us(stored_at_us), already_existed=already_existed
        )
    )


def _tool_call_result(created_at_us: int, *, already_existed: bool) -> pb.MutationResult:
    return pb.MutationResult(
        create_tool_call=pb.CreateToolCallResponse(created_at=from_us(created_at_us), already_existed=already_existed)
    )


def _event_result(sequence: int, position: int, stored_at_us: int, *, already_existed: bool) -> pb.MutationResult:
    return pb.MutationResult(
        append_event=pb.AppendEventResponse(
            sequence=sequence,
            position=position,
            stored_at=from_us(stored_at_us),
            already_existed=already_existed,
        )
    )
