"""Stands between clients and a port, and ends the connections to the port with a reset."""

import asyncio
import socket
import struct
from contextlib import suppress
from types import TracebackType
from typing import Self

__all__ = ["ResettingProxy"]

AT_ONCE_BYTES = 65536
LINGER_NO_TIME = struct.pack("ii", 1, 0)
"""A close then drops what was not sent, and tells the other end with RST."""


class ResettingProxy:
    """Passes on what clients and a server say, until they are reset."""

    def __init__(self, port: str) -> None:
        host, _, number = port.rpartition(":")
        self._target = host, int(number)
        self._server: asyncio.Server | None = None
        self._onward: list[asyncio.StreamWriter] = []

    @property
    def address(self) -> str:
        """Where clients find it."""
        if self._server is None:
            raise AssertionError("the proxy was not started")
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def reset(self) -> None:
        """Resets all connections to the port."""
        onward, self._onward = self._onward, []
        for writer in onward:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NO_TIME)
            writer.transport.abort()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward = await asyncio.open_connection(*self._target)
        self._onward.append(onward)
        try:
            await asyncio.gather(_copy(reader, onward), _copy(onward_reader, writer))
        finally:
            writer.transport.abort()
            onward.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(AT_ONCE_BYTES):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
