"""Rules on the values of single fields. Each raises Refusal with what is wrong and what to do."""

import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.contract.limits import (
    MAX_HEARTBEAT_INTERVAL_SECONDS,
    MAX_ID_BYTES,
    MAX_MODEL_BYTES,
    MAX_PAGE_SIZE,
    MAX_SEQUENCE,
)
from sessionstore.v1.event_pb2 import Event
from sessionstore.v1.session_store_service_pb2 import SessionOrder
from sessionstore.v1.tool_pb2 import ToolCallStatus

__all__ = [
    "FIELD_RULES",
    "IDENTIFIER",
    "MAX_SHOWN_CHARACTERS",
    "REQUIRED_FIELDS",
    "TIMESTAMP",
    "Refusal",
    "Rule",
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


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, as the code that the server runs and as facts from which a client can check before it sends.

    A test drives the code to both sides of each fact.
    """

    check: Callable[[Any], None]
    facts: Mapping[str, object]

    def __call__(self, value: Any) -> None:
        """Checks a value; raises Refusal."""
        self.check(value)


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


def _check_model(value: str) -> None:
    # Names are short: one of them is encoded only where it may be too long.
    if len(value) > MAX_MODEL_BYTES // 4 and (size_bytes := len(value.encode())) > MAX_MODEL_BYTES:
        raise Refusal(f"has {size_bytes} bytes, the limit is {MAX_MODEL_BYTES}; give the name of the model only")


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


IDENTIFIER = Rule(check_identifier, {"min_bytes": 1, "max_bytes": MAX_ID_BYTES, "control_characters": False})
TIMESTAMP = Rule(check_timestamp, {"earliest": "0001-01-01T00:00:00Z", "latest": "9999-12-31T23:59:59.999999999Z"})

_NOT_EMPTY = Rule(_check_not_empty, {"min_bytes": 1})
_MODEL = Rule(_check_model, {"min_bytes": 0, "max_bytes": MAX_MODEL_BYTES})
_JSON = Rule(_check_json, {"json": True, "min_bytes": 0})
_SEQUENCE = Rule(_check_sequence, {"minimum": 0, "maximum": MAX_SEQUENCE})
_NOT_NEGATIVE = Rule(_check_not_negative, {"minimum": 0})
_PAGE_SIZE = Rule(_check_page_size, {"minimum": 0, "maximum": MAX_PAGE_SIZE})
_HEARTBEAT = Rule(_check_heartbeat, {"minimum": 0, "maximum": MAX_HEARTBEAT_INTERVAL_SECONDS})
_TRUE = Rule(_check_true, {"only": [True]})
_PORT = Rule(_check_port, {"minimum": 1, "maximum": MAX_PORT})
_SESSION_STATUS = Rule(_check_session_status, {"minimum": 1})
_TOOL_CALL_STATUS = Rule(_check_tool_call_status, {"only": [v for v in ToolCallStatus.values() if v != 0]})
_ORDER = Rule(_check_order, {"only": list(SessionOrder.values())})
_EVENT_TYPES = Rule(
    check_event_types,
    {
        "max_items": MAX_FILTER_TYPES,
        "items": {"only": sorted({*_EVENT_KINDS, "unknown"}), "or_after_prefix": {"custom:": IDENTIFIER.facts}},
    },
)

FIELD_RULES: dict[str, Rule] = {
    "session_id": IDENTIFIER,
    "request_id": IDENTIFIER,
    "message_id": IDENTIFIER,
    "tool_call_id": IDENTIFIER,
    "event_id": IDENTIFIER,
    "after_sequence": _SEQUENCE,
    "before_sequence": _SEQUENCE,
    "expected_last_sequence": _SEQUENCE,
    "expect_no_events": _TRUE,
    "from_beginning": _TRUE,
    "from_now": _TRUE,
    "limit": _NOT_NEGATIVE,
    "offset": _NOT_NEGATIVE,
    "page_size": _PAGE_SIZE,
    "heartbeat_interval_seconds": _HEARTBEAT,
    "types": _EVENT_TYPES,
    "ListSessionsRequest.order_by": _ORDER,
    "SessionFilter.status": _SESSION_STATUS,
    "SessionUpdate.status": _SESSION_STATUS,
    "ToolCallUpdate.status": _TOOL_CALL_STATUS,
    "Message.id": IDENTIFIER,
    "Message.parent_message_id": IDENTIFIER,
    "ToolMessage.tool_use_id": IDENTIFIER,
    "CustomMessage.role": _NOT_EMPTY,
    "CustomContent.type": _NOT_EMPTY,
    "CustomEvent.type": IDENTIFIER,
    "MessageComplete.model": _MODEL,
    "ToolCallStarted.model": _MODEL,
    "ToolCallCompleted.model": _MODEL,
    "ToolCallFailed.model": _MODEL,
    "ToolCall.id": IDENTIFIER,
    "ToolCall.name": _NOT_EMPTY,
    "ToolCall.parameters_json": _JSON,
    "ToolCallStats.json_output": _JSON,
    "TcpTransport.port": _PORT,
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
