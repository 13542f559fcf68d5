"""Redis Streams with `appendfsync always`: XADD, XREAD BLOCK, XRANGE."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.benchmarks.child import LOOPBACK, free_ports, running, until_listening
from tests.benchmarks.events import TEXT
from tests.benchmarks.peers.absence import program, said_version
from tests.benchmarks.stores import Store

__all__ = ["NAME", "Redis", "opened"]

NAME = "Redis Streams"

PAGE = 1000
"""Entries of one XRANGE: with events of 200 bytes about as much as a page of the daemon's."""


class Redis(Store):
    """A stream for each session."""

    name = NAME
    note = "appendfsync always: synced before each answer"

    def __init__(self, connect: Callable[..., Any], version: str) -> None:
        self._connect = connect
        self._client = connect()
        self.version = version
        self.has_compiled_parser = find_spec("hiredis") is not None

    async def append(self, session: str) -> object:
        return await self._client.xadd(session, {"e": TEXT})

    @asynccontextmanager
    async def follow(self, session: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
        async with self._connect() as reader:
            last: Any = "0"

            async def arrived() -> object:
                nonlocal last
                ((_, entries),) = await reader.xread({session: last}, block=0, count=1)
                ((last, event),) = entries
                return event

            yield arrived

    async def fill(self, session: str, count: int) -> None:
        """So many entries, by pipelines."""
        for first in range(0, count, PAGE):
            pipeline = self._client.pipeline(transaction=False)
            for _ in range(min(PAGE, count - first)):
                pipeline.xadd(session, {"e": TEXT})
            await pipeline.execute()

    async def replay(self, session: str, *, compiled: bool) -> int:
        """Reads a stream by pages, and counts.

        Args:
            session: The stream.
            compiled: Whether answers are parsed by hiredis, which is written in C and an extra of the client; otherwise
                by the client's own parser.
        """
        from redis.asyncio.connection import _AsyncHiredisParser, _AsyncRESP2Parser

        found, start = 0, "-"
        parser = _AsyncHiredisParser if compiled else _AsyncRESP2Parser
        async with self._connect(parser_class=parser) as client:
            while page := await client.xrange(session, min=start, count=PAGE):
                found += len(page)
                start = f"({page[-1][0].decode()}"
        return found

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    """A server whose append-only file is synced before each answer."""
    from redis.asyncio import ConnectionPool
    from redis.asyncio import Redis as Client

    server = program("redis-server")
    (port,) = free_ports(1)
    log = folder / "redis.log"
    command: list[object] = [
        server,
        *("--bind", LOOPBACK, "--port", str(port), "--dir", folder, "--daemonize", "no", "--save", ""),
        *("--appendonly", "yes", "--appendfsync", "always"),
        # Rewriting would write everything once more in the middle of a measurement.
        *("--auto-aof-rewrite-percentage", "0"),
    ]

    def connect(**more: Any) -> Any:
        return Client.from_pool(ConnectionPool(host=LOOPBACK, port=port, protocol=2, **more))

    async with running(command, log) as process:
        await until_listening(process, port, log)
        store = Redis(connect, said_version(server, "--version"))
        try:
            yield store
        finally:
            await store.aclose()
