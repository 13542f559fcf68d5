"""A checker that cannot fail is worthless: each kind of violation is caught."""

import copy
from pathlib import Path

import pytest

from tests.faults.crash_campaign import History, check, run_campaign

STORED = [(0, "a"), (1, "b"), (2, "c")]


def good() -> History:
    return History("s", acknowledged={0: "a", 1: "b"}, tailed=list(STORED))


def test_a_clean_history_passes() -> None:
    """What was not acknowledged may be stored or not."""
    assert [] == check(good(), STORED)


@pytest.mark.parametrize(
    ("change", "stored", "violation"),
    [
        ({}, [(0, "a"), (2, "c")], "not dense"),
        ({}, [(0, "a"), (1, "b"), (2, "b")], "stored twice"),
        ({"acknowledged": {3: "d"}}, STORED, "acknowledged and not stored"),
        ({"acknowledged": {1: "other"}}, STORED, "acknowledged and not stored"),
        ({"tailed": [(0, "a"), (2, "c")]}, STORED, "the tail"),
        ({"tailed": [(0, "a"), (1, "b"), (1, "b"), (2, "c")]}, STORED, "the tail"),
        ({"tailed": [(1, "b"), (0, "a"), (2, "c")]}, STORED, "the tail"),
    ],
)
def test_each_violation_is_caught(change: dict[str, object], stored: list[tuple[int, str]], violation: str) -> None:
    """Lost, doubled, reordered, torn: each is told."""
    history = copy.deepcopy(good())
    for name, value in change.items():
        setattr(history, name, value)
    assert any(violation in found for found in check(history, stored))


@pytest.mark.timeout(120)
async def test_two_kills_under_load_lose_nothing(tmp_path: Path) -> None:
    """The campaign itself, at its smallest."""
    histories, violations = await run_campaign(tmp_path, kills=2, seed=3)
    assert [] == violations
    assert all(history.acknowledged for history in histories)
