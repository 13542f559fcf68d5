"""Rules on the values of single fields. Each raises Refusal with what is wrong and what to do."""

import json
import unicodedata
from collections.abc import Callable
from typing import Any, NoReturn

from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.contract.limits import (
    MAX_HEARTBEAT_INTERVAL_SECONDS,
    MAX_ID_BYTES,
    MAX_PAGE_SIZE,
    MAX_SEQUENCE,
)
from sessionstore.v1.event_pb2 import Event
from sessionstore.v1.session_store_service_pb2 import SessionOrder
from sessionstore.v1.tool_pb2 import ToolCallStatus

__all__ = [
    "FIELD_RULES",
    "MAX_SHOWN_CHARACTERS",
    "REQUIRED_FIELDS",
    "Refusal",
    "check_event_types",
    "check_identifier",
    "check_timestamp",
]

MAX_FILTER_TYPES = 100
MAX_PORT = 65535
MAX_SHOWN_CHARACTERS = 64
"""How much of a client's own text an error repeats: the error travels in headers, which gRPC limits to 8 KiB."""

_MIN_SECONDS = -62_135_596_800  # the year 1
_MAX_SECONDS = 253_402_300_799  # the year 9999
_MAX_NANOS = 999_999_999

_EVENT_KINDS = frozenset(field.name for field in Event.DESCRIPTOR.oneofs_by_name["kind"].fields)


class Refusal(Exception):  # noqa: N818 - it becomes InvalidFieldError once the path of the field is known
    """A value is not acceptable."""


def check_identifier(value: str) -> None:
    """An id, or a name that is used like one."""
    # Short and plain is the common case; one character has at most four bytes.
    if value.isascii() and value.isprintable() and 0 < len(value) <= MAX_ID_BYTES:
        return
    if not value:
        raise Refusal(f"must not be empty; give 1 to {MAX_ID_BYTES} bytes")
    size_bytes = len(value.encode())
    if size_bytes > MAX_ID_BYTES:
        raise Refusal(f"has {size_bytes} bytes, the limit is {MAX_ID_BYTES}; use a shorter one")
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise Refusal("holds a control character; use printable characters only")


def _check_not_empty(value: str) -> None:
    if not value:
        raise Refusal("must not be empty")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check_json(text: str) -> None:
    if not text:
        return
    try:
        # Numbers stay text: they may be longer than Python likes to convert.
        json.loads(text, parse_constant=_refuse_constant, parse_int=str, parse_float=str)
    except RecursionError:
        raise Refusal("is JSON that is nested too deeply") from None
    except ValueError as error:
        raise Refusal(f"is not valid JSON ({error}); give JSON text, or nothing") from None


def _check_sequence(value: int) -> None:
    if value > MAX_SEQUENCE:
        raise Refusal(f"is {value}, the largest is {MAX_SEQUENCE} (2^63-1); give a sequence that was answered, or none")


def _check_not_negative(value: int) -> None:
    if value < 0:
        raise Refusal(f"is {value}, must not be negative; leave it out for no limit")


def _check_page_size(value: int) -> None:
    if not 0 <= value <= MAX_PAGE_SIZE:
        raise Refusal(f"is {value}, must be 1 to {MAX_PAGE_SIZE}, or 0 for the default")


def _check_heartbeat(value: int) -> None:
    if not 0 <= value <= MAX_HEARTBEAT_INTERVAL_SECONDS:
        raise Refusal(f"is {value}, must be 1 to {MAX_HEARTBEAT_INTERVAL_SECONDS} seconds, or 0 for the default")


def _check_true(value: bool) -> None:
    if not value:
        raise Refusal("must be true when it is set; leave it out instead")


def _check_port(value: int) -> None:
    if not 1 <= value <= MAX_PORT:
        raise Refusal(f"is {value}, must be 1 to {MAX_PORT}")


def _check_session_status(value: int) -> None:
    # A status that only a newer client knows is kept.
    if value <= 0:
        raise Refusal("must be a status; leave it out instead of giving SESSION_STATUS_UNSPECIFIED")


def _check_tool_call_status(value: int) -> None:
    if value == 0 or value not in ToolCallStatus.values():
        raise Refusal(f"is {value}, must be a known status; leave it out to keep the status as it is")


def _check_order(value: int) -> None:
    if value not in SessionOrder.values():
        raise Refusal(f"is {value}, must be a known order")


def check_event_types(types: Any) -> None:
    """The types of a filter."""
    if len(types) > MAX_FILTER_TYPES:
        raise Refusal(f"names {len(types)} types, the limit is {MAX_FILTER_TYPES}; filter at the client instead")
    for value in types:
        name, colon, custom = value.partition(":")
        if colon and name == "custom":
            check_identifier(custom)
        elif value not in _EVENT_KINDS and value != "unknown":
            known = ", ".join(sorted(_EVENT_KINDS))
            raise Refusal(f"{value[:MAX_SHOWN_CHARACTERS]!r} is no event type; give one of {known}, or custom:<type>")


def check_timestamp(value: Timestamp) -> None:
    """A time in the range that protobuf allows."""
    if not _MIN_SECONDS <= value.seconds <= _MAX_SECONDS:
        raise Refusal("is not between the years 1 and 9999")
    if not 0 <= value.nanos <= _MAX_NANOS:
        raise Refusal(f"nanos is {value.nanos}, must be 0 to {_MAX_NANOS}")


FIELD_RULES: dict[str, Callable[[Any], None]] = {
    "session_id": check_identifier,
    "request_id": check_identifier,
    "message_id": check_identifier,
    "tool_call_id": check_identifier,
    "event_id": check_identifier,
    "after_sequence": _check_sequence,
    "before_sequence": _check_sequence,
    "expected_last_sequence": _check_sequence,
    "expect_no_events": _check_true,
    "from_beginning": _check_true,
    "from_now": _check_true,
    "limit": _check_not_negative,
    "offset": _check_not_negative,
    "page_size": _check_page_size,
    "heartbeat_interval_seconds": _check_heartbeat,
    "types": check_event_types,
    "ListSessionsRequest.order_by": _check_order,
    "SessionFilter.status": _check_session_status,
    "SessionUpdate.status": _check_session_status,
    "ToolCallUpdate.status": _check_tool_call_status,
    "Message.id": check_identifier,
    "Message.parent_message_id": check_identifier,
    "ToolMessage.tool_use_id": check_identifier,
    "CustomMessage.role": _check_not_empty,
    "CustomContent.type": _check_not_empty,
    "CustomEvent.type": check_identifier,
    "ToolCall.id": check_identifier,
    "ToolCall.name": _check_not_empty,
    "ToolCall.parameters_json": _check_json,
    "ToolCallStats.json_output": _check_json,
    "TcpTransport.port": _check_port,
}
"""By field, or by message and field: the rule. A bare field name holds in requests and mutations only."""

REQUIRED_FIELDS = frozenset(
    {
        "AppendMessageRequest.message",
        "CreateToolCallRequest.tool_call",
        "UpdateToolCallRequest.update",
        "UpdateSessionRequest.update",
        "AppendEventRequest.event",
        "EventAppend.event",
        "ToolMessage.result",
    }
)
"""The messages that must be there, by the message that holds them."""
