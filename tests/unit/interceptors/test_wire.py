"""The search for text that is not UTF-8, on good bytes, on bad ones and on hostile ones."""

import random
from typing import cast

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError

from sessiond.interceptors.wire import find_invalid_text
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import Event, MessageComplete, ToolCallStarted
from sessionstore.v1.message_pb2 import (
    AssistantContent,
    AssistantMessage,
    CustomContent,
    Message,
    UserContent,
    UserMessage,
)
from sessionstore.v1.session_pb2 import SessionConfig
from sessionstore.v1.tool_pb2 import ToolCall
from tests.builders import append, commit, custom, part

COMMIT = cast("Descriptor", pb.CommitRequest.DESCRIPTOR)
APPEND_EVENT = cast("Descriptor", pb.AppendEventRequest.DESCRIPTOR)
APPEND_MESSAGE = cast("Descriptor", pb.AppendMessageRequest.DESCRIPTOR)
CREATE_SESSION = cast("Descriptor", pb.CreateSessionRequest.DESCRIPTOR)
GET_EVENTS = cast("Descriptor", pb.GetEventsRequest.DESCRIPTOR)

MARK = b"MARK"
INVALID = b"\xff\xfe\xfd\xfc"


def length_delimited(number: int, content: bytes) -> bytes:
    """A field of wire type 2, of a small number and less than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


MARKED = [
    (GET_EVENTS, pb.GetEventsRequest(session_id="MARK"), "session_id"),
    (GET_EVENTS, pb.GetEventsRequest(session_id="s", types=["error", "custom", "MARK"]), "types[2]"),
    (APPEND_EVENT, pb.AppendEventRequest(session_id="s", event=part(), event_id="MARK"), "event_id"),
    (APPEND_EVENT, pb.AppendEventRequest(session_id="s", event=part("MARK")), "event.message_part.content"),
    (
        APPEND_EVENT,
        pb.AppendEventRequest(event=Event(tool_call_started=ToolCallStarted(tool_call=ToolCall(name="MARK")))),
        "event.tool_call_started.tool_call.name",
    ),
    (
        APPEND_EVENT,
        pb.AppendEventRequest(event=Event(message_complete=MessageComplete(metadata={"a": "MARK"}))),
        "event.message_complete.metadata[0].value",
    ),
    (
        APPEND_MESSAGE,
        pb.AppendMessageRequest(
            message=Message(user=UserMessage(content=[UserContent(text=t) for t in ("a", "MARK")]))
        ),
        "message.user.content[1].text",
    ),
    (
        APPEND_MESSAGE,
        pb.AppendMessageRequest(
            message=Message(
                assistant=AssistantMessage(content=[AssistantContent(custom=CustomContent(content_type="MARK"))])
            )
        ),
        "message.assistant.content[0].custom.content_type",
    ),
    (
        CREATE_SESSION,
        pb.CreateSessionRequest(config=SessionConfig(metadata={"MARK": "v"})),
        "config.metadata[0].key",
    ),
    (
        COMMIT,
        commit("s", append(part("a")), append(part("b")), append(part("MARK"), "e")),
        "mutations[2].append_event.event.message_part.content",
    ),
]


@pytest.mark.parametrize(("descriptor", "request_", "path"), MARKED, ids=[path for _, _, path in MARKED])
def test_the_path_of_invalid_text_is_found(descriptor: Descriptor, request_: pb.CommitRequest, path: str) -> None:
    """In fields, lists, oneofs, maps and messages within messages; the same bytes with valid text have no such path."""
    data = request_.SerializeToString()
    assert None is find_invalid_text(descriptor, data)
    broken = data.replace(MARK, INVALID)
    with pytest.raises(DecodeError):
        type(request_).FromString(broken)
    assert path == find_invalid_text(descriptor, broken)


def test_the_first_of_several_is_named() -> None:
    """In the order of the bytes."""
    data = length_delimited(5, b"ok") + length_delimited(5, INVALID) + length_delimited(1, INVALID)
    assert "types[1]" == find_invalid_text(GET_EVENTS, data)


@pytest.mark.parametrize(
    "text",
    [b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80"],
    ids=["surrogate", "overlong", "beyond-unicode", "cut-short", "lone-continuation"],
)
def test_what_protobuf_refuses_is_found(text: bytes) -> None:
    """Both agree on what UTF-8 is."""
    data = length_delimited(1, text)
    with pytest.raises(DecodeError):
        pb.GetEventsRequest.FromString(data)
    assert "session_id" == find_invalid_text(GET_EVENTS, data)


def test_bytes_need_not_be_text() -> None:
    """A field of bytes is not looked at."""
    request = pb.AppendEventRequest(session_id="s", event=custom("t", INVALID))
    assert None is find_invalid_text(APPEND_EVENT, request.SerializeToString())


def test_unknown_fields_need_not_be_text() -> None:
    """Fields of a number, or a wire type, that the message does not have are passed over."""
    unknown = length_delimited(15, INVALID) + b"\x08\x01"  # the second: session_id as a number
    assert "types[0]" == find_invalid_text(GET_EVENTS, unknown + length_delimited(5, INVALID))


def test_fields_of_other_wire_types_are_passed_over() -> None:
    """Numbers of each size, before the text in question."""
    numbers = b"\x78\x96\x01" + b"\x79" + bytes(8) + b"\x7d" + bytes(4)
    assert "session_id" == find_invalid_text(GET_EVENTS, numbers + length_delimited(1, INVALID))


def test_what_stands_in_a_group_belongs_to_the_group() -> None:
    """Its fields have numbers of their own, which mean nothing for the message around it."""
    inner = b"\x0b" + length_delimited(1, INVALID) + b"\x0c"
    group = b"\x7b" + length_delimited(1, INVALID) + inner + b"\x7c"
    assert "types[0]" == find_invalid_text(GET_EVENTS, group + length_delimited(5, INVALID))


DAMAGED = {
    "no tag": b"\xff",
    "an endless varint": b"\xff" * 20,
    "a varint cut short": b"\x78\xff",
    "a length beyond the end": b"\x0a\x7fab",
    "a gigantic length": b"\x0a" + b"\xff" * 9 + b"\x7f",
    "a field of number 0": b"\x02\x01a",
    "wire type 6": b"\x0e",
    "wire type 7": b"\x0f",
    "eight bytes cut short": b"\x79\x00",
    "four bytes cut short": b"\x7d\x00",
    "a group without an end": b"\x7b",
    "a group without a start": b"\x7c",
    "a group that ends as another": b"\x7b\x74",
    "groups without measure": b"\x7b" * 10_000,
    "damage within a message": b"\x12\x01\xff",
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
def test_damage_of_another_kind_names_no_field(data: bytes) -> None:
    """Bytes that are no message end the search without an error and without a guess at what follows."""
    assert None is find_invalid_text(APPEND_EVENT, data)
    assert None is find_invalid_text(APPEND_EVENT, data + length_delimited(1, INVALID))


def test_invalid_text_before_the_damage_is_named() -> None:
    """The search goes from the front."""
    assert "session_id" == find_invalid_text(APPEND_EVENT, length_delimited(1, INVALID) + b"\xff")


def test_a_search_through_very_many_fields_is_given_up() -> None:
    """It would hold up every other call, so text beyond the first 100,000 fields is not named."""
    number = b"\x78\x01"
    text = length_delimited(1, INVALID)
    assert "session_id" == find_invalid_text(APPEND_EVENT, number * 99_999 + text)
    assert None is find_invalid_text(APPEND_EVENT, number * 100_000 + text)
    assert None is find_invalid_text(APPEND_EVENT, b"\x7b" + number * 100_000 + b"\x7c" + text)


def test_random_damage_agrees_with_protobuf() -> None:
    """Whatever bytes of a request change: no error but the answer, and no path where protobuf accepts the bytes."""
    source = random.Random(20)
    good = commit("session", append(part("hello"), "e"), append(custom("kind", b"data"))).SerializeToString()
    named = accepted = 0
    for _ in range(3000):
        data = bytearray(good)
        for _ in range(source.randint(1, 3)):
            data[source.randrange(len(data))] = source.randrange(256)
        path = find_invalid_text(COMMIT, bytes(data))
        try:
            pb.CommitRequest.FromString(bytes(data))
        except DecodeError:
            named += path is not None
        else:
            accepted += 1
            assert None is path, bytes(data)
    assert named > 100
    assert accepted > 100
