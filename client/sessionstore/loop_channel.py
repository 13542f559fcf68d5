"""A channel that is opened by its first call.

gRPC binds a channel to an event loop when it is made, and where none runs to one that nobody will ever run. So a client
can be made anywhere, such as in a module, and lives on the loop of its first call.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import grpc

from sessionstore.errors import SessionStoreError
from sessionstore.forks import check_process, note_opened

__all__ = ["LoopChannel"]


class LoopChannel:
    """What the generated stubs and the client need of a channel.

    A call raises SessionStoreError when it cannot be begun: after `close`, on another event loop than the first call's,
    and in a process where gRPC would hang.
    """

    def __init__(self, open_channel: Callable[[], grpc.aio.Channel]) -> None:
        self._open_channel = open_channel
        self._channel: grpc.aio.Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._made_in = os.getpid()
        self._closed = False
        self._calls: dict[str, Callable[..., Any]] = {}
        """By the names of their methods. Each keeps the channel, so they go with it."""

    async def close(self) -> None:
        """See grpc.aio.Channel."""
        self._closed = True
        channel, self._channel = self._channel, None
        self._calls.clear()
        if channel is not None:
            await channel.close()

    def unary_unary(self, method: str, *arguments: Any, **options: Any) -> Callable[..., Any]:
        """See grpc.aio.Channel."""
        return self._opening(method, lambda channel: channel.unary_unary(method, *arguments, **options))

    def unary_stream(self, method: str, *arguments: Any, **options: Any) -> Callable[..., Any]:
        """See grpc.aio.Channel."""
        return self._opening(method, lambda channel: channel.unary_stream(method, *arguments, **options))

    def stream_stream(self, method: str, *arguments: Any, **options: Any) -> Callable[..., Any]:
        """See grpc.aio.Channel."""
        return self._opening(method, lambda channel: channel.stream_stream(method, *arguments, **options))

    def _opening(self, method: str, make: Callable[[grpc.aio.Channel], Callable[..., Any]]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            channel = self._opened()
            made = self._calls.get(method)
            if made is None:
                made = self._calls[method] = make(channel)
            return made(*arguments, **options)

        return call

    def _opened(self) -> grpc.aio.Channel:
        if self._closed:
            raise SessionStoreError("the client is closed", code=grpc.StatusCode.CANCELLED)
        check_process(self._made_in)
        loop = asyncio.get_running_loop()
        if self._channel is None:
            note_opened()
            self._loop, self._channel = loop, self._open_channel()
        elif self._loop is not loop:
            raise SessionStoreError(
                "the client belongs to another event loop, that of its first call; make one for each",
                code=grpc.StatusCode.FAILED_PRECONDITION,
            )
        return self._channel
