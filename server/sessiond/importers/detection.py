"""Tells the format of a transcript by its content."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from sessiond.importers.claude_code import ClaudeCodeFormat, is_claude_code_entry
from sessiond.importers.codex import CodexFormat, is_codex_entry
from sessiond.importers.dialects import TranscriptFormat
from sessiond.importers.entry_json import InvalidEntryError, Json, parse_entry
from sessiond.importers.json_members import read_members
from sessiond.importers.mini_swe_agent import MiniSweAgentFormat
from sessiond.importers.swe_agent import SweAgentFormat
from sessiond.importers.transcripts import Transcript
from sessiond.importers.values import as_object

__all__ = ["FORMAT_NAMES", "UnknownFormatError", "open_transcript"]

FORMAT_NAMES = (ClaudeCodeFormat.name, CodexFormat.name, SweAgentFormat.name, MiniSweAgentFormat.name)
"""The formats that are understood."""

_MAX_LINES = 200
_MAX_LINE_BYTES = 2 * 1024 * 1024
_MAX_LABEL_BYTES = 256
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class UnknownFormatError(ValueError):
    """The content of a file is of no format that is understood.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: not a transcript of a known format; the known ones are Claude Code (JSON lines), Codex rollouts"
            " (JSON lines), SWE-agent (.traj) and mini-swe-agent (.traj.json)"
        )
        self.path = path


def open_transcript(path: Path, *, root: Path | None = None) -> Transcript:
    """Opens a transcript; its name plays no part in what its format is.

    Args:
        path: The file.
        root: The folder that `Transcript.name` is relative to; absent means that it is the path as given.

    Raises:
        UnknownFormatError: The content is of no known format.
        OSError: The file cannot be read.
    """
    transcript_format = _format_of_lines(path) or _format_of_object(path)
    if transcript_format is None:
        raise UnknownFormatError(path)
    name = path.relative_to(root) if root is not None and path.is_relative_to(root) else path
    return Transcript(path, str(name), transcript_format)


def _format_of_lines(path: Path) -> TranscriptFormat | None:
    """The format of the first line that is of one: lines before it may be torn, or newer than this program."""
    for value in islice(_first_values(path), _MAX_LINES):
        transcript_format = _format_of_line(value)
        if transcript_format is not None:
            return transcript_format
    return None


def _format_of_line(value: Json) -> TranscriptFormat | None:
    if is_codex_entry(value):
        return CodexFormat()
    return ClaudeCodeFormat() if is_claude_code_entry(value) else None


def _first_values(path: Path) -> Iterator[Json]:
    with path.open("rb") as file:
        for _ in range(_MAX_LINES):
            line = file.readline(_MAX_LINE_BYTES)
            if not line:
                return
            if not line.endswith(b"\n") and len(line) == _MAX_LINE_BYTES:
                while line and not line.endswith(b"\n"):
                    line = file.readline(_MAX_LINE_BYTES)
                continue
            try:
                yield parse_entry(line.removeprefix(_BYTE_ORDER_MARK)).value
            except InvalidEntryError:
                continue


def _format_of_object(path: Path) -> TranscriptFormat | None:
    """The format of a file that is one JSON object, which may be torn, or whose first line is too long to be parsed."""
    members: dict[str, Json] = {}
    for entry in read_members(path):
        if entry.error is not None:
            break
        members[entry.member] = _short_text(entry.data)
        if entry.member == SweAgentFormat.messages_member and _has_role(entry.data):
            return SweAgentFormat()
        if entry.member == MiniSweAgentFormat.messages_member and _has_role(entry.data):
            return _mini_swe_agent(path)
    return _format_of_line(members)


def _short_text(data: bytes) -> str | None:
    return data.decode(errors="replace").strip('"') if len(data) <= _MAX_LABEL_BYTES else None


def _mini_swe_agent(path: Path) -> TranscriptFormat | None:
    """Other programs write `messages` too: only the name of the format, or its own notes, tell."""
    for entry in read_members(path):
        if entry.member == "trajectory_format" and b"mini-swe-agent" in entry.data:
            return MiniSweAgentFormat()
        if entry.member == "info" and b'"mini_version"' in entry.data:
            return MiniSweAgentFormat()
    return None


def _has_role(data: bytes) -> bool:
    try:
        return isinstance(as_object(parse_entry(data).value).get("role"), str)
    except InvalidEntryError:
        return False
