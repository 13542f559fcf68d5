"""What an import says of paths that it cannot use, before a daemon is asked for anything."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessiond.cli.exits import CommandError, ExitCode
from sessiond.cli.import_run import ImportRun

FIXTURES = Path(__file__).parents[1] / "importers" / "fixtures"

Deny = Callable[..., None]


@pytest.fixture
def deny(monkeypatch: pytest.MonkeyPatch) -> Deny:
    """Lets a method of paths fail for one of them: whoever runs the tests may be allowed everything."""

    def deny_one(method: str, denied: Path) -> None:
        real = getattr(Path, method)

        def failing(path: Path, *args: Any, **kwargs: Any) -> Any:
            if path == denied:
                raise PermissionError(13, "Permission denied", str(path))
            return real(path, *args, **kwargs)

        monkeypatch.setattr(Path, method, failing)

    return deny_one


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(path))


def refusal(path: Path) -> tuple[ExitCode, str]:
    with pytest.raises(CommandError) as caught:
        ImportRun([path], as_json=False)
    return caught.value.code, str(caught.value)


@pytest.mark.parametrize("make", [os.mkfifo, make_socket, lambda path: path.symlink_to(os.devnull)])
def test_what_is_neither_a_file_nor_a_folder_is_refused_unopened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]
) -> None:
    """A pipe without a writer would hang, and any pipe can be read once only."""
    monkeypatch.chdir(tmp_path)
    path = Path("pipe")
    make(path)
    expected = "pipe is not a regular file: save what it gives to a file and import that"
    assert (ExitCode.USAGE, expected) == refusal(path)


def test_a_pipe_is_refused_before_anything_is_imported(tmp_path: Path) -> None:
    """Also when it is named behind a transcript."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CommandError, match="not a regular file"):
        ImportRun([FIXTURES / "codex.jsonl", tmp_path / "pipe"], as_json=False)


def test_a_path_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    """Also one whose beginning is a file, and a link to itself."""
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in (tmp_path / "missing", tmp_path / "file" / "below"):
        assert (ExitCode.USAGE, f"there is no file or folder {path}") == refusal(path)
    code, message = refusal(tmp_path / "loop")
    assert (ExitCode.USAGE, True) == (code, message.startswith(f"{tmp_path / 'loop'}: "))


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """The system cannot even look for it."""
    path = tmp_path / ("x" * 300)
    assert (ExitCode.USAGE, f"{path}: File name too long") == refusal(path)


def test_a_path_through_a_folder_that_cannot_be_searched_is_refused(tmp_path: Path, deny: Deny) -> None:
    """The message says what the system says."""
    path = tmp_path / "closed" / "a.jsonl"
    deny("stat", path)
    assert (ExitCode.USAGE, f"{path}: Permission denied") == refusal(path)


def test_a_refusal_does_not_steer_the_terminal() -> None:
    """Nor does it fail at a name that is no text."""
    assert (ExitCode.USAGE, "there is no file or folder /\\x1b[31m\\udcff") == refusal(Path("/\x1b[31m\udcff"))


@pytest.mark.parametrize(("method", "denied"), [("iterdir", "closed"), ("stat", "closed/b.jsonl")])
def test_a_folder_below_that_cannot_be_read_is_a_problem(
    tmp_path: Path, deny: Deny, capsys: pytest.CaptureFixture[str], method: str, denied: str
) -> None:
    """Whether it cannot be listed, or what it lists cannot be looked at."""
    shutil.copy(FIXTURES / "codex.jsonl", tmp_path / "a.jsonl")
    (tmp_path / "closed").mkdir()
    shutil.copy(FIXTURES / "codex.jsonl", tmp_path / "closed" / "b.jsonl")
    deny(method, tmp_path / denied)
    run = ImportRun([tmp_path], as_json=False)
    with pytest.raises(CommandError) as caught:
        run.check()
    assert (ExitCode.INCOMPLETE, 1) == (caught.value.code, run.problems)
    assert f"{tmp_path / denied}: Permission denied\n" == capsys.readouterr().err


def test_a_file_below_that_cannot_be_read_is_a_problem(
    tmp_path: Path, deny: Deny, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may well be a transcript; what is none is only passed over."""
    shutil.copy(FIXTURES / "codex.jsonl", tmp_path / "a.jsonl")
    (tmp_path / "notes.txt").write_text("notes")
    deny("open", tmp_path / "a.jsonl")
    run = ImportRun([tmp_path], as_json=False)
    with pytest.raises(CommandError) as caught:
        run.check()
    assert (ExitCode.INCOMPLETE, 1) == (caught.value.code, run.problems)
    first, second = capsys.readouterr().err.splitlines()
    assert f"{tmp_path / 'a.jsonl'}: Permission denied" == first
    assert second.startswith(f"skipped: {tmp_path / 'notes.txt'}: ")


def test_an_import_of_nothing_has_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Headings over nothing say nothing."""
    ImportRun([tmp_path], as_json=False).print_summary()
    assert "" == capsys.readouterr().out
