"""The rules on single values, at their limits."""

import sys

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.contract.fields import (
    FIELD_RULES,
    REQUIRED_FIELDS,
    Refusal,
    check_event_types,
    check_identifier,
    check_timestamp,
)
from sessionstore.v1 import admin_service_pb2, event_pb2, message_pb2, session_pb2, session_store_service_pb2, tool_pb2

check_json = FIELD_RULES["ToolCall.parameters_json"]


@pytest.mark.parametrize(
    "value",
    ["a", "x" * 256, "é" * 128, "\U0001f600" * 64, "with space", "a/b:c", "日本", "\u2028", "\u00ad", "\U0010ffff"],
    ids=ascii,
)
def test_an_id_is_1_to_256_bytes(value: str) -> None:
    """Of UTF-8, in any script, and of characters that a terminal cannot show, short of control characters."""
    check_identifier(value)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "must not be empty"),
        ("x" * 257, "257 bytes"),
        ("é" * 128 + "x", "257 bytes"),
        ("\U0001f600" * 65, "260 bytes"),
        ("a\x00", "control character"),
        ("a\nb", "control character"),
        ("\x7f", "control character"),
        ("é\x85", "control character"),
        ("\x9f", "control character"),
    ],
    ids=ascii,
)
def test_other_ids_are_refused(value: str, problem: str) -> None:
    """With what is wrong; control characters are those of the Unicode category Cc."""
    with pytest.raises(Refusal, match=problem):
        check_identifier(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "null",
        "0",
        '"text"',
        " [1, 2.5e3, -0, true] \n",
        '{"a": 1, "a": 2}',
        '"\\ud800"',
        "1e999999",
        "9" * 10_000,
        "-" + "9" * 10_000,
        '{"n": 18446744073709551616}',
        "[" * 100 + "]" * 100,
        '"\U0001f600"',
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_json_of_any_value_is_accepted(text: str) -> None:
    """Numbers may be of any length, keys may repeat, and nothing at all means no value."""
    check_json(text)


@pytest.mark.parametrize(
    "text",
    [
        " ",
        "{",
        "{oops}",
        "{'a': 1}",
        "[1,]",
        "01",
        "+1",
        ".5",
        "NaN",
        "[Infinity]",
        '{"a": -Infinity}',
        "true false",
        '"a\nb"',
        '"\\x"',
        "\ufeff{}",
        "undefined",
        "// nothing",
    ],
    ids=ascii,
)
def test_text_that_is_not_strict_json_is_refused(text: str) -> None:
    """What Python or JavaScript would take beyond the standard included."""
    with pytest.raises(Refusal, match="is not valid JSON"):
        check_json(text)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_json_that_is_nested_too_deeply_is_refused(opening: str) -> None:
    """It neither ends the process nor escapes as an error of the parser."""
    with pytest.raises(Refusal, match="nested too deeply"):
        check_json(opening * (sys.getrecursionlimit() * 100))


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ("after_sequence", [0, 1, 2**63 - 1], [2**63, 2**64 - 1]),
        ("limit", [0, 1, 2**31 - 1], [-1, -(2**31)]),
        ("offset", [0, 2**31 - 1], [-1]),
        ("page_size", [0, 1, 1000], [-1, 1001]),
        ("heartbeat_interval_seconds", [0, 1, 3600], [-1, 3601]),
        ("from_now", [True], [False]),
        ("TcpTransport.port", [1, 65535], [0, 65536, 2**32 - 1]),
        ("SessionFilter.status", [1, 2, 3, 99], [0, -1]),
        ("ToolCallUpdate.status", [1, 2, 3, 4, 5, 6], [0, 7, 99, -1]),
        ("ListSessionsRequest.order_by", [0, 1, 2, 3], [4, -1]),
        ("CustomMessage.role", ["exit", "x" * 1000], [""]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_range_ends_where_it_says(rule: str, good: list[object], bad: list[object]) -> None:
    """The last value within is accepted, the first beyond is refused."""
    for value in good:
        FIELD_RULES[rule](value)
    for value in bad:
        with pytest.raises(Refusal):
            FIELD_RULES[rule](value)


@pytest.mark.parametrize(
    "types", [[], ["message_part"], ["error", "error"], ["custom"], ["custom:a:b"], ["unknown"], ["custom:x"] * 100]
)
def test_types_of_a_filter_are_those_that_events_have(types: list[str]) -> None:
    """The names of the kinds, every custom event or those of one type, and what only a newer client knows."""
    check_event_types(types)


@pytest.mark.parametrize(
    ("types", "problem"),
    [
        (["error", "Error"], "'Error' is no event type; give one of custom, error, message_complete,"),
        ([""], "'' is no event type"),
        (["timestamp"], "is no event type"),
        (["custom:"], "must not be empty"),
        (["custom:\n"], "control character"),
        (["custom:" + "x" * 257], "257 bytes"),
        (["message_part:x"], "is no event type"),
        (["error"] * 101, "names 101 types, the limit is 100"),
    ],
)
def test_other_types_are_refused(types: list[str], problem: str) -> None:
    """Rather than matching nothing for ever."""
    with pytest.raises(Refusal, match=problem):
        check_event_types(types)


def test_a_refused_type_is_shown_in_part_only() -> None:
    """The error travels in headers, which have little room."""
    with pytest.raises(Refusal) as caught:
        check_event_types(["\U0010ffff" * 100_000])
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(("seconds", "nanos"), [(0, 0), (-62_135_596_800, 0), (253_402_300_799, 999_999_999), (-1, 1)])
def test_times_of_the_years_1_to_9999_are_accepted(seconds: int, nanos: int) -> None:
    """As protobuf defines a timestamp."""
    check_timestamp(Timestamp(seconds=seconds, nanos=nanos))


@pytest.mark.parametrize(
    ("seconds", "nanos"),
    [(-62_135_596_801, 0), (253_402_300_800, 0), (0, -1), (0, 1_000_000_000), (2**63 - 1, 0), (-(2**63), 0)],
)
def test_other_times_are_refused(seconds: int, nanos: int) -> None:
    """Whatever a client's library let through."""
    with pytest.raises(Refusal):
        check_timestamp(Timestamp(seconds=seconds, nanos=nanos))


def test_every_rule_is_of_a_field_that_exists() -> None:
    """So that a renamed field does not lose its rule."""
    files = (admin_service_pb2, event_pb2, message_pb2, session_pb2, session_store_service_pb2, tool_pb2)
    messages = [message for file in files for message in file.DESCRIPTOR.message_types_by_name.values()]
    qualified = {f"{message.name}.{field.name}" for message in messages for field in message.fields}
    requests = (admin_service_pb2, session_store_service_pb2)
    bare = {
        field.name
        for file in requests
        for message in file.DESCRIPTOR.message_types_by_name.values()
        for field in message.fields
    }
    assert set() == (set(FIELD_RULES) | REQUIRED_FIELDS) - qualified - bare
