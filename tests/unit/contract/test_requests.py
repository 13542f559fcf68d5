"""Which requests are accepted, and which field an error names."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message as AnyMessage
from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.contract.limits import Limits
from sessiond.contract.requests import check_commit, check_request
from sessiond.store.errors import InvalidFieldError
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig, Workspace
from sessionstore.v1.tool_pb2 import ToolCall
from tests.builders import append, commit, part, tool_call, user_message

LIMITS = Limits()
UNKNOWN_FIELD = b"\xa2\x06\x05newer"  # field 100, length-delimited: what a newer client might write
TOO_EARLY = Timestamp(seconds=-(2**60))


def field_of(request: AnyMessage, limits: Limits = LIMITS) -> str:
    """The field that is named when the request is refused."""
    with pytest.raises(InvalidFieldError) as caught:
        check_request(request, limits)
    assert {"field": caught.value.field} == caught.value.metadata
    assert caught.value.description
    return caught.value.field


def updating(**fields: Any) -> pb.UpdateSessionRequest:
    return pb.UpdateSessionRequest(session_id="s", update=pb.SessionUpdate(**fields))


def listing(**fields: Any) -> pb.ListSessionsRequest:
    return pb.ListSessionsRequest(filter=pb.SessionFilter(**fields))


GOOD: list[AnyMessage] = [
    pb.CreateSessionRequest(),
    pb.CreateSessionRequest(session_id="s", request_id="r", config=SessionConfig(system_prompt="", metadata={"k": ""})),
    pb.GetSessionRequest(session_id="s"),
    updating(),
    updating(config=SessionConfig(), update_mask=FieldMask(paths=["system_prompt", "tool_config.approval_policy"])),
    updating(config=SessionConfig(), update_mask=FieldMask(paths=["workspace.local.path", "metadata"])),
    updating(set_metadata={"k": ""}, delete_metadata_keys=["k"], add_approved_tools=["t"], status=99),
    pb.DeleteSessionRequest(session_id="s"),
    pb.ListSessionsRequest(),
    pb.ListSessionsRequest(limit=0, offset=0, page_size=0, order_by=pb.SessionOrder.SESSION_ORDER_MESSAGE_COUNT),
    listing(created_after=Timestamp(seconds=2), created_before=Timestamp(seconds=1), metadata={"k": ""}),
    listing(metadata={f"k{number}": "" for number in range(100)}, id_prefix="p"),
    pb.AppendMessageRequest(session_id="s", message=user_message("m")),
    pb.GetMessagesRequest(session_id="s", after_sequence=0, limit=0),
    pb.ListMessagesRequest(session_id="s", page_size=1000),
    pb.CreateToolCallRequest(session_id="s", tool_call=tool_call("c")),
    pb.CreateToolCallRequest(session_id="s", tool_call=ToolCall(id="c", name="n")),
    pb.UpdateToolCallRequest(session_id="s", update=pb.ToolCallUpdate(tool_call_id="c", error="")),
    pb.GetPendingToolCallsRequest(session_id="s"),
    pb.AppendEventRequest(session_id="s", event=part()),
    pb.AppendEventRequest(session_id="s", event=part(), event_id="e", expect_no_events=True),
    pb.GetEventsRequest(session_id="s", after_sequence=2**63 - 1, before_sequence=0, types=["custom:t"]),
    pb.DeleteEventsBeforeRequest(session_id="s"),
    pb.UpdateActiveMessageIdRequest(session_id="s"),
    pb.UpdateActiveMessageIdRequest(session_id="s", message_id="m"),
    commit("s", append(part()), expected_last_sequence=0),
    commit("s", pb.Mutation(set_active_message=pb.ActiveMessageUpdate())),
    pb.WriteRequest(commits=[pb.CommitRequest()]),
    pb.TailEventsRequest(session_id="s"),
    pb.TailEventsRequest(session_id="s", from_beginning=True, heartbeat_interval_seconds=3600),
    admin_pb.GetServerInfoRequest(),
    admin_pb.GetServerMetricsRequest(),
    admin_pb.ArchiveSessionRequest(session_id="s"),
    admin_pb.RestoreSessionRequest(session_id="s"),
    admin_pb.ListArchivesRequest(page_size=1000),
    admin_pb.DeleteArchiveRequest(session_id="s"),
]


def name_of(request: object) -> str:
    return type(request).__name__ if isinstance(request, AnyMessage) else ""


@pytest.mark.parametrize("request_", GOOD, ids=name_of)
def test_a_good_request_passes(request_: AnyMessage) -> None:
    """One, or several, of each call."""
    check_request(request_, LIMITS)


def test_every_request_of_both_services_is_among_the_good_ones() -> None:
    """So that no call was forgotten."""
    services = [service for file in (pb.DESCRIPTOR, admin_pb.DESCRIPTOR) for service in file.services_by_name.values()]
    requests = {method.input_type.name for service in services for method in service.methods}
    assert requests == {type(request).__name__ for request in GOOD}


NAMING_A_SESSION = [request for request in GOOD if "session_id" in request.DESCRIPTOR.fields_by_name]


@pytest.mark.parametrize("request_", NAMING_A_SESSION, ids=name_of)
def test_a_request_without_its_session_id_is_refused(request_: AnyMessage) -> None:
    """Wherever a request names a session; where the server may choose the id, an empty one is refused all the same."""
    copy: Any = type(request_).FromString(request_.SerializeToString())
    copy.session_id = ""
    assert "session_id" == field_of(copy)
    copy.session_id = "x" * 257
    assert "session_id" == field_of(copy)


BAD: list[tuple[AnyMessage, str]] = [
    (pb.CreateSessionRequest(request_id="a\tb"), "request_id"),
    (pb.CreateSessionRequest(config=SessionConfig(workspace=Workspace())), "config.workspace.kind"),
    (pb.CreateSessionRequest(config=SessionConfig(metadata={"x" * 257: ""})), f"config.metadata['{'x' * 64}']"),
    (pb.UpdateSessionRequest(session_id="s"), "update"),
    (updating(status=0), "update.status"),
    (updating(status=-1), "update.status"),
    (updating(config=SessionConfig(workspace=Workspace())), "update.config.workspace.kind"),
    (updating(config=SessionConfig(metadata={"": "v"})), "update.config.metadata['']"),
    (updating(set_metadata={"a\n": "v"}), "update.set_metadata['a\\n']"),
    (updating(delete_metadata_keys=["a", ""]), "update.delete_metadata_keys[1]"),
    (updating(add_approved_tools=[""]), "update.add_approved_tools[0]"),
    (updating(add_approved_bash_patterns=["a", "b", ""]), "update.add_approved_bash_patterns[2]"),
    (updating(update_mask=FieldMask(paths=["system_prompt"])), "update.update_mask"),
    (
        updating(config=SessionConfig(), update_mask=FieldMask(paths=["system_prompt", "nothing"])),
        "update.update_mask.paths[1]",
    ),
    (updating(config=SessionConfig(), update_mask=FieldMask(paths=["metadata.key"])), "update.update_mask.paths[0]"),
    (updating(config=SessionConfig(), update_mask=FieldMask(paths=[""])), "update.update_mask.paths[0]"),
    (updating(config=SessionConfig(), update_mask=FieldMask(paths=["*"])), "update.update_mask.paths[0]"),
    (pb.ListSessionsRequest(order_by=9), "order_by"),  # type: ignore[arg-type]
    (pb.ListSessionsRequest(limit=-1), "limit"),
    (pb.ListSessionsRequest(offset=-1), "offset"),
    (pb.ListSessionsRequest(page_size=1001), "page_size"),
    (listing(status=0), "filter.status"),
    (listing(updated_before=TOO_EARLY), "filter.updated_before"),
    (listing(created_after=Timestamp(nanos=-1)), "filter.created_after"),
    (listing(metadata={"": "v"}), "filter.metadata['']"),
    (listing(metadata={f"k{number}": "" for number in range(101)}), "filter.metadata"),
    (listing(id_prefix="a\x00"), "filter.id_prefix"),
    (pb.AppendMessageRequest(session_id="s"), "message"),
    (pb.GetMessagesRequest(session_id="s", after_sequence=2**63), "after_sequence"),
    (pb.GetMessagesRequest(session_id="s", limit=-1), "limit"),
    (pb.ListMessagesRequest(session_id="s", page_size=-1), "page_size"),
    (pb.CreateToolCallRequest(session_id="s"), "tool_call"),
    (pb.UpdateToolCallRequest(session_id="s"), "update"),
    (pb.UpdateToolCallRequest(session_id="s", update=pb.ToolCallUpdate()), "update.tool_call_id"),
    (pb.AppendEventRequest(session_id="s"), "event"),
    (pb.AppendEventRequest(session_id="s", event=part(), event_id=""), "event_id"),
    (pb.AppendEventRequest(session_id="s", event=part(), expect_no_events=False), "expect_no_events"),
    (pb.AppendEventRequest(session_id="s", event=part(), expected_last_sequence=2**64 - 1), "expected_last_sequence"),
    (pb.GetEventsRequest(session_id="s", before_sequence=2**63), "before_sequence"),
    (pb.GetEventsRequest(session_id="s", types=["custom:"]), "types"),
    (pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=2**63), "before_sequence"),
    (pb.UpdateActiveMessageIdRequest(session_id="s", message_id=""), "message_id"),
    (pb.TailEventsRequest(session_id="s", from_beginning=False), "from_beginning"),
    (pb.TailEventsRequest(session_id="s", from_now=False), "from_now"),
    (pb.TailEventsRequest(session_id="s", after_sequence=2**63), "after_sequence"),
    (pb.TailEventsRequest(session_id="s", heartbeat_interval_seconds=3601), "heartbeat_interval_seconds"),
    (pb.TailEventsRequest(session_id="s", types=["no"]), "types"),
    (admin_pb.ListArchivesRequest(page_size=1001), "page_size"),
    (pb.WriteRequest(), "commits"),
    (commit("s"), "mutations"),
    (commit("s", append(part()), pb.Mutation()), "mutations[1].kind"),
    (commit("s", pb.Mutation.FromString(UNKNOWN_FIELD)), "mutations[0].kind"),
    (commit("s", append(part()), expect_no_events=False), "expect_no_events"),
    (commit("s", append(part(), "")), "mutations[0].append_event.event_id"),
    (commit("s", pb.Mutation(append_event=pb.EventAppend())), "mutations[0].append_event.event"),
    (commit("s", pb.Mutation(append_message=user_message(""))), "mutations[0].append_message.id"),
    (commit("s", pb.Mutation(create_tool_call=tool_call("c", ""))), "mutations[0].create_tool_call.name"),
    (
        commit("s", pb.Mutation(update_tool_call=pb.ToolCallUpdate(tool_call_id="c", changed_at=TOO_EARLY))),
        "mutations[0].update_tool_call.changed_at",
    ),
    (
        commit("s", pb.Mutation(set_active_message=pb.ActiveMessageUpdate(message_id=""))),
        "mutations[0].set_active_message.message_id",
    ),
    (
        commit("s", append(part()), pb.Mutation(update_session=pb.SessionUpdate(delete_metadata_keys=[""]))),
        "mutations[1].update_session.delete_metadata_keys[0]",
    ),
    (commit("s", *[pb.Mutation(update_session=pb.SessionUpdate())] * 2), "mutations"),
]


@pytest.mark.parametrize(("request_", "field"), BAD, ids=[f"{name_of(request)}-{field[:40]}" for request, field in BAD])
def test_a_bad_request_is_refused_with_the_field(request_: AnyMessage, field: str) -> None:
    """By the path from the request."""
    assert field == field_of(request_)


@pytest.mark.parametrize("check", [check_request, check_commit])
def test_a_commit_is_checked_alike_alone_and_in_a_stream(check: Callable[[Any, Limits], None]) -> None:
    """The path begins at the commit."""
    check(commit("s", append(part())), LIMITS)
    with pytest.raises(InvalidFieldError, match=r"^mutations\[0\].append_event.event: must be set$"):
        check(commit("s", pb.Mutation(append_event=pb.EventAppend())), LIMITS)


def test_a_write_request_is_not_answerable_for_its_commits() -> None:
    """Each of them fails alone, later."""
    check_request(pb.WriteRequest(commits=[commit(""), commit("s", pb.Mutation())]), LIMITS)


def test_counts_are_limited() -> None:
    """Of the mutations of a commit and of the commits of a request."""
    few = Limits(max_mutations_per_commit=2, max_commits_per_request=2)
    two = commit("s", append(part()), append(part()))
    three = commit("s", *two.mutations, append(part()))
    check_request(two, few)
    assert "mutations" == field_of(three, few)
    check_request(pb.WriteRequest(commits=[two, two]), few)
    assert "commits" == field_of(pb.WriteRequest(commits=[two, two, two]), few)
