"""Standard output that tells in one line why it cannot be written, and takes every text."""

import io
import os
import sys
from typing import TYPE_CHECKING

from sessiond.cli.exits import CommandError, ExitCode

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["prepare_standard_streams"]


def prepare_standard_streams() -> None:
    """Replaces standard output, and opens what the process was started without."""
    # From the lowest number on, so that each gets its own, and no file of the program's is taken for one of them.
    if sys.stdin is None:
        sys.stdin = open(_null(), encoding="utf-8")  # noqa: SIM115 - it is open for as long as the process
    descriptor, encoding = (_null(), "utf-8") if sys.stdout is None else (sys.stdout.fileno(), sys.stdout.encoding)
    if sys.stderr is None:
        sys.stderr = open(_null(), "w", encoding="utf-8")  # noqa: SIM115
    # Each line is written at once: whoever reads a pipe live wants it now, and nothing is left that could fail later.
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_Output(descriptor, "w", closefd=False)),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=True,
    )


def _null() -> int:
    return os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)


class _Output(io.FileIO):
    """What ends the command when it cannot be written: quietly when whoever reads it has seen enough, as `head` has."""

    def write(self, data: "ReadableBuffer") -> int:
        """Writes. Raises CommandError when it cannot, and SystemExit when nobody reads any more."""
        try:
            return super().write(data)
        except OSError as error:
            # What is still buffered must not fail again at the exit.
            os.dup2(_null(), self.fileno())
            if isinstance(error, BrokenPipeError):
                raise SystemExit(ExitCode.OK) from None
            raise CommandError(f"cannot write the output: {error.strerror}") from error
