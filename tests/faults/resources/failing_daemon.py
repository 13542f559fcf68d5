"""A daemon whose disk fails as it is told, or has little room."""

import errno
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.faults.preloading import build_library
from tests.integration.process import SESSIOND, DaemonProcess

__all__ = ["FailingDisk", "SmallDisk", "may_mount"]

SOURCE = Path(__file__).with_name("failing.c")

_MOUNTED = 'mount -t tmpfs -o "size=$0" tmpfs "$1" && echo mounted && exec cat'


_IS_ROOT = os.geteuid() == 0
_ALONE = ("unshare", "--mount", *(() if _IS_ROOT else ("--user", "--map-root-user")))
_ENTER = ("nsenter", "--mount", *(() if _IS_ROOT else ("--user", "--preserve-credentials")))


def may_mount() -> bool:
    """Whether a SmallDisk can be made here: as root, or where the kernel lets users have namespaces of their own."""
    try:
        # What is mounted goes with the namespace.
        command = [*_ALONE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


class FailingDisk:
    """A disk that fails by rules, and the daemon on it."""

    def __init__(self, folder: Path, *more: str) -> None:
        self._rules = folder / "rules"
        settings = {
            "LD_PRELOAD": build_library(SOURCE, folder),
            "SESSIOND_FAIL_FOLDER": folder / "data",
            "SESSIOND_FAIL_RULES": self._rules,
        }
        command = ("env", *(f"{name}={value}" for name, value in settings.items()), SESSIOND)
        self.daemon = DaemonProcess(folder, *more, command=command)

    def fail(self, *rules: str) -> None:
        """Fails from now on by these rules, and by no other; see failing.c."""
        # Never half of them.
        new = self._rules.with_suffix(".new")
        new.write_text("".join(f"{rule}\n" for rule in rules))
        new.replace(self._rules)

    def heal(self) -> None:
        """Fails no more."""
        self._rules.unlink()


class SmallDisk:
    """A file system in memory, of a few MiB, which only a daemon and its children see, and that daemon on it.

    It lasts as long as the object is entered, whatever becomes of the daemon. See may_mount.
    """

    def __init__(self, folder: Path, size: str) -> None:
        data = folder / "data"
        data.mkdir()
        # Reading its input, which nobody writes to, it lasts until it is ended.
        self._holder = subprocess.Popen(
            [*_ALONE, "sh", "-c", _MOUNTED, size, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.daemon = DaemonProcess(folder, command=(*_ENTER, "--target", str(self._holder.pid), SESSIOND))
        self.folder = Path(f"/proc/{self._holder.pid}/root{data}")
        """The data directory, as it is seen from outside."""

    def __enter__(self) -> Self:
        """Waits until it is mounted."""
        if self._holder.stdout is None or self._holder.stdout.readline() != "mounted\n":
            raise AssertionError("the file system could not be mounted")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Forgets it, with all that is on it."""
        self._holder.communicate()

    @property
    def free_bytes(self) -> int:
        """The room that is left."""
        return shutil.disk_usage(self.folder).free

    def fill(self) -> None:
        """Leaves no room at all."""
        with (self.folder / "filler").open("ab") as filler:
            while True:
                try:
                    os.write(filler.fileno(), bytes(4096))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    return

    def free(self) -> None:
        """Gives the room back."""
        (self.folder / "filler").unlink()
