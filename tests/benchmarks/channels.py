"""Connections to a server on a Unix socket, for calls that the client library would do more with."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import grpc

__all__ = ["open_channels"]


@asynccontextmanager
async def open_channels(address: str, count: int = 1) -> AsyncIterator[list[grpc.aio.Channel]]:
    """So many channels, each with a connection of its own."""
    options = [("grpc.default_authority", "localhost"), ("grpc.use_local_subchannel_pool", 1)]
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(grpc.aio.insecure_channel(address, options=options)) for _ in range(count)
        ]
