"""Ids and times that the importers derive."""

import pytest

from sessiond.importers.entry_json import Number
from sessiond.importers.identifiers import Occurrences, content_id, event_type_name, usable_id
from sessiond.importers.timestamps import from_iso, from_seconds
from sessiond.importers.tool_calls import CallLedger


def test_only_what_the_store_takes_is_an_id() -> None:
    """1 to 256 bytes without control characters."""
    assert "é" * 128 == usable_id("é" * 128)
    for refused in ("", "é" * 129, "a\nb", "\x85", 7, None):
        assert usable_id(refused) is None


def test_content_ids_tell_their_parts_apart() -> None:
    """Moving a byte from one part to the next gives another id."""
    assert content_id(b"ab", b"c") != content_id(b"a", b"bc")
    assert content_id(b"ab", b"c") == content_id(b"ab", b"c")


def test_a_derived_id_meets_no_id_that_was_given() -> None:
    """Someone may have chosen an id that looks like a derived one."""
    ids = Occurrences()
    assert ["a", "a#2", "b", "a#3", "a#2#3"] == [ids.distinct(name) for name in ("a", "a#2", "b", "a", "a#2")]


def test_a_result_belongs_to_the_oldest_open_call_of_its_id() -> None:
    """And a call has one result."""
    calls = CallLedger()
    first, second = calls.open("x", "ls", "m"), calls.open("x", "cat", "m")
    assert ("x", "x#2") == (first.id, second.id)
    assert [first, second, None] == [calls.close("x"), calls.close("x"), calls.close("x")]


def test_types_of_custom_events_are_always_acceptable() -> None:
    """What cannot be part of a type is called unknown."""
    assert "codex/event_msg/token_count" == event_type_name("codex", "event_msg", "token_count")
    assert "codex/unknown/unknown" == event_type_name("codex", None, "a\nb")
    assert "codex/unknown" == event_type_name("codex", "x" * 255)


@pytest.mark.parametrize(
    ("text", "seconds", "nanos"),
    [
        ("2026-01-14T19:20:03.207Z", 1768418403, 207_000_000),
        ("2026-01-14T19:20:03Z", 1768418403, 0),
        ("2026-01-14T21:20:03.1234567891+02:00", 1768418403, 123_456_789),
        ("2026-01-14 19:20:03,5", 1768418403, 500_000_000),
        ("1969-12-31T23:59:59.250Z", -1, 250_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
    ],
)
def test_iso_times_keep_their_digits(text: str, seconds: int, nanos: int) -> None:
    """Up to nanoseconds; what names no zone is UTC."""
    found = from_iso(text)
    assert found is not None
    assert (seconds, nanos) == (found.seconds, found.nanos)


@pytest.mark.parametrize("value", [None, 5, "", "yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+01:00"])
def test_what_is_no_iso_time_is_none(value: object) -> None:
    """A time outside the years 1 to 9999 is none either."""
    assert from_iso(value) is None


def test_float_seconds_keep_the_digits_that_are_written() -> None:
    """Not those of the binary number."""
    found = from_seconds(1775891883.0642178)
    assert found is not None
    assert (1775891883, 64_217_800) == (found.seconds, found.nanos)
    before = from_seconds(-0.25)
    assert before is not None
    assert (-1, 750_000_000) == (before.seconds, before.nanos)
    for refused in (None, True, "1", Number("NaN"), Number("1e400"), 10**15):
        assert from_seconds(refused) is None
