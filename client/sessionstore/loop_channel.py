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
        self._loop: asyncio.AbstractEventLoop
        """That of the channel."""
        self._made_in = os.getpid()
        self._closed = False
        self._calls: dict[str, Callable[..., Any]] = {}
        """By the names of their methods. Each keeps the channel, so they go with it."""

    def is_open_here(self) -> bool:
        """Whether there may be calls, which can be ended here.

        There are none before the first call, nor on an event loop that is over; those of a process that this one was
        forked from are its own. Raises SessionStoreError on another event loop than that of the first call.
        """
        if self._channel is None or self._made_in != os.getpid() or self._loop.is_closed():
            return False
        self._check_loop()
        return True

    async def close(self) -> None:
        """See grpc.aio.Channel; in a process that was forked it leaves everything as it is."""
        self._closed = True
        if self._made_in != os.getpid():
            return
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
        if self._channel is None:
            self._loop = asyncio.get_running_loop()
            note_opened()
            self._channel = self._open_channel()
        else:
            self._check_loop()
        return self._channel

    def _check_loop(self) -> None:
        if self._loop is not asyncio.get_running_loop():
            raise SessionStoreError(
                "the client belongs to another event loop, that of its first call; make one for each",
                code=grpc.StatusCode.FAILED_PRECONDITION,
            )
