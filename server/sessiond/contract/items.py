"""What the store notes of an item beside its bytes."""

from google.protobuf.unknown_fields import UnknownFieldSet

from sessionstore.v1.event_pb2 import Event

__all__ = ["UNKNOWN_EVENT_TYPE", "event_model", "event_type"]

UNKNOWN_EVENT_TYPE = "unknown"
"""The type of an event of a kind that only a newer client knows."""

_NAMING_A_MODEL = frozenset({"message_complete", "tool_call_started", "tool_call_completed", "tool_call_failed"})


def event_type(event: Event) -> str:
    """The type of an event, for filters: its oneof field, or `custom:<type>` for a custom one.

    An event whose kind is not set must carry unknown fields, as `sessiond.contract.requests` checks.
    """
    kind = event.WhichOneof("kind")
    if kind is None:
        return UNKNOWN_EVENT_TYPE if len(UnknownFieldSet(event)) else ""
    return f"custom:{event.custom.type}" if kind == "custom" else kind


def event_model(event: Event, event_type: str) -> str | None:
    """The model that an event of a type names, or None when it is of one that names none, or leaves it empty."""
    if event_type not in _NAMING_A_MODEL:
        return None
    return getattr(event, event_type).model or None
