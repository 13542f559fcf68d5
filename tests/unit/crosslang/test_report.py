"""A runner that lies, keeps quiet or breaks is seen."""

from pathlib import Path

import pytest

from tests.crosslang.report import Report
from tests.crosslang.runners import Line, Runner, RunnerError

OK, BAD = Line("ok", "f/a"), Line("FAIL", "f/b", "why")


def test_all_is_well_when_every_step_passed_or_says_why_not() -> None:
    """The table names the reasons."""
    report = Report(["f/a", "f/b"])
    report.add("go, tcp", [OK, Line("skip", "f/b", "not here")])
    assert report.is_good
    assert "-  not here" not in report.table()
    assert "skip  not here" in report.table()


@pytest.mark.parametrize(
    "lines",
    [[], [OK], [OK, BAD], [OK, OK, Line("ok", "f/b")], [OK, Line("ok", "f/b"), Line("ok", "f/invented")]],
)
def test_whatever_is_missing_failed_twice_or_invented_is_a_failure(lines: list[Line]) -> None:
    """Also when everything that was said is good."""
    report = Report(["f/a", "f/b"])
    report.add("go, tcp", lines)
    assert not report.is_good


def test_nothing_at_all_is_no_success() -> None:
    """A kit without runners has shown nothing."""
    assert not Report(["f/a"]).is_good


def runner(folder: Path, script: str) -> Runner:
    (folder / "fake").mkdir()
    program = folder / "fake" / "runner"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Runner("fake", folder)


def test_a_runner_is_listened_to_and_its_controls_answered(tmp_path: Path) -> None:
    """Line by line."""
    script = "echo 'ok f/a'; echo 'control restart'; read answer; echo \"FAIL f/b: $answer\"; exit 1"
    lines = runner(tmp_path, script).play(Path("config"), [], lambda words: f"done {words}")
    assert [OK, Line("FAIL", "f/b", "done restart")] == lines


@pytest.mark.parametrize(
    "script", ["echo 'ok f/a'; exit 1", "echo 'FAIL f/a: x'; exit 0", "echo hello", "echo 'ok f/a'; kill -9 $$"]
)
def test_a_runner_that_breaks_or_contradicts_itself_is_refused(tmp_path: Path, script: str) -> None:
    """Its exit code must fit what it said, and it says nothing else."""
    with pytest.raises(RunnerError):
        runner(tmp_path, script).play(Path("config"), [], lambda _: "done")


def test_a_language_without_a_runner_is_a_failure(tmp_path: Path) -> None:
    """It is never left out silently."""
    with pytest.raises(RunnerError, match="no runner in cobol"):
        Runner("cobol", tmp_path).build()
