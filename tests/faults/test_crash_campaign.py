"""The campaign at its smallest, and each failpoint by itself."""

from collections import Counter
from pathlib import Path

import pytest

from tests.faults.crash_campaign import run_campaign
from tests.faults.crash_findings import CHANCE, STOPPED, Findings
from tests.faults.failpoints import FAILPOINTS, WRAPPED, arm


@pytest.mark.timeout(240)
async def test_deaths_under_load_break_no_promise(tmp_path: Path) -> None:
    """One at a moment of chance, one after a commit that nobody was told of, one between a batch and its frame."""
    findings = await run_campaign(tmp_path, 3, seed=3, failpoints=["commit-after"])
    assert [] == findings.violations
    assert 2 == findings.deaths[CHANCE] + findings.deaths[STOPPED]
    assert {CHANCE, STOPPED, "commit-after"} >= {*findings.deaths}
    assert 1 == findings.deaths["commit-after"]
    assert {"commit-after": 1} == dict(findings.armed)
    assert findings.acknowledged
    assert findings.tailed
    assert findings.imported


def test_a_failpoint_that_is_never_met_fails_a_long_campaign() -> None:
    """A load that does not come to a point is no test of it; a few lives that were too short for it say nothing."""
    findings = Findings(acknowledged=1, tailed=1)
    for tries in (2, 1):
        assert findings.are_good
        findings.add(Findings(Counter({CHANCE: tries}), Counter({"trim-before": tries})))
    assert ["trim-before"] == findings.never_reached
    assert not findings.are_good
    assert "   0 at trim-before, which was armed 3 times" in list(findings.lines())
    findings.add(Findings(Counter({"trim-before": 1}), Counter({"trim-before": 1})))
    assert findings.are_good


def test_each_point_has_a_failpoint_before_and_after_it() -> None:
    """What the promises hang on: the group, each mutation, the commit, the answer, the frame, the archive."""
    points = (
        "group",
        "one-event",
        "append-event",
        "commit",
        "stream-answer",
        "event-answer",
        "wake-up",
        "tail-frame",
        "checkpoint",
        "trim",
        "advance",
    )
    archives = ("archive-session", "restore-session", "delete-archive", "archive-answer", "restore-answer", "tail-pin")
    for point in (*points, *archives):
        assert {f"{point}-before", f"{point}-after"} <= set(FAILPOINTS)
    assert [] == [point for point, (owner, name) in WRAPPED.items() if not callable(getattr(owner, name, None))]


def test_an_unknown_failpoint_is_refused() -> None:
    """A campaign that waits for a point that does not exist would prove nothing."""
    with pytest.raises(KeyError):
        arm("nowhere-before", 1)
