"""SQLite's log of the newest writes, as a file.

Needed where a sync failed: the operating system then takes what it could not write for written, and the next sync says
that all is well. Only writing the same bytes again makes it try again. Source of the formats:
https://sqlite.org/walformat.html
"""

import os
import struct
import sys
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite.database_head import DatabaseHead

__all__ = ["LogFile", "LogSize"]

_HEADER = struct.Struct(">IIIIIIII")
"""Magic, format, page size, number of the checkpoint, two salts, two sums."""

_FRAME = struct.Struct(">IIIIII")
"""Page, size of the database after a commit, two salts, two sums."""

_INDEX = struct.Struct("=I")
_FRAMES_AT, _CHECKPOINTED_AT = 16, 96

_COPIED_BYTES = 1024 * 1024
_WORD = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class LogSize:
    """How much is in a log, in frames of one page each.

    Attributes:
        frames: Those of committed transactions.
        checkpointed: Those of them that are in the database too.
    """

    frames: int
    checkpointed: int


class LogFile:
    """The log beside a database and its index."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(f"{database.name}-wal")
        self.head = DatabaseHead(database)
        self._index_path = database.with_name(f"{database.name}-shm")
        self._index: int | None = None

    def size(self) -> LogSize:
        """Asks the index. Raises OSError where there is none, as before the first write of a connection."""
        index = self._opened_index()
        return LogSize(*(_INDEX.unpack(os.pread(index, 4, at))[0] for at in (_FRAMES_AT, _CHECKPOINTED_AT)))

    def _opened_index(self) -> int:
        if self._index is None:
            self._index = os.open(self._index_path, os.O_RDWR | os.O_CLOEXEC)
        return self._index

    def close(self) -> None:
        """Closes the index and the head. Not before all connections of this process: it would drop their locks."""
        if self._index is not None:
            os.close(self._index)
            self._index = None
        self.head.close()

    def lost_transactions(self) -> int:
        """How many transactions at least SQLite passed over because of damage; 0 when a cut of the power explains it.

        To be asked before the first write. SQLite takes a log for what precedes the first frame whose sum does not
        fit, and says nothing. A cut of the power leaves such a frame in the newest transaction only, as each one is
        synced before the next begins. Where two commits follow on each other by their sums, the first was synced. At
        durability `normal` they are not, and a cut can look like damage. Raises OSError.
        """
        frames = self.size().frames
        # Not from the header of the log, which may be what is damaged.
        page_bytes = self.head.page_bytes()
        with _opened(self.path, os.O_RDONLY) as log:
            return _commits_behind(log, frames, page_bytes)

    def write_again(self) -> None:
        """Writes every byte of the log over itself, and syncs: what is recovered from it then is on the disk.

        For a log that nobody has open. Raises OSError.
        """
        if not self.path.exists():
            return
        with _opened(self.path, os.O_RDWR) as log:
            _copy_over(log, os.fstat(log).st_size)

    def write_committed_again(self) -> None:
        """Does the same for the frames of committed transactions, while the database is open, by its only writer.

        Raises OSError, and CorruptedError when the frames are not what was written: the operating system forgot them.
        """
        frames = self.size().frames
        if not frames:
            return
        with _opened(self.path, os.O_RDWR) as log:
            _copy_over(log, _checked_bytes(log, frames))

    def checkpoint_anew(self) -> None:
        """Has the next checkpoint copy all of the log, also what was copied before. Raises OSError.

        A checkpoint that stops behind somebody who reads does not sync the database: what it copied is on the disk when
        a later one did that, and forgotten by the operating system where that sync failed. To be called by the only
        writer, between transactions; who reads meanwhile finds the same in the log as in the database.
        """
        os.pwrite(self._opened_index(), _INDEX.pack(0), _CHECKPOINTED_AT)


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _copy_over(log: int, size_bytes: int) -> None:
    for at in range(0, size_bytes, _COPIED_BYTES):
        data = os.pread(log, min(_COPIED_BYTES, size_bytes - at), at)
        while data:
            written = os.pwrite(log, data, at)
            data, at = data[written:], at + written
    os.fsync(log)


def _checked_bytes(log: int, frames: int) -> int:
    """The size of the header and of so many frames, whose sums are looked at. Raises CorruptedError."""
    header = os.pread(log, _HEADER.size, 0)
    if len(header) < _HEADER.size:
        raise CorruptedError("the log of the newest writes")
    page_bytes: int
    magic, _, page_bytes, _, *salts, first, second = _HEADER.unpack(header)
    swapped = _is_swapped(magic)
    sums = _sums(header[:24], (0, 0), swapped=swapped)
    if sums != (first, second):
        raise CorruptedError("the log of the newest writes")
    frame_bytes = _FRAME.size + page_bytes
    for number in range(frames):
        frame = os.pread(log, frame_bytes, _HEADER.size + number * frame_bytes)
        if len(frame) < frame_bytes:
            raise CorruptedError("the log of the newest writes")
        _, _, *frame_salts, first, second = _FRAME.unpack_from(frame)
        sums = _sums(frame[:8] + frame[_FRAME.size :], sums, swapped=swapped)
        if frame_salts != salts or sums != (first, second):
            raise CorruptedError("the log of the newest writes")
    return _HEADER.size + frames * frame_bytes


def _commits_behind(log: int, frames: int, page_bytes: int) -> int:
    """The most commits behind so many frames that follow on each other by their sums, from two on."""
    header = os.pread(log, _HEADER.size, 0)
    if len(header) < _HEADER.size:
        return 0
    magic, _, _, _, *salts, first, second = _HEADER.unpack(header)
    swapped = _is_swapped(magic)
    is_right = _sums(header[:24], (0, 0), swapped=swapped) == (first, second)
    frame_bytes = _FRAME.size + page_bytes
    end = (os.fstat(log).st_size - _HEADER.size) // frame_bytes
    commits = most = 0
    before: tuple[int, int] | None = None
    for number in range(frames, end):
        at = _HEADER.size + number * frame_bytes
        head = os.pread(log, _FRAME.size, at)
        _, committed, *frame_salts, first, second = _FRAME.unpack(head)
        if is_right and frame_salts != salts:
            # Of an earlier log, which is in the database as a whole, or damaged.
            commits, before = 0, (first, second)
            continue
        if before is not None:
            page = os.pread(log, page_bytes, at + _FRAME.size)
            before = _sums(head[:8] + page, before, swapped=swapped)
        if before != (first, second):
            # The damage, or what was there before the transaction that the power cut.
            commits = 0
        commits += committed != 0
        most = max(most, commits)
        before = (first, second)
    return most if most > 1 else 0


def _is_swapped(magic: int) -> bool:
    """Whether the sums of a log are of words in the other order than this processor's."""
    return bool(magic & 1) != (sys.byteorder == "big")


def _sums(data: bytes, before: tuple[int, int], *, swapped: bool) -> tuple[int, int]:
    words = array("I", data)
    if swapped:
        words.byteswap()
    first, second = before
    pairs = iter(words)
    for word, following in zip(pairs, pairs, strict=True):
        first = (first + word + second) & _WORD
        second = (second + following + first) & _WORD
    return first, second
