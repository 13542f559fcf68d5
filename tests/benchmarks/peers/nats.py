"""NATS JetStream: publish with acknowledgement, ordered consumer. The server syncs its files every two minutes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.child import LOOPBACK, free_ports, running, until_listening
from tests.benchmarks.events import TEXT
from tests.benchmarks.peers.absence import program, said_version
from tests.benchmarks.stores import Store

__all__ = ["NAME", "opened"]

NAME = "NATS JetStream"

PATIENCE_SECONDS = 30


class _Nats(Store):
    name = NAME
    note = "acknowledges BEFORE it syncs: a power cut loses what it acknowledged"

    def __init__(self, stream: Any, connect: Callable[[], Awaitable[Any]], version: str) -> None:
        self._stream = stream
        self._connect = connect
        self._payload = TEXT.encode()
        self.version = version

    async def append(self, session: str) -> object:
        return await self._stream.publish(f"bench.{session}", self._payload, timeout=PATIENCE_SECONDS)

    @asynccontextmanager
    async def follow(self, session: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
        reader = await self._connect()
        try:
            subscription = await reader.jetstream().subscribe(f"bench.{session}", ordered_consumer=True)

            async def arrived() -> object:
                return await subscription.next_msg(timeout=PATIENCE_SECONDS)

            yield arrived
            await subscription.unsubscribe()
        finally:
            await reader.close()


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    """A server with one stream on disk."""
    from nats import connect as open_connection

    server = program("nats-server", "/usr/sbin")
    (port,) = free_ports(1)
    log = folder / "nats.log"

    async def connect() -> Any:
        return await open_connection(f"nats://{LOOPBACK}:{port}", allow_reconnect=False)

    async with running([server, "-js", "-sd", folder / "data", "-a", LOOPBACK, "-p", str(port)], log) as process:
        await until_listening(process, port, log)
        connection = await connect()
        try:
            stream = connection.jetstream()
            await stream.add_stream(name="bench", subjects=["bench.>"])
            yield _Nats(stream, connect, said_version(server, "--version"))
        finally:
            await connection.close()
