"""The mutations that carry an id: messages, tool calls and events are stored once, however often they are sent."""

import sqlite3
from typing import NoReturn, Protocol, TypeVar

from google.protobuf.message import DecodeError, Message

from sessiond.contract.decode_errors import check_memory
from sessiond.contract.encoded_events import encode_stored_event
from sessiond.contract.items import event_model, event_type
from sessiond.contract.limits import Limits
from sessiond.contract.timestamps import set_us
from sessiond.store.errors import AlreadyExistsError, CorruptedError, LimitReachedError
from sessiond.store.sqlite.checksums import checksum, event_checksum
from sessiond.store.sqlite.errors import reading
from sessiond.store.sqlite.event_index import COLUMNS
from sessiond.store.sqlite.newest_ids import NewestIds, add_newest
from sessiond.store.sqlite.session_rows import SessionRow, is_beyond
from sessiond.store.sqlite.tool_call_rows import TOOL_CALL_COLUMNS, ToolCallRow
from sessiond.store.sqlite.transaction import WriteTransaction
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.error_reason_pb2 import ErrorReason
from sessionstore.v1.message_pb2 import Message as SessionMessage
from sessionstore.v1.tool_pb2 import ToolCall, ToolCallStatus

__all__ = ["AppendEvent", "AppendMessage", "CreateToolCall", "IdentifiedMutation"]

ItemT = TypeVar("ItemT", bound=Message)


class IdentifiedMutation(Protocol):
    """A mutation that can be recognized when it is repeated.

    Results are filled in where they belong: to make one and copy it would cost more than all else here.

    Attributes:
        size_bytes: How large the item is, as it is stored.
    """

    size_bytes: int

    def find(self, transaction: WriteTransaction, row: SessionRow, result: pb.MutationResult) -> bool:
        """Whether the item is stored, with the first time's result.

        Raises AlreadyExistsError when the id stands for other content.
        """
        ...

    def apply(
        self, transaction: WriteTransaction, row: SessionRow, result: pb.MutationResult, commit_index: int
    ) -> bool:
        """Stores the item, or finds it. Whether it was stored already.

        `commit_index` is the number of events of the same commit before it.
        """
        ...


def _same(sent: ItemT, sent_bytes: bytes, stored_bytes: bytes, what: str) -> bool:
    # Both were encoded deterministically; only unknown fields may stand in another order.
    if sent_bytes == stored_bytes:
        return True
    try:
        with reading():
            stored = type(sent).FromString(stored_bytes)
    except DecodeError as error:
        check_memory(error)
        raise CorruptedError(what) from error
    return stored == sent


class AppendMessage:
    """Appends a message."""

    _INSERT = """
        INSERT INTO messages (session_key, sequence, id, stored_at_us, payload, checksum) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (session_key, id) DO NOTHING
    """
    _FIND = "SELECT sequence, stored_at_us, payload, checksum FROM messages WHERE session_key = ? AND id = ?"

    def __init__(self, message: SessionMessage, limits: Limits) -> None:
        self._message = message
        self._limits = limits
        self._payload = message.SerializeToString(deterministic=True)
        self.size_bytes = len(self._payload)

    def find(self, transaction: WriteTransaction, row: SessionRow, result: pb.MutationResult) -> bool:
        """See IdentifiedMutation."""
        found = transaction.connection.execute(self._FIND, (row.session_key, self._message.id)).fetchone()
        if found is None:
            _check_new(self._message.id, transaction.newest_messages(row), "messages")
            return False
        sequence, stored_at_us, payload, stored = found
        with reading():
            total = checksum((row.session_key, sequence, self._message.id, stored_at_us), payload)
        if stored != total:
            raise CorruptedError(f"message {sequence} of session {row.id!r}")
        if not _same(self._message, self._payload, payload, f"message {self._message.id!r}"):
            raise AlreadyExistsError("message", self._message.id, ErrorReason.ERROR_REASON_MESSAGE_ALREADY_EXISTS)
        self._answer(result, sequence, stored_at_us, already_existed=True)
        return True

    def apply(
        self, transaction: WriteTransaction, row: SessionRow, result: pb.MutationResult, commit_index: int
    ) -> bool:
        """See IdentifiedMutation. Raises LimitReachedError."""
        newest = transaction.newest_messages(row)
        if self._message.id in newest:
            return _found(self.find(transaction, row, result))
        if is_beyond(row, len(self._payload), self._limits):
            return self.find(transaction, row, result) or _refuse_beyond(row, self._limits)
        sequence = row.next_message
        values = (row.session_key, sequence, self._message.id, transaction.now_us)
        stored = (*values, self._payload, checksum(values, self._payload))
        if not _inserted(transaction.connection, self._INSERT, stored):
            return _found(self.find(transaction, row, result))
        row.next_message += 1
        row.message_count += 1
        row.stored_bytes += len(self._payload)
        transaction.changed(row)
        add_newest(newest, self._message.id)
        self._answer(result, sequence, transaction.now_us, already_existed=False)
        return False

    def _answer(self, result: pb.MutationResult, sequence: int, stored_at_us: int, *, already_existed: bool) -> None:
        answer = result.append_message
        answer.sequence = sequence
        set_us(answer.stored_at, stored_at_us)
        answer.already_existed = already_existed


class CreateToolCall:
    """Creates a tool call that waits for approval."""

    _INSERT = """
        INSERT INTO tool_calls (session_key, id, status, kind, created_at_us, payload, checksum)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (session_key, id) DO NOTHING
    """
    _FIND = f"SELECT {TOOL_CALL_COLUMNS} FROM tool_calls WHERE session_key = ? AND id = ?"  # noqa: S608 - our own names

    def __init__(self, tool_call: ToolCall, limits: Limits) -> None:
        self._tool_call = tool_call
        self._limits = limits
        self._payload = tool_call.SerializeToString(deterministic=True)
        self.size_bytes = len(self._payload)

    def find(self, transaction: WriteTransaction, row: SessionRow, result: pb.MutationResult) -> bool:
        """See IdentifiedMutation."""
        found = transaction.connection.execute(self._FIND, (row.session_key, self._tool_call.id)).fetchone()
        if found is None:
            _check_new(self._tool_call.id, transaction.newest_tool_calls(row), "tool calls")
            return False
        stored = ToolCallRow.of(row.session_key, found)
        if not _same(self._tool_call, self._payload, stored.payload, f"tool call {self._tool_call.id!r}"):
            raise AlreadyExistsError("tool call", self._tool_call.id, ErrorReason.ERROR_REASON_TOOL_CALL_ALREADY_EXISTS)
        self._answer(result, stored.created_at_us, already_existed=True)
        return True

    def apply(
        self, transaction: WriteTransaction, row: SessionRow, result: pb.MutationResult, commit_index: int
    ) -> bool:
        """See IdentifiedMutation. Raises LimitReachedError."""
        newest = transaction.newest_tool_calls(row)
        if self._tool_call.id in newest:
            return _found(self.find(transaction, row, result))
        if is_beyond(row, len(self._payload), self._limits):
            return self.find(transaction, row, result) or _refuse_beyond(row, self._limits)
        status, now_us = ToolCallStatus.TOOL_CALL_STATUS_PENDING_APPROVAL, transaction.now_us
        new = ToolCallRow(
            0, self._tool_call.id, status, "external", now_us, None, None, self._payload, None, None, None, None
        )
        values = (row.session_key, new.id, status, new.kind, now_us, self._payload, new.sum_now(row.session_key))
        if not _inserted(transaction.connection, self._INSERT, values):
            return _found(self.find(transaction, row, result))
        row.stored_bytes += len(self._payload)
        row.tool_calls += 1
        row.unfinished_tool_calls += 1
        transaction.changed(row)
        add_newest(newest, self._tool_call.id)
        self._answer(result, transaction.now_us, already_existed=False)
        return False

    def _answer(self, result: pb.MutationResult, created_at_us: int, *, already_existed: bool) -> None:
        answer = result.create_tool_call
        set_us(answer.created_at, created_at_us)
        answer.already_existed = already_existed


class AppendEvent:
    """Appends an event."""

    _READ = f"SELECT {COLUMNS} FROM events WHERE session_key = ? AND sequence = ?"  # noqa: S608 - our own names

    def __init__(self, append: pb.EventAppend | pb.AppendEventRequest, limits: Limits) -> None:
        self._event = append.event
        self.event_id = append.event_id if append.HasField("event_id") else None
        """What the writer chose, so that a repeat is recognized."""
        self._payload = append.event.SerializeToString(deterministic=True)
        self.size_bytes = len(self._payload)
        self._type = event_type(append.event)
        self._model = event_model(append.event, self._type)
        self._limits = limits

    def find(self, transaction: WriteTransaction, row: SessionRow, result: pb.MutationResult) -> bool:
        """See IdentifiedMutation."""
        if self.event_id is None:
            return False
        sequence = transaction.find_event(row, self.event_id)
        if sequence is None:
            return False
        found = transaction.connection.execute(self._READ, (row.session_key, sequence)).fetchone()
        if found is None:
            raise CorruptedError(f"event {sequence}")
        position, _, commit_index, stored_at_us, kind, event_id, payload, stored = found
        with reading():
            total = event_checksum(
                position, row.session_key, sequence, commit_index, stored_at_us, kind, self.event_id, payload
            )
        if event_id != self.event_id or stored != total:
            raise CorruptedError(f"event {sequence}")
        if not _same(self._event, self._payload, payload, f"event {sequence}"):
            raise AlreadyExistsError("event", self.event_id, ErrorReason.ERROR_REASON_EVENT_ALREADY_EXISTS)
        self._answer(result, sequence, position, stored_at_us, already_existed=True)
        return True

    def apply(
        self, transaction: WriteTransaction, row: SessionRow, result: pb.MutationResult, commit_index: int
    ) -> bool:
        """See IdentifiedMutation. Raises LimitReachedError."""
        if self.find(transaction, row, result):
            return True
        sequence = row.next_event
        # Sequences are dense, so that they count the events.
        if 0 < self._limits.max_events_per_session <= sequence - row.first_event:
            raise LimitReachedError.events(row.id, self._limits.max_events_per_session)
        if is_beyond(row, len(self._payload), self._limits):
            _refuse_beyond(row, self._limits)
        position = transaction.take_position()
        now_us = transaction.now_us
        transaction.insert_event(
            (position, row.session_key, sequence, commit_index, now_us, self._type, self.event_id, self._payload)
        )
        row.next_event += 1
        row.stored_bytes += len(self._payload)
        if self._model is not None:
            row.last_model = self._model
        transaction.changed(row)
        transaction.publish_event(
            row.session_key,
            sequence,
            commit_index,
            self._type,
            lambda: encode_stored_event(sequence, position, now_us, self.event_id, self._payload),
        )
        self._answer(result, sequence, position, now_us, already_existed=False)
        return False

    def _answer(
        self, result: pb.MutationResult, sequence: int, position: int, stored_at_us: int, *, already_existed: bool
    ) -> None:
        answer = result.append_event
        answer.sequence = sequence
        answer.position = position
        set_us(answer.stored_at, stored_at_us)
        answer.already_existed = already_existed


def _inserted(connection: sqlite3.Connection, statement: str, values: tuple[object, ...]) -> bool:
    return connection.execute(statement, values).rowcount == 1


def _refuse_beyond(row: SessionRow, limits: Limits) -> NoReturn:
    raise LimitReachedError.size(row.id, limits.max_bytes_per_session)


def _check_new(item_id: str, newest: NewestIds, what: str) -> None:
    """Raises CorruptedError when the index by id did not find what is stored."""
    if item_id in newest:
        raise CorruptedError(f"the index of {what} by id")


def _found(found: bool) -> bool:
    if not found:
        raise AssertionError("an insert met a row that is not there")
    return True
