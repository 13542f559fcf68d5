"""The items of a streamed or paged answer, one by one."""

from collections import deque
from collections.abc import AsyncGenerator, Iterable
from types import TracebackType
from typing import Generic, Self, TypeVar

__all__ = ["Items"]

T = TypeVar("T")


class Items(Generic[T]):
    """What a call answers piece by piece, as an asynchronous iterator of single items.

    Nothing is sent before the first item is asked for, and no more is fetched than the answer that holds the next item.
    Close it, or use it in an `async with` statement, when it is not read to its end.
    """

    def __init__(self, batches: AsyncGenerator[Iterable[T], None]) -> None:
        self._batches = batches
        self._ready: deque[T] = deque()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while (item := self.ready_item()) is None:
            self._ready.extend(await anext(self._batches))
        return item

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
        await self._batches.aclose()
