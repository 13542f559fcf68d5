"""The real command as a process, started, watched and killed by tests."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

__all__ = ["SESSIOND", "DaemonProcess", "run_command"]

SESSIOND = str(Path(sys.executable).with_name("sessiond"))
PATIENCE_SECONDS = 30


def run_command(*arguments: str, address: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end; of the settings in the environment it sees those given here."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SESSIOND_")}
    given = {**inherited, "SESSIOND_ADDRESS": address, **environment}
    return subprocess.run(
        [SESSIOND, *arguments], capture_output=True, text=True, timeout=PATIENCE_SECONDS, env=given, check=False
    )


class DaemonProcess:
    """A daemon in a process of its own, on a Unix socket."""

    def __init__(
        self,
        folder: Path,
        *more: str,
        listen: str | None = None,
        command: Sequence[str] = (SESSIOND,),
        log: IO[bytes] | None = None,
    ) -> None:
        """`log` takes what it writes to standard error: more than a pipe holds would hold up the daemon."""
        self.data_dir = folder / "data"
        self.address = listen or f"unix:{folder / 's.sock'}"
        self._command = [*command, "serve", "--data-dir", str(self.data_dir), "--listen", self.address, *more]
        self._log = subprocess.PIPE if log is None else log
        self._process: subprocess.Popen[str] | None = None
        self.ready_line = ""

    @property
    def process(self) -> subprocess.Popen[str]:
        """The running process."""
        if self._process is None:
            raise AssertionError("the daemon was not started")
        return self._process

    def start(self) -> None:
        """Starts it, and waits for the line that says that it is ready."""
        # In a group of its own, so that an interrupt of a test or a campaign at the terminal does not stop it too.
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=self._log, text=True, process_group=0
        )
        if self._process.stdout is None:
            raise AssertionError("no output to read")
        self.ready_line = self._process.stdout.readline()
        if "ready" not in self.ready_line:
            raise AssertionError(f"the daemon did not start: {self._process.communicate()[1]}")

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Sends a signal and waits for the end; returns the exit code and what was written to standard error."""
        process = self.process
        process.send_signal(number)
        errors = process.communicate(timeout=PATIENCE_SECONDS)[1]
        self._process = None
        return process.returncode, errors

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
        if self._process is not None:
            self._process.communicate()
