"""The items of a streamed or paged answer, one by one."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from types import TracebackType
from typing import Generic, Self, TypeVar

import grpc

from sessionstore.errors import SessionStoreError

__all__ = ["Items"]

T = TypeVar("T")


class Items(Generic[T]):
    """What a call answers piece by piece, as an asynchronous iterator of single items.

    Nothing is sent before the first item is asked for, and no more is fetched than the answer that holds the next item.
    Close it, or use it in an `async with` statement, when it is not read to its end. A failure ends the call, and so
    does a wait that is cancelled, or times out: who asks for more after it gets a SessionStoreError, and not the end of
    a whole answer.
    """

    def __init__(self, batches: AsyncGenerator[Iterable[T], None]) -> None:
        self._batches = batches
        self._ready: deque[T] = deque()
        self._broken_by: str | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while (item := self.ready_item()) is None:
            if not await self.wait_ready():
                raise StopAsyncIteration
        return item

    async def wait_ready(self) -> bool:
        """Waits until an item has arrived; False when there is none any more."""
        while not self._ready:
            if self._broken_by is not None:
                # Of no status that is worth a repeat: this would answer the same for ever.
                raise SessionStoreError(
                    f"{self._broken_by} ended the call; begin it anew", code=grpc.StatusCode.FAILED_PRECONDITION
                )
            try:
                self._ready.extend(await anext(self._batches))
            except StopAsyncIteration:
                return False
            except BaseException as error:
                was_cancelled = isinstance(error, asyncio.CancelledError)
                self._broken_by = "a wait that was cancelled" if was_cancelled else "an error"
                raise
        return True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def ready_item(self) -> T | None:
        """The next item if it has arrived already; iteration goes on after it."""
        return self._ready.popleft() if self._ready else None

    async def aclose(self) -> None:
        """Ends the call; what was not read is dropped. May be called again."""
        self._ready.clear()
        self._broken_by = None
        await self._batches.aclose()
