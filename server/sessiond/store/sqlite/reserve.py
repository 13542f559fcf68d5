"""Room on the disk that is kept for deletions: on a full disk even they need some, before they free any."""

import contextlib
import logging
import os
from pathlib import Path

__all__ = ["RESERVE_BYTES", "Reserve"]

RESERVE_BYTES = 16 * 1024 * 1024
RESERVE_NAME = "reserve"

_LEAST_BYTES = 1024 * 1024
_log = logging.getLogger(__name__)


class Reserve:
    """A file of no content, which is cut when its room is needed."""

    def __init__(self, folder: Path, size_bytes: int) -> None:
        """`size_bytes` is how much to keep; 0 keeps nothing."""
        self._path = folder / RESERVE_NAME
        self._size_bytes = size_bytes

    def fill(self) -> None:
        """Takes as much of the room as there is."""
        if not self._size_bytes:
            return
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            _log.warning("no room is kept for deletions: %s", error.strerror)
            return
        try:
            size_bytes = self._size_bytes
            while os.fstat(descriptor).st_size < size_bytes >= _LEAST_BYTES and not _allocated(descriptor, size_bytes):
                size_bytes //= 2
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Gives the room back to the disk."""
        with contextlib.suppress(OSError):
            os.truncate(self._path, 0)


def _allocated(descriptor: int, size_bytes: int) -> bool:
    kept = os.fstat(descriptor).st_size
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size_bytes)
        else:
            os.pwrite(descriptor, bytes(size_bytes - kept), kept)
    except OSError:
        # Of what did not fit a part may have been taken all the same.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, kept)
        return False
    return os.fstat(descriptor).st_size >= size_bytes
