"""The format is told by the content, and folders are searched for transcripts."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from inspect import stack
from pathlib import Path

import pytest

from sessiond.importers import FORMAT_NAMES, UnknownFormatError, find_transcripts, open_transcript
from tests.unit.importers.conftest import WriteLines
from tests.unit.importers.entries import claude_user, codex


@pytest.mark.parametrize(
    ("fixture", "format_name"),
    [
        ("claude_code.jsonl", "claude-code"),
        ("codex.jsonl", "codex"),
        ("swe_agent.traj", "swe-agent"),
        ("mini_swe_agent.traj.json", "mini-swe-agent"),
    ],
)
def test_names_play_no_part(fixtures: Path, tmp_path: Path, fixture: str, format_name: str) -> None:
    """A transcript is what it holds."""
    path = tmp_path / "holiday.png"
    shutil.copy(fixtures / fixture, path)
    assert format_name == open_transcript(path).format_name
    assert format_name in FORMAT_NAMES


def test_a_compact_file_and_one_with_its_keys_in_another_order_are_known(fixtures: Path, tmp_path: Path) -> None:
    """White space and order mean nothing in JSON."""
    value = json.loads((fixtures / "mini_swe_agent.traj.json").read_text())
    path = tmp_path / "x"
    path.write_text(json.dumps(dict(reversed(value.items()))))
    assert "mini-swe-agent" == open_transcript(path).format_name


def test_torn_lines_at_the_beginning_do_not_hide_the_format(write_lines: WriteLines) -> None:
    """Nor do lines that are newer than this program."""
    new = {"type": "brand-new", "sessionId": "s"}
    assert "claude-code" == open_transcript(write_lines(b'{"ty', b"\xff", new, claude_user("u1", "hi"))).format_name
    assert "codex" == open_transcript(write_lines("", codex("session_meta", 1, id="s"))).format_name


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"# Notes\n", b"\x00\x01\x02" * 100, b"{}", b"[1]", b'{"messages": [{"role": "user"}]}', b'{"a":'],
)
def test_what_is_no_transcript_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    """The message names the file and the formats that are understood."""
    path = tmp_path / "other.jsonl"
    path.write_bytes(content)
    with pytest.raises(UnknownFormatError) as caught:
        open_transcript(path)
    for word in (str(path), "Claude Code", "Codex", "SWE-agent", "mini-swe-agent"):
        assert word in str(caught.value)


def test_a_transcript_is_named_relative_to_its_root(fixtures: Path) -> None:
    """Elsewhere it is named as it was given."""
    path = fixtures / "codex.jsonl"
    assert "codex.jsonl" == open_transcript(path, root=fixtures).name
    assert str(path) == open_transcript(path).name


def test_folders_are_searched_in_the_order_of_names(fixtures: Path, tmp_path: Path) -> None:
    """What is no transcript is reported beside the others, and nothing comes twice."""
    (tmp_path / "b" / "subagents").mkdir(parents=True)
    shutil.copy(fixtures / "codex.jsonl", tmp_path / "b" / "subagents" / "z")
    shutil.copy(fixtures / "swe_agent.traj", tmp_path / "c")
    (tmp_path / "a.txt").write_text("notes")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    found = list(find_transcripts([tmp_path, tmp_path / "c"]))
    assert ["a.txt", "z", "c"] == [file.path.name for file in found]
    assert [None, "codex", "swe-agent"] == [file.transcript and file.transcript.format_name for file in found]
    assert str(tmp_path / "a.txt") in str(found[0].error)
    assert not found[0].was_named


def test_a_file_that_was_named_and_is_not_there_is_reported(tmp_path: Path) -> None:
    """The rest goes on."""
    (file,) = find_transcripts([tmp_path / "gone"])
    assert file.was_named
    assert f"{tmp_path / 'gone'}: No such file or directory" == file.error


def test_pipes_in_a_folder_are_passed_over_unopened(fixtures: Path, tmp_path: Path) -> None:
    """So are links to them and links to nothing: a pipe without a writer would hang."""
    os.mkfifo(tmp_path / "a")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "c").symlink_to(tmp_path / "gone")
    shutil.copy(fixtures / "codex.jsonl", tmp_path / "d")
    assert ["d"] == [file.path.name for file in find_transcripts([tmp_path])]


def test_a_folder_that_cannot_be_read_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its transcripts are left out, which is more than that a file is no transcript."""

    def denied(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "notes.txt").write_text("notes")
    (read,) = find_transcripts([tmp_path])
    monkeypatch.setattr(Path, "iterdir", denied)
    (unread,) = find_transcripts([tmp_path])
    assert (True, False) == (read.was_read, unread.was_read)
    assert (tmp_path, f"{tmp_path}: Permission denied") == (unread.path, unread.error)


def test_a_first_entry_that_is_nested_too_deeply_is_told(write_lines: WriteLines) -> None:
    """It can be read just so, but no id can be made of it."""
    deep = "[" * 600 + "1.10" + "]" * 600
    path = write_lines(f'{{"timestamp":"","type":"session_meta","payload":{{"id":5,"x":{deep}}}}}')
    (file,) = find_transcripts([path])
    assert (None, f"{path}: its first entry is nested too deeply", False) == (
        file.transcript,
        file.error,
        file.was_read,
    )


@pytest.fixture
def _shallow_stack() -> Iterator[None]:
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(len(stack(0)) + 150)
    yield
    sys.setrecursionlimit(usual)


@pytest.mark.usefixtures("_shallow_stack")
def test_folders_may_lie_in_each_other_without_end(fixtures: Path, tmp_path: Path) -> None:
    """However deep, what lies below is found, in the order of the names."""
    folder = tmp_path
    for _ in range(160):
        folder /= "d"
        folder.mkdir()
    shutil.copy(fixtures / "codex.jsonl", folder / "last.jsonl")
    shutil.copy(fixtures / "codex.jsonl", tmp_path / "d" / "a.jsonl")
    assert ["a.jsonl", "last.jsonl"] == [file.path.name for file in find_transcripts([tmp_path])]
