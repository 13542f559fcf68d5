"""The patterns that decide whether an answer is the expected one; a kit that cannot fail shows nothing."""

from typing import Any

import pytest

from tests.crosslang.python.values import expand, mismatch, pick


@pytest.mark.parametrize(
    ("pattern", "actual"),
    [
        (None, None),
        ("$present", ""),
        ("$present", False),
        ("a", "a"),
        (1, 1),
        (True, True),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": None}, {"b": 2}),
        ([], None),
        ([1, {"a": "$present"}], [1, {"a": 0}]),
        ({"$length": 0}, None),
        ({"$length": 2}, "\U0001f642é"),
        ({"$each": {"a": 1}}, [{"a": 1}, {"a": 1, "b": 2}]),
        ({"$each": 1}, None),
        ({"$at_least": 3}, "3"),
        ({"$at_least": 3}, 4),
        ({"$contains": "b"}, "abc"),
    ],
)
def test_what_fits(pattern: Any, actual: Any) -> None:
    """Nothing is complained about."""
    assert None is mismatch(pattern, actual)


@pytest.mark.parametrize(
    ("pattern", "actual"),
    [
        (None, ""),
        ("$present", None),
        ("1", 1),
        (1, True),
        (True, 1),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {}),
        ({"a": None}, {"a": 0}),
        ({"a": 1}, None),
        ([1], [1, 1]),
        ([], [1]),
        ([1], None),
        ({"$length": 1}, None),
        ({"$length": 1}, {"a": 1}),
        ({"$each": 1}, [1, 2]),
        ({"$each": 1}, "1"),
        ({"$at_least": 3}, "2"),
        ({"$at_least": 3}, None),
        ({"$at_least": 0}, True),
        ({"$contains": "b"}, "ac"),
        ({"$contains": "b"}, ["b"]),
    ],
)
def test_what_does_not_fit(pattern: Any, actual: Any) -> None:
    """And where."""
    assert (mismatch(pattern, actual, "here") or "").startswith("here")


def test_variables_and_repetitions() -> None:
    """As README.md says."""
    value = {"a": ["${x}-", {"$repeat": 2, "item": {"n": "${i}${x}"}}, "${text:3}"], "b": 1}
    assert {"a": ["v-", {"n": "0v"}, {"n": "1v"}, "xxx"], "b": 1} == expand(value, {"x": "v"})
    with pytest.raises(KeyError):
        expand("${unknown}", {})


def test_parts_of_an_answer() -> None:
    """By paths; what is not there is an error."""
    assert ("v", "2") == (pick({"a": [{"b": "v"}]}, "a[0].b"), pick({"a": 2}, "a"))
    with pytest.raises(LookupError):
        pick({"a": []}, "a[0]")
