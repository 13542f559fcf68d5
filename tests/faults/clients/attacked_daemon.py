"""A daemon that is attacked, and watched by its own metrics."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import IO

from sessionstore import AsyncSessionStore
from sessionstore.errors import SessionStoreError
from sessionstore.v1.admin_service_pb2 import GetServerMetricsResponse
from tests.benchmarks.process_memory import peak_mb
from tests.integration.process import SESSIOND, DaemonProcess

__all__ = ["AttackedDaemon", "Rest", "attacked_daemon"]

READY = "sessiond is ready on "

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.05

KEEPALIVE_SECONDS = 2
"""How soon the daemon is to ask who is silent; by default it takes longer."""


@dataclass(frozen=True)
class Rest:
    """What a daemon has in use when nobody asks for anything."""

    tasks: int
    open_calls: int
    open_descriptors: int
    open_tails: int
    open_write_streams: int
    waiting_writes: int
    readers_busy: int
    transactions: int

    @classmethod
    def of(cls, found: GetServerMetricsResponse) -> "Rest":
        """What the metrics say."""
        return cls(
            found.tasks,
            found.open_calls,
            found.open_descriptors,
            found.open_tails,
            found.open_write_streams,
            found.waiting_writes,
            found.readers_busy,
            found.read_transactions + found.write_transactions,
        )

    def exceeded_by(self, now: "Rest") -> list[str]:
        """What is more than it was."""
        fields = self.__dataclass_fields__
        pairs = ((name, getattr(self, name), getattr(now, name)) for name in fields)
        return [f"{name} {after}, was {before}" for name, before, after in pairs if after > before]


class AttackedDaemon:
    """The daemon, with a client of its owner."""

    def __init__(self, process: DaemonProcess, client: AsyncSessionStore, log: IO[bytes]) -> None:
        self.address, self.port, *self._doors = process.ready_line.strip().removeprefix(READY).split(", ")
        """At the socket, and at a port where it lets everybody in."""
        self._data_dir = process.data_dir
        self.pid = process.process.pid
        self.client = client
        self._log = log

    def door(self, kind: str) -> tuple[str, int]:
        """Host and port of another listener, such as `tls:`."""
        address = next(door for door in self._doors if door.startswith(kind))
        host, _, port = address.removeprefix(kind).lstrip("/").rpartition(":")
        return host, int(port)

    @property
    def token(self) -> str:
        """What lets in at those that ask for one."""
        return (self._data_dir / "token").read_text().strip()

    async def until(self, reached: Callable[[GetServerMetricsResponse], bool]) -> GetServerMetricsResponse:
        """Waits for a condition of the metrics, and gives them. Raises TimeoutError when it does not come about."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                # A daemon under attack may be late with this answer as with any other.
                with suppress(SessionStoreError):
                    found = await self.client.get_server_metrics()
                    if reached(found):
                        return found
                await asyncio.sleep(POLL_SECONDS)

    async def rest(self) -> Rest:
        """What it has in use now, when that has not changed for a while."""
        found, since = Rest.of(await self.client.get_server_metrics()), monotonic()
        while monotonic() < since + 10 * POLL_SECONDS:
            await asyncio.sleep(POLL_SECONDS)
            now = Rest.of(await self.client.get_server_metrics())
            if now != found:
                found, since = now, monotonic()
        return found

    async def leaks(self, before: Rest) -> list[str]:
        """What it has more in use than before, and does not give back."""
        with suppress(TimeoutError):
            await self.until(lambda found: not before.exceeded_by(Rest.of(found)))
        return before.exceeded_by(Rest.of(await self.client.get_server_metrics()))

    def peak_mb(self) -> float:
        """The most memory that it ever had."""
        return peak_mb(self.pid)

    def complaints(self) -> list[str]:
        """The lines of its log that tell of what nobody foresaw."""
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").splitlines()
        return [line for line in lines if " ERROR " in line or line.startswith("Traceback")]


@asynccontextmanager
async def attacked_daemon(
    folder: Path, *options: str, host: str = "127.0.0.1", command: Sequence[str] = (SESSIOND,)
) -> AsyncIterator[AttackedDaemon]:
    """A daemon for as long as the block, on a Unix socket and a port."""
    listen = ["--listen", f"{host}:0", "--insecure", "--keepalive-seconds", str(KEEPALIVE_SECONDS)]
    with tempfile.TemporaryFile() as log, DaemonProcess(folder, *listen, *options, command=command, log=log) as process:
        async with AsyncSessionStore(process.address) as client:
            yield AttackedDaemon(process, client, log)
