"""What the store notes of an event beside its bytes."""

import pytest

from sessiond.contract.items import event_model, event_type
from sessionstore.v1.event_pb2 import (
    ErrorEvent,
    Event,
    MessageComplete,
    ToolApprovalRequired,
    ToolCallCompleted,
    ToolCallFailed,
    ToolCallStarted,
    WorkspaceChanged,
)
from tests.builders import custom, part

UNKNOWN_KIND = b"\xa2\x06\x05newer"  # field 100: a kind that only a newer client knows


def test_the_type_of_an_event_is_its_field() -> None:
    """By its oneof name, and a custom one with the writer's own type."""
    assert "message_part" == event_type(part())
    assert "workspace_changed" == event_type(Event(workspace_changed=WorkspaceChanged()))
    assert "error" == event_type(Event(error=ErrorEvent(message="x")))
    assert "custom:note:a" == event_type(custom("note:a"))


def test_an_event_of_a_newer_client_is_unknown() -> None:
    """Its kind is in fields that this server does not know."""
    assert "unknown" == event_type(Event.FromString(UNKNOWN_KIND))
    assert "" == event_type(Event())


def test_a_known_kind_with_unknown_fields_keeps_its_type() -> None:
    """What a newer client adds does not change what is known."""
    event = part()
    event.MergeFromString(UNKNOWN_KIND)
    assert "message_part" == event_type(event)


@pytest.mark.parametrize(
    "event",
    [
        Event(message_complete=MessageComplete(model="a/b")),
        Event(tool_call_started=ToolCallStarted(model="a/b")),
        Event(tool_call_completed=ToolCallCompleted(model="a/b")),
        Event(tool_call_failed=ToolCallFailed(model="a/b")),
    ],
    ids=event_type,
)
def test_four_kinds_of_events_name_a_model(event: Event) -> None:
    """An empty name is none."""
    assert "a/b" == event_model(event, event_type(event))
    getattr(event, event_type(event)).model = ""
    assert None is event_model(event, event_type(event))


@pytest.mark.parametrize(
    "event",
    [part(), custom("model"), Event(tool_approval_required=ToolApprovalRequired()), Event(), Event(error=ErrorEvent())],
    ids=["part", "custom", "approval", "unset", "error"],
)
def test_other_events_name_no_model(event: Event) -> None:
    """They leave the session's last model alone."""
    assert None is event_model(event, event_type(event))
