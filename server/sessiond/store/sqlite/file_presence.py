"""Whether the files that are written are those that somebody will find.

Whoever removes or replaces the files of a database that is open does not disturb it: everything goes on, in files
without a name, and is gone with the process. What was acknowledged then would be lost.
"""

import os
from pathlib import Path

from sessiond.store.errors import CorruptedError, StorageUnavailableError

__all__ = ["FilePresence"]


class FilePresence:
    """The files of a database as they were when it was opened."""

    def __init__(self, database: Path, log: Path) -> None:
        """Looks at the files. Raises OSError where one is missing."""
        self._database = database
        self._log = log
        found = database.stat()
        self._database_identity = _identity(found)
        self._size_bytes = found.st_size
        self._log_identity = _identity(log.stat())

    def check(self) -> None:
        """Raises StorageUnavailableError when they are gone or others, CorruptedError when one was cut short."""
        try:
            database, log = self._database.stat(), self._log.stat()
        except OSError as error:
            raise _moved() from error
        if (_identity(database), _identity(log)) != (self._database_identity, self._log_identity):
            raise _moved()
        # It only ever grows.
        if database.st_size < self._size_bytes:
            raise CorruptedError("the database's file, which somebody cut short,")
        self._size_bytes = database.st_size

    def log_was_left(self) -> bool:
        """Whether somebody took our database away, or put another one in its place, and left our log there."""
        try:
            return _found(self._log) == self._log_identity and _found(self._database) != self._database_identity
        except OSError:
            return False


def _found(path: Path) -> tuple[int, int] | None:
    """Which file is there; None where there is none."""
    try:
        return _identity(path.stat())
    except FileNotFoundError:
        return None


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _moved() -> StorageUnavailableError:
    return StorageUnavailableError(
        "the files of the store were moved or removed while it runs, so that a write would be lost; put them back, or"
        " restart the server, which begins with those that are there"
    )
