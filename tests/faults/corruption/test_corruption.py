"""A sample of damaged pages: no call hangs, and none fails but by saying that something is damaged."""

import random
from pathlib import Path

import pytest

from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from tests.faults.corruption.answers import Answer, ask_everything, false_answers
from tests.faults.corruption.campaign import run_campaign
from tests.faults.corruption.damages import DAMAGES, damage_logged_page, damage_page
from tests.faults.corruption.template import (
    LOG_NAME,
    PAGE_BYTES,
    has_owners,
    make_template,
    owners,
    put_into_log,
    rows,
)

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


async def test_a_page_is_damaged_in_the_log_of_a_store_at_work(tmp_path: Path) -> None:
    """Where the newest writes are until a checkpoint. SQLite looks at the sums of a log at a start only."""
    for folder in ("template", "work"):
        (tmp_path / folder).mkdir()
    template = await make_template(tmp_path / "template")
    put_into_log(template, tmp_path / "work")
    store = await SqliteStore.open(tmp_path / "work", durability="normal")
    log, database = tmp_path / "work" / LOG_NAME, tmp_path / "work" / DATABASE_NAME
    before = log.read_bytes(), database.read_bytes()
    (page, *_) = (number for number, owner in owners(template).items() if owner == "messages")
    assert damage_logged_page(log, page, "zeros", random.Random(SEED))
    bytes_of_log = zip(log.read_bytes(), before[0], strict=True)
    changed = [index for index, (byte, was) in enumerate(bytes_of_log) if byte != was]
    assert 0 < changed[-1] - changed[0] < PAGE_BYTES
    assert before[1] == database.read_bytes()
    given = await ask_everything(store)
    assert any(answer.is_data_loss for answer in given.values())
    assert all(answer.is_foreseen for answer in given.values())
    assert not damage_logged_page(log, 1_000_000, "zeros", random.Random(SEED))
    await store.close()
