"""An entry as it lies in its file, before anything is made of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MAX_ENTRY_BYTES", "RawEntry", "read_lines"]

MAX_ENTRY_BYTES = 64 * 1024 * 1024
"""The longest entry that is read into memory; a longer one is reported and passed over."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class RawEntry:
    """One entry of a file.

    Attributes:
        data: The bytes of the entry, without the white space around it; empty for a blank line.
        line: The number of the line on which it begins, from 1.
        end_offset: The offset in the file, in bytes, up to which has been read.
        member: The top-level key under which it lies, in a file that is one JSON object; empty in a file of lines.
        index: The place in the array under that key, from 0; None when the value of the key is no array.
        error: Why the entry cannot be read; None when it can.
    """

    data: bytes
    line: int
    end_offset: int
    member: str = ""
    index: int | None = None
    error: str | None = None


def read_lines(path: Path) -> Iterator[RawEntry]:
    """Reads a file line by line, holding one line at a time.

    A line without a line feed is the last, also when the file has grown by the time it is read on: what has come since
    is the rest of that line, and taking up what follows would leave a gap that no later import can close in its place.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        offset = 0
        line = 0
        while chunk := file.readline(MAX_ENTRY_BYTES + 1):
            line += 1
            offset += len(chunk)
            if len(chunk) > MAX_ENTRY_BYTES and not chunk.endswith(b"\n"):
                while chunk and not chunk.endswith(b"\n"):
                    chunk = file.readline(MAX_ENTRY_BYTES)
                    offset += len(chunk)
                yield RawEntry(b"", line, offset, error=f"is longer than {MAX_ENTRY_BYTES} bytes")
            else:
                data = chunk.removeprefix(_BYTE_ORDER_MARK) if line == 1 else chunk
                yield RawEntry(data.strip(b" \t\r\n"), line, offset)
            if not chunk.endswith(b"\n"):
                return
