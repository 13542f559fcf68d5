"""A sample of damaged pages: no call hangs, and none fails but by saying that something is damaged."""

import random
from pathlib import Path

import pytest

from tests.faults.corruption.answers import Answer, false_answers
from tests.faults.corruption.campaign import run_campaign
from tests.faults.corruption.damages import DAMAGES, damage_page
from tests.faults.corruption.template import PAGE_BYTES, has_owners, make_template, rows

pytestmark = pytest.mark.skipif(not has_owners(), reason="this SQLite does not tell whose a page is (dbstat)")

SEED = 4


@pytest.mark.timeout(180)
async def test_damage_is_told_and_no_call_hangs_or_fails_otherwise(tmp_path: Path) -> None:
    """Of pages of all tables and indexes, a store that is closed meanwhile and one that is open."""
    findings = await run_campaign(tmp_path, pages=10, bits=2, seed=SEED)
    assert [] == findings.violations
    assert set(DAMAGES) == set(findings.cases)
    assert sum(number for (_, outcome), number in findings.outcomes.items() if outcome == "data loss")
    assert sum(number for (_, outcome), number in findings.outcomes.items() if outcome == "right")


@pytest.mark.timeout(180)
async def test_damage_of_several_pages_is_told_as_well(tmp_path: Path) -> None:
    """One may be what tells the damage of another: an index and its table, a row and the count of rows."""
    findings = await run_campaign(tmp_path, pages=4, bits=1, seed=SEED, together=3)
    assert [] == findings.violations
    assert {"data loss", "right"} <= {outcome for _, outcome in findings.outcomes}


def test_an_answer_that_is_neither_right_nor_a_refusal_is_false() -> None:
    """Other content, and the claim that there is nothing."""
    right = {name: Answer(b"right") for name in ("same", "lost", "other", "none", "broken")}
    given = {
        "same": Answer(b"right"),
        "lost": Answer(None, "CorruptedError", is_data_loss=True),
        "other": Answer(b"wrong"),
        "none": Answer(None, "NotFoundError"),
        "broken": Answer(None, "KeyError()", is_foreseen=False),
    }
    assert ["other", "none"] == false_answers(right, given)


@pytest.mark.parametrize("kind", DAMAGES)
async def test_a_damage_changes_one_page(tmp_path: Path, kind: str) -> None:
    """And what is in it, as far as it can still be read."""
    database = await make_template(tmp_path)
    before, content = database.read_bytes(), rows(database)
    damage_page(database, 5, kind, random.Random(SEED))
    after = database.read_bytes()
    changed = {index // PAGE_BYTES + 1 for index in range(len(before)) if before[index] != after[index]}
    assert {5} == changed
    assert len(before) == len(after)
    # What belongs to other pages is as it was.
    left = rows(database)
    assert any(left.get(key) == value for key, value in content.items())
