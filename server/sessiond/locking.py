"""The lock on a data directory: one daemon at a time, and it says who it is."""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from sessiond.contract.timestamps import now_us

__all__ = ["LOCK_NAME", "DataDirError", "DataDirInUseError", "DataDirLock"]

LOCK_NAME = "sessiond.lock"

_log = logging.getLogger(__name__)

_DATABASE_FILES = ("sessions.db", "sessions.db-wal", "sessions.db-shm")
"""What the store opens; whatever else lies in the folder is nobody's business."""


class DataDirError(Exception):
    """The data directory cannot be used; the text says why."""


class DataDirInUseError(DataDirError):
    """Another daemon uses the data directory; the text says which."""


class DataDirLock:
    """Holds a data directory, from before anything in it is touched until the end.

    The kernel lets go of the lock when the process ends, however it ends; the file stays where it is. The folder is
    locked as well: somebody may remove the file, and take it for one that was left behind.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._descriptor = -1
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        """Takes the lock. Raises DataDirInUseError, DataDirError."""
        with ExitStack() as opened:
            try:
                self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._descriptor = _open(self._data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT, opened)
                folder = _open(self._data_dir, os.O_RDONLY | os.O_DIRECTORY, opened)
                self._lock(folder)
                self._check_rights()
                self.describe([])
            except OSError as error:
                raise DataDirError(f"cannot use the data directory {self._data_dir}: {error.strerror}") from error
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Lets go of the lock; not when the holder is cancelled, but with the process.

        Threads may be at work still, such as that of a migration, for which nobody waits any more.
        """
        if isinstance(error, asyncio.CancelledError):
            return
        with self._opened, contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)

    def _lock(self, folder: int) -> None:
        """Raises DataDirInUseError, DataDirError."""
        how = fcntl.LOCK_EX | fcntl.LOCK_NB
        try:
            fcntl.flock(self._descriptor, how)
            try:
                fcntl.flock(folder, how)
            except BlockingIOError:
                raise
            except OSError as error:
                # Some disks of networks lock only what is open for writing.
                _log.debug("the data directory is locked by its file alone: %s", error)
        except BlockingIOError:
            raise DataDirInUseError(
                f"the data directory {self._data_dir} is in use by {_holder(self._descriptor)}; stop it, or choose"
                " another --data-dir"
            ) from None
        except OSError as error:
            raise DataDirError(
                f"cannot lock the data directory {self._data_dir}: {error.strerror}; choose one on a disk that can"
            ) from error

    def _check_rights(self) -> None:
        """What SQLite would tell later, or with each write. Raises DataDirError."""
        _check_access(self._data_dir)
        for path in map(self._data_dir.joinpath, _DATABASE_FILES):
            if path.is_symlink():
                raise DataDirError(f"{path} is a link; choose the folder that it leads to as --data-dir")
            if path.exists():
                if not path.is_file():
                    raise DataDirError(f"{path} is no file; choose another --data-dir, or move it away")
                _check_access(path)

    def describe(self, addresses: list[str]) -> None:
        """Writes down who holds the lock and where it listens, for whoever finds it taken."""
        text = json.dumps({"pid": os.getpid(), "addresses": addresses, "since_us": now_us()}) + "\n"
        # A full disk has no room even for that; the lock holds all the same.
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, text.encode(), 0)


def _open(path: Path, flags: int, opened: ExitStack) -> int:
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    opened.callback(os.close, descriptor)
    return descriptor


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
