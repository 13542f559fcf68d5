"""Processes that the benchmark starts on loopback, and ends by their own pid."""

import asyncio
import pwd
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

__all__ = ["LOOPBACK", "ChildError", "free_ports", "running", "until_listening", "until_said"]

LOOPBACK = "127.0.0.1"
PATIENCE_SECONDS = 30.0


class ChildError(Exception):
    """A process did not start; the text tells why."""


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    sockets = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    try:
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


@asynccontextmanager
async def running(
    command: Sequence[object], log: Path, *, user: str | None = None, stop: signal.Signals = signal.SIGTERM
) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A process that lives as long as the block, with its output in a file.

    Args:
        command: The program and its arguments.
        log: Where its output goes.
        user: Whose process it is to be, where this one may choose.
        stop: What asks it to end; it is killed when that does not help.
    """
    process = _start(command, log, user)
    try:
        yield process
    finally:
        process.send_signal(stop)
        try:
            await asyncio.to_thread(process.wait, PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start(command: Sequence[object], log: Path, user: str | None) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [str(each) for each in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
        )


async def until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Waits until a process accepts connections. Raises ChildError."""
    deadline = monotonic() + PATIENCE_SECONDS
    while monotonic() < deadline:
        if process.poll() is not None:
            raise ChildError(f"ended with {process.returncode}: {_last_line(log)}")
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise ChildError(f"does not listen: {_last_line(log)}")


async def until_said(process: subprocess.Popen[bytes], word: str, log: Path) -> None:
    """Waits until a process has written a word. Raises ChildError."""
    deadline = monotonic() + PATIENCE_SECONDS
    while monotonic() < deadline:
        if word in log.read_text(encoding="utf-8", errors="replace"):
            return
        if process.poll() is not None:
            raise ChildError(f"ended with {process.returncode}: {_last_line(log)}")
        await asyncio.sleep(0.02)
    raise ChildError(f"did not say {word!r}: {_last_line(log)}")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "it said nothing"
