"""How large a request may be, item by item and as a whole."""

import pytest
from google.protobuf.message import Message as AnyMessage

from sessiond.contract.limits import Limits
from sessiond.contract.requests import check_request
from sessiond.store.errors import TooLargeError
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig
from sessionstore.v1.tool_pb2 import ToolCall, ToolCallStats
from tests.builders import append, commit, part, result, user_message

ITEM = 1000
LIMITS = Limits(max_item_bytes=ITEM, max_metadata_bytes=100, max_request_bytes=3000)


def refused(request: AnyMessage, limits: Limits = LIMITS) -> tuple[str, int, int]:
    """The field that is too large, its size and the limit."""
    with pytest.raises(TooLargeError) as caught:
        check_request(request, limits)
    error = caught.value
    assert {"field": error.field, "size_bytes": str(error.size_bytes), "limit_bytes": str(error.limit_bytes)} == (
        error.metadata
    )
    return error.field, error.size_bytes, error.limit_bytes


def singles(text: str) -> list[tuple[AnyMessage, AnyMessage, str]]:
    """A request of each kind that holds one item, the item, and the field that holds it."""
    config = SessionConfig(system_prompt=text)
    message = user_message("m", text)
    call = ToolCall(id="c", name=text)
    finish = pb.ToolCallUpdate(tool_call_id="c", result=result(text))
    fail = pb.ToolCallUpdate(tool_call_id="c", error=text)
    measure = pb.ToolCallUpdate(tool_call_id="c", stats=ToolCallStats(output=text))
    event = part(text)
    change = pb.SessionUpdate(config=config)
    return [
        (pb.CreateSessionRequest(config=config), config, "config"),
        (pb.UpdateSessionRequest(session_id="s", update=change), change, "update"),
        (pb.AppendMessageRequest(session_id="s", message=message), message, "message"),
        (pb.CreateToolCallRequest(session_id="s", tool_call=call), call, "tool_call"),
        (pb.UpdateToolCallRequest(session_id="s", update=finish), finish, "update"),
        (pb.UpdateToolCallRequest(session_id="s", update=fail), fail, "update"),
        (pb.UpdateToolCallRequest(session_id="s", update=measure), measure, "update"),
        (pb.AppendEventRequest(session_id="s", event=event), event, "event"),
        (commit("s", append(event)), event, "mutations[0].append_event"),
        (commit("s", pb.Mutation(append_message=message)), message, "mutations[0].append_message"),
        (commit("s", pb.Mutation(create_tool_call=call)), call, "mutations[0].create_tool_call"),
        (commit("s", pb.Mutation(update_tool_call=finish)), finish, "mutations[0].update_tool_call"),
        (commit("s", pb.Mutation(update_session=change)), change, "mutations[0].update_session"),
    ]


@pytest.mark.parametrize(
    "index", range(len(singles(""))), ids=[f"{field}-{i}" for i, (*_, field) in enumerate(singles(""))]
)
def test_an_item_may_be_as_large_as_the_limit(index: int) -> None:
    """Encoded; one byte more is refused with both numbers."""
    _, item, _ = singles("x" * 800)[index]
    largest = "x" * (800 + ITEM - item.ByteSize())
    request, item, field = singles(largest)[index]
    assert ITEM == item.ByteSize()
    check_request(request, LIMITS)
    request, _, _ = singles(largest + "x")[index]
    assert (field, ITEM + 1, ITEM) == refused(request)


def test_the_events_of_a_commit_are_limited_together() -> None:
    """They reach a tail in one frame; other mutations do not count."""
    third = part("x" * 300)
    check_request(commit("s", *[append(third, "an id that does not count")] * 3), LIMITS)
    check_request(commit("s", *[append(third)] * 3, pb.Mutation(append_message=user_message("m", "x" * 900))), LIMITS)
    assert ("mutations", 4 * third.ByteSize(), ITEM) == refused(commit("s", *[append(third)] * 4))


def test_a_commit_is_limited_as_a_whole() -> None:
    """Beyond its items, to what a request may hold."""
    message = pb.Mutation(append_message=user_message("m", "x" * 900))
    check_request(commit("s", *[message] * 3), LIMITS)
    too_large = commit("s", *[message] * 4)
    assert ("mutations", too_large.ByteSize(), 3000) == refused(too_large)


def test_metadata_is_limited_in_keys_and_values_together() -> None:
    """In bytes of UTF-8, at the creation and in each change."""
    fits = {"é" * 10: "x" * 40, "k": "é" * 19 + "x"}
    beyond = {**fits, "k": "é" * 20}
    check_request(pb.CreateSessionRequest(config=SessionConfig(metadata=fits)), LIMITS)
    check_request(pb.UpdateSessionRequest(session_id="s", update=pb.SessionUpdate(set_metadata=fits)), LIMITS)
    config = SessionConfig(metadata=beyond)
    assert ("config.metadata", 101, 100) == refused(pb.CreateSessionRequest(config=config))
    for field, change in (
        ("config.metadata", pb.SessionUpdate(config=config)),
        ("set_metadata", pb.SessionUpdate(set_metadata=beyond)),
    ):
        update = pb.UpdateSessionRequest(session_id="s", update=change)
        assert (f"update.{field}", 101, 100) == refused(update)
        mutation = commit("s", pb.Mutation(update_session=change))
        assert (f"mutations[0].update_session.{field}", 101, 100) == refused(mutation)


def test_what_is_too_large_is_not_looked_into() -> None:
    """Its size is told before its faults, which spares the time to find them."""
    call = ToolCall(id="", name="n", parameters_json="[" * ITEM)
    assert "tool_call" == refused(pb.CreateToolCallRequest(session_id="s", tool_call=call))[0]
    assert "mutations[0].create_tool_call" == refused(commit("", pb.Mutation(create_tool_call=call)))[0]


def test_the_default_limits_fit_an_answer_of_any_item() -> None:
    """What was accepted fits into one message of gRPC's default size, with what the store adds to it."""
    limits = Limits()
    assert limits.max_item_bytes + limits.max_metadata_bytes < 4 * 1024 * 1024
