"""Something that is looked at again and again while something else goes on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

__all__ = ["sampling"]

T = TypeVar("T")


@asynccontextmanager
async def sampling(take: Callable[[], Awaitable[T]], every_seconds: float) -> AsyncIterator[list[T]]:
    """The samples, of which there is one when the block begins, and more and more while it runs."""
    samples = [await take()]

    async def go_on() -> None:
        while True:
            await asyncio.sleep(every_seconds)
            samples.append(await take())

    task = asyncio.create_task(go_on())
    try:
        yield samples
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
