"""Something that is looked at again and again while something else goes on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

__all__ = ["sampling"]

T = TypeVar("T")


@asynccontextmanager
async def sampling(take: Callable[[], Awaitable[T]], every_seconds: float) -> AsyncIterator[list[T]]:
    """The samples, the first of which is taken at once, and of which there are more and more while the block runs."""
    samples: list[T] = []

    async def go_on() -> None:
        while True:
            samples.append(await take())
            await asyncio.sleep(every_seconds)

    task = asyncio.create_task(go_on())
    try:
        yield samples
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
