"""Reads a file that is one JSON object member by member, and its arrays item by item, without reading it whole.

The bytes are cut where the structure says, so an item keeps its exact bytes, and one that is not valid inside does not
harm the others; each item is to be parsed by whoever wants its value.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from sessiond.importers.entry_json import InvalidEntryError, parse_entry
from sessiond.importers.raw_entries import MAX_ENTRY_BYTES, RawEntry

__all__ = ["TornFileError", "read_members"]

_CHUNK_BYTES = 256 * 1024
_SPACE = b" \t\r\n"
_STRUCTURE = re.compile(rb'["{}\[\],]')
# Possessive: a string may have millions of escapes, and none of them is to be remembered.
_INSIDE_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_NO_SPACE = re.compile(rb"[^ \t\r\n]")
_OPENING = b"{["
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class TornFileError(OSError):
    """What can be read of the file is no whole version of it: somebody writes it, or died of that."""


class _StructureError(Exception):
    """The file is not one JSON object from here on."""


class _Source:
    """What has been read of the file and not been taken yet. Positions count from there, and survive reading on."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._version = self._newest_version()
        self._buffer = b""
        self._begin = 0
        self.offset = 0
        self.line = 1

    def close(self) -> None:
        self._file.close()

    @property
    def end_offset(self) -> int:
        """The number of bytes of the file that have been read."""
        return self.offset + len(self._buffer) - self._begin

    def peek(self, start: int, end: int) -> bytes:
        """The bytes between two positions, as far as they have been read."""
        return self._buffer[self._begin + start : self._begin + end]

    def take(self, count: int) -> None:
        """Goes past the next bytes."""
        end = self._begin + count
        self.line += self._buffer.count(b"\n", self._begin, end)
        self.offset += count
        self._begin = end

    def extend(self) -> bool:
        """Reads more. False at the end of the file.

        Raises _StructureError when a value is too long, and TornFileError when the file is not the one whose beginning
        was read.
        """
        rest = self._buffer[self._begin :]
        if len(rest) > MAX_ENTRY_BYTES:
            raise _StructureError(f"is longer than {MAX_ENTRY_BYTES} bytes; the rest of the file is not read")
        # What is needed in one piece doubles at each step, so that a long value is not copied over and over.
        chunk = self._file.read(max(_CHUNK_BYTES, len(rest)))
        if self._newest_version() != self._version:
            raise TornFileError("was written anew while it was read; import it again")
        self._buffer = rest + chunk
        self._begin = 0
        return bool(chunk)

    def _newest_version(self) -> tuple[int, int]:
        # An agent writes the whole file again at each step, in place, and everything in it moves: the end of one
        # version behind the beginning of another may well be JSON, of entries that nobody wrote.
        state = os.fstat(self._file.fileno())
        return state.st_mtime_ns, state.st_size

    def search(self, pattern: re.Pattern[bytes], start: int) -> int:
        """The position of the next match, which must be one byte long; -1 at the end of the file."""
        while True:
            match = pattern.search(self._buffer, self._begin + start)
            if match is not None:
                return match.start() - self._begin
            start = max(start, len(self._buffer) - self._begin)
            if not self.extend():
                return -1

    def end_of_match(self, pattern: re.Pattern[bytes], start: int) -> int:
        """The position after what matches from a position on, within what has been read; a match may be empty."""
        match = pattern.match(self._buffer, self._begin + start)
        return start if match is None else match.end() - self._begin


def read_members(path: Path) -> Iterator[RawEntry]:
    """Reads the members of the object: each item of an array, or else the value as a whole.

    What is no JSON object, or is torn, ends with an entry that has an error.

    Raises:
        TornFileError: The file was written anew meanwhile.
        OSError: The file cannot be read.
    """
    reader = _Reader(_Source(path))
    try:
        yield from reader.entries()
    finally:
        reader.source.close()


class _Reader:
    def __init__(self, source: _Source) -> None:
        self.source = source
        self._member = ""
        self._index: int | None = None

    def entries(self) -> Iterator[RawEntry]:
        try:
            yield from self._object()
        except _StructureError as error:
            line = self.source.line
            yield RawEntry(b"", line, self.source.end_offset, self._member, self._index, error=str(error))

    def _object(self) -> Iterator[RawEntry]:
        self._start_of_file()
        self._take(b"{")
        if self._peek() == b"}":
            self._take(b"}")
        else:
            while True:
                self._member = self._key()
                self._take(b":")
                if self._peek() == b"[":
                    yield from self._array()
                else:
                    yield self._value()
                self._member = ""
                if self._take(b",}") == b"}":
                    break
        if self._peek():
            raise _StructureError("something follows the end of the JSON object")

    def _start_of_file(self) -> None:
        self.source.extend()
        if self.source.peek(0, len(_BYTE_ORDER_MARK)) == _BYTE_ORDER_MARK:
            self.source.take(len(_BYTE_ORDER_MARK))

    def _array(self) -> Iterator[RawEntry]:
        self._take(b"[")
        self._index = 0
        if self._peek() == b"]":
            self._take(b"]")
        else:
            while True:
                yield self._value()
                if self._take(b",]") == b"]":
                    break
                self._index += 1
        self._index = None

    def _peek(self) -> bytes:
        """The next byte that is no white space, which is then the first of the source; empty at the end."""
        position = self.source.search(_NO_SPACE, 0)
        if position < 0:
            return b""
        self.source.take(position)
        return self.source.peek(0, 1)

    def _take(self, wanted: bytes) -> bytes:
        found = self._peek()
        if not found:
            raise _StructureError("the file ends in the middle of its JSON object")
        if found not in wanted:
            raise _StructureError(f"expected one of {wanted.decode()!r}, found {found!r}")
        self.source.take(1)
        return found

    def _key(self) -> str:
        if self._peek() != b'"':
            self._take(b'"')
        end = self._end_of_string(1)
        if end < 0:
            raise _StructureError("the file ends in the middle of its JSON object")
        raw = self.source.peek(0, end)
        self.source.take(end)
        try:
            # Without halves of surrogate pairs, which are no text that can be stored or shown.
            return str(parse_entry(raw).value)
        except InvalidEntryError as error:
            raise _StructureError(f"the key {raw[:80]!r} is not JSON") from error

    def _end_of_string(self, start: int) -> int:
        """The position after the quote that ends the string, whose inside begins at `start`; -1 when it is torn."""
        source = self.source
        while True:
            start = source.end_of_match(_INSIDE_STRING, start)
            if source.peek(start, start + 1) == b'"':
                return start + 1
            # All that has been read is inside, or it ends with a backslash that escapes what comes next.
            if not source.extend():
                return -1

    def _value(self) -> RawEntry:
        """The next value as bytes; the window then begins after it."""
        if self._peek() in (b"", b",", b"]", b"}", b":"):
            raise _StructureError("a value is missing, or the file ends before it")
        source = self.source
        depth = 0
        position = 0
        while True:
            position = source.search(_STRUCTURE, position)
            if position < 0:
                raise _StructureError("the file ends in the middle of this value")
            byte = source.peek(position, position + 1)
            if byte == b'"':
                position = self._end_of_string(position + 1)
                if position < 0:
                    raise _StructureError("the file ends in the middle of this value")
                continue
            if byte in _OPENING:
                depth += 1
            elif depth == 0:
                break
            elif byte != b",":
                depth -= 1
            position += 1
        data = source.peek(0, position).rstrip(_SPACE)
        line = source.line
        source.take(position)
        return RawEntry(data, line, source.offset, self._member, self._index)
