"""The first bytes of a database's file, in which SQLite says how it is to be read and whether it may be written."""

import os
from pathlib import Path

__all__ = ["DatabaseHead"]

# Source: the SQLite file format.
_PAGE_BYTES_AT, _PAGE_BYTES_END = 16, 18
_WRITE_VERSION_AT, _WRITE_VERSIONS = 18, (1, 2)
"""What SQLite writes there; a larger number makes a file of a newer kind of it, which is only read."""


class DatabaseHead:
    """Looks at the head of a database that may be open.

    The file stays open until the end: to close it would take from this process all locks that SQLite has on it, and
    whoever looks at the database with another program would end the log as they leave.
    """

    def __init__(self, database: Path) -> None:
        self._path = database
        self._file: int | None = None

    def page_bytes(self) -> int:
        """How large a page is. Raises OSError."""
        found = int.from_bytes(self._read(_PAGE_BYTES_AT, _PAGE_BYTES_END - _PAGE_BYTES_AT)) or 1
        return 65_536 if found == 1 else found

    def may_be_written(self) -> bool:
        """Whether it lets the database be written, as far as it can be read."""
        try:
            version = self._read(_WRITE_VERSION_AT, 1)
        except OSError:
            return True
        return not version or version[0] in _WRITE_VERSIONS

    def _read(self, at: int, size_bytes: int) -> bytes:
        if self._file is None:
            self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        return os.pread(self._file, size_bytes, at)

    def close(self) -> None:
        """To be called after the last connection of this process is closed."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
