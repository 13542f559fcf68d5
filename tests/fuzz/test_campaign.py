"""The campaign judges what the processes came to."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz.guided import tally as tallying
from tests.fuzz.guided.campaign import SHARES, judged, shares
from tests.fuzz.guided.tally import Tally
from tests.fuzz.guided.worker import TALLY_NAME

OUTPUT = "#48\tINITED cov: 543 ft: 1294 corp: 24/16Kb\n#100\tDONE   cov: 621 ft: 1992 corp: 122/88Kb\n"


def told(folder: Path, **counts: int) -> Tally:
    """The tally that a child left."""
    tally = Tally(**{"inputs": 100, "accepted": 1} | counts)  # type: ignore[arg-type]
    tally.write(folder / TALLY_NAME)
    return tally


def test_a_process_that_took_everything_has_no_violations(tmp_path: Path) -> None:
    """Its coverage is that of the seeds and that of the end."""
    told(tmp_path)
    finding = judged("codex", 100, tmp_path, OUTPUT, 0, 2.0)
    assert 0 == finding.tally.violations.total()
    assert ["codex", "100", "50", "543 → 621", "1,294 → 1,992", "1", "0", "0", "0"] == finding.row()


@pytest.mark.parametrize(
    ("leave", "output", "code", "violation"),
    [
        (told, "==1== ERROR: libFuzzer: timeout after 30 seconds\nSUMMARY", 70, "ended with 70: .*timeout"),
        (told, "==1== ERROR: libFuzzer: out-of-memory (used: 1501Mb)\n", 71, "ended with 71: .*out-of-memory"),
        (told, "Traceback\nKeyError: 1\n", 1, "ended with 1: KeyError"),
        (told, OUTPUT, None, "did not end"),
        (lambda folder: told(folder, inputs=99), OUTPUT, 0, "99 of 100 inputs"),
        (lambda folder: told(folder, accepted=0), OUTPUT, 0, "nothing was tried"),
        (lambda _: None, "", 0, "0 of 100 inputs"),
    ],
)
def test_a_process_that_did_not_is_a_violation(
    tmp_path: Path, leave: Callable[[Path], object], output: str, code: int | None, violation: str
) -> None:
    """A hang, too much memory, a crash, and a run that tried nothing."""
    leave(tmp_path)
    finding = judged("codex", 100, tmp_path, output, code, 1.0)
    assert re.search(violation, "\n".join(finding.tally.violations))


def test_violations_of_the_child_are_kept_with_the_input_that_showed_them(tmp_path: Path) -> None:
    """Each kind once, and counted."""
    tally = Tally(inputs=2, accepted=2)
    for data in (b"first", b"second"):
        tally.note_violation("KeyError in x.py:f: 1", data, tmp_path)
    tally.write(tmp_path / TALLY_NAME)
    finding = judged("codex", 2, tmp_path, OUTPUT, 0, 1.0)
    assert {"KeyError in x.py:f: 1": 2} == finding.tally.violations
    assert b"first" == (tmp_path / "violation-0.input").read_bytes()


def test_growth_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the memory of the process, and of the objects in it; caches have some room."""
    tally = Tally()
    tally.measure_start()
    tally.measure_end()
    assert not tally.violations
    monkeypatch.setattr(tallying, "resident_bytes", lambda: tally.start_bytes + tallying.GROWTH_BYTES + 1)
    kept = [bytearray(1) for _ in range(2 * tallying.GROWTH_BLOCKS)]
    tally.measure_end()
    assert ["memory grew", "objects grew"] == [" ".join(what.split()[:2]) for what in tally.violations]
    assert kept


def test_the_inputs_are_divided_among_all_targets() -> None:
    """None is left out, however few there are."""
    assert 1000 == sum(SHARES.values())
    assert 1_000_000 <= sum(shares(1_000_000, list(SHARES)).values()) < 1_000_010
    assert {"codex": 10} == shares(10, ["codex"])
    assert min(shares(1, list(SHARES)).values())
