"""etcd: put and watch. A put is in a synced log before it is acknowledged."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tests.benchmarks.child import LOOPBACK, free_ports, running, until_listening
from tests.benchmarks.events import TEXT
from tests.benchmarks.peers.absence import program, said_version
from tests.benchmarks.stores import Store

__all__ = ["NAME", "opened"]

NAME = "etcd"

QUOTA_BYTES = 8 << 30


class _Etcd(Store):
    name = NAME
    note = "synced before each answer; put of a new key, watch of the prefix"

    def __init__(self, client: Any, connect: Callable[[], Any], version: str) -> None:
        self._client = client
        self._connect = connect
        self._numbers = count()
        self._value = TEXT.encode()
        self.version = version

    async def append(self, session: str) -> object:
        return await self._client.put(f"{session}/{next(self._numbers):012}".encode(), self._value)

    @asynccontextmanager
    async def follow(self, session: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
        async with self._connect() as reader:
            watch = await reader.watch_prefix(f"{session}/".encode())
            events = aiter(watch)
            try:
                yield events.__anext__
            finally:
                await watch.cancel()


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    """A member that is a cluster by itself."""
    import aetcd

    server = program("etcd")
    client_port, peer_port = free_ports(2)
    client_url, peer_url = f"http://{LOOPBACK}:{client_port}", f"http://{LOOPBACK}:{peer_port}"
    log = folder / "etcd.log"
    command: list[object] = [
        server,
        *("--data-dir", folder / "data", "--quota-backend-bytes", str(QUOTA_BYTES), "--log-level", "error"),
        *("--listen-client-urls", client_url, "--advertise-client-urls", client_url),
        *("--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url),
        *("--initial-cluster", f"default={peer_url}"),
    ]

    def connect() -> Any:
        return aetcd.Client(host=LOOPBACK, port=client_port, timeout=30)

    async with running(command, log) as process:
        await until_listening(process, client_port, log)
        async with connect() as client:
            yield _Etcd(client, connect, said_version(server, "--version"))
