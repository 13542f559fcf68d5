"""A daemon that measures how late its event loop is.

    python -m tests.benchmarks.probed_daemon DATA_DIR unix:/path/of/the.sock

It writes `ready` once it serves. For each SIGUSR1 it writes a line of JSON about the time since the one before: the
delays in milliseconds, for each of them how long of it the loop's thread was kept waiting for a processor at least, the
seconds of processor that the process took, and the most memory that it ever had.
"""

import asyncio
import json
import os
import resource
import signal
import sys
from pathlib import Path
from threading import get_native_id

from sessiond.config import ServeConfig
from sessiond.server import serve
from sessionstore import EventLoop

__all__: list[str] = []

INTERVAL_SECONDS = 0.002


class _Probe:
    """A timer that is set again and again, and notes how long after its time it rang."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting = _Waiting()
        self._begin()
        self._set()
        self._loop.add_signal_handler(signal.SIGUSR1, self._report)

    def _begin(self) -> None:
        self._delays_ms: list[float] = []
        self._kept_ms: list[float] = []
        self._cpu_seconds = _cpu_seconds()

    def _set(self) -> None:
        self._kept_seconds = self._waiting.seconds()
        self._due = self._loop.time() + INTERVAL_SECONDS
        self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        self._delays_ms.append((self._loop.time() - self._due) * 1000)
        # Some of it may have been before the time at which the timer was to ring.
        kept_seconds = self._waiting.seconds() - self._kept_seconds - INTERVAL_SECONDS
        self._kept_ms.append(max(0.0, kept_seconds * 1000))
        self._set()

    def _report(self) -> None:
        report = {
            "delays_ms": self._delays_ms,
            "kept_ms": self._kept_ms,
            "cpu_seconds": _cpu_seconds() - self._cpu_seconds,
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        sys.stdout.write(json.dumps(report) + "\n")
        sys.stdout.flush()
        self._begin()


class _Waiting:
    """How long this thread was ready to go on, and others had the processors. Linux counts it; elsewhere it is 0."""

    def __init__(self) -> None:
        try:
            self._counters: int | None = os.open(f"/proc/self/task/{get_native_id()}/schedstat", os.O_RDONLY)
        except OSError:
            self._counters = None

    def seconds(self) -> float:
        """Since the thread began."""
        if self._counters is None:
            return 0.0
        return int(os.pread(self._counters, 100, 0).split()[1]) / 1e9


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _ready(_: object) -> None:
    _Probe()
    sys.stdout.write("ready\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(serve(ServeConfig(data_dir=Path(sys.argv[1]), listen=(sys.argv[2],)), _ready))
