"""What the tests of the importers share."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessiond.importers import Transcript, open_transcript

WriteLines = Callable[..., Path]
OpenLines = Callable[..., Transcript]


@pytest.fixture
def fixtures() -> Path:
    """The folder of small transcripts, one of each format."""
    return Path(__file__).parent / "fixtures"


@pytest.fixture
def write_lines(tmp_path: Path) -> WriteLines:
    """Writes a file of JSON lines; an entry that is text or bytes is a line as it stands."""

    def write(*entries: Any, name: str = "transcript.jsonl") -> Path:
        path = tmp_path / name
        lines = [_line(entry) for entry in entries]
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        return path

    return write


@pytest.fixture
def open_lines(write_lines: WriteLines) -> OpenLines:
    """Writes a file of JSON lines and opens it as a transcript."""

    def open_written(*entries: Any, name: str = "transcript.jsonl") -> Transcript:
        return open_transcript(write_lines(*entries, name=name))

    return open_written


def _line(entry: Any) -> bytes:
    if isinstance(entry, bytes):
        return entry
    if isinstance(entry, str):
        return entry.encode()
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode()
