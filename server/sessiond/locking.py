"""The lock on a data directory: one daemon at a time, and it says who it is."""

import contextlib
import fcntl
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from sessiond.contract.timestamps import now_us

__all__ = ["DataDirError", "DataDirInUseError", "DataDirLock"]

LOCK_NAME = "sessiond.lock"

_DATABASE_SUFFIXES = {".db", ".db-wal", ".db-shm"}


class DataDirError(Exception):
    """The data directory cannot be used; the text says why."""


class DataDirInUseError(DataDirError):
    """Another daemon uses the data directory; the text says which."""


class DataDirLock:
    """Holds a data directory, from before anything in it is touched until the end.

    The kernel lets go of the lock when the process ends, however it ends; the file stays where it is.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Takes the lock. Raises DataDirInUseError, DataDirError."""
        try:
            self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DataDirError(f"cannot use the data directory {self._data_dir}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise DataDirInUseError(
                f"the data directory {self._data_dir} is in use by {holder}; stop it, or choose another --data-dir"
            ) from None
        try:
            self._check_rights()
        except DataDirError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        self.describe([])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Lets go of the lock."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
        self._descriptor = -1

    def _check_rights(self) -> None:
        """What SQLite would tell later, or with each write. Raises DataDirError."""
        _check_access(self._data_dir)
        for path in self._data_dir.iterdir():
            if path.suffix in _DATABASE_SUFFIXES:
                if not path.is_file():
                    raise DataDirError(f"{path} is no file; choose another --data-dir, or move it away")
                _check_access(path)

    def describe(self, addresses: list[str]) -> None:
        """Writes down who holds the lock and where it listens, for whoever finds it taken."""
        text = json.dumps({"pid": os.getpid(), "addresses": addresses, "since_us": now_us()}) + "\n"
        os.ftruncate(self._descriptor, 0)
        # A full disk has no room even for that; the lock holds all the same.
        with contextlib.suppress(OSError):
            os.pwrite(self._descriptor, text.encode(), 0)


def _check_access(path: Path) -> None:
    if not os.access(path, os.R_OK | os.W_OK):
        raise DataDirError(f"{path} cannot be written by this user; give it the right to, or choose another --data-dir")


def _holder(descriptor: int) -> str:
    try:
        noted = json.loads(os.pread(descriptor, 64 * 1024, 0))
        pid, addresses = int(noted["pid"]), list(map(str, noted["addresses"]))
    except (ValueError, KeyError, TypeError):
        return "another process"
    where = f" (listening on {', '.join(addresses)})" if addresses else ""
    return f"process {pid}{where}"
