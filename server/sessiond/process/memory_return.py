"""Gives free memory back to the operating system.

The C library keeps what was freed, in pieces between what is in use: after a thousand tails that did not read, or a
flood of large messages, the process would have several times as much in use as it needs, for good.
"""

import asyncio
import ctypes
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sessiond.process.recurring import recur
from sessiond.process.usage import resident_memory_bytes

__all__ = ["memory_given_back"]

INTERVAL_SECONDS = 10.0
SLACK_BYTES = 32 * 1024 * 1024
"""So much more than after the last time is worth a look, which takes some milliseconds, in a thread."""

KEPT_BYTES = 32 * 1024 * 1024
"""Pieces up to this size come from memory that was used before, and as much of that stays free until the next look.

By default the library asks the system for each large piece anew. A page that is touched for the first time costs more
than what is then done with it: a request of 14 MB, of which there are some copies, took five times as long.
"""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


@asynccontextmanager
async def memory_given_back() -> AsyncIterator[None]:
    """Looks from time to time, for as long as the block. Does nothing where the C library is not GNU's."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "malloc_trim") or resident_memory_bytes() is None:
        yield
        return
    library.mallopt(_M_MMAP_THRESHOLD, KEPT_BYTES)
    library.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
    giving_back = asyncio.create_task(_give_back(lambda: library.malloc_trim(0)), name="sessiond memory")
    try:
        yield
    finally:
        giving_back.cancel()


async def _give_back(trim: Callable[[], object]) -> None:
    lowest = least = resident_memory_bytes() or 0
    collections = _full_collections()

    async def look() -> None:
        nonlocal lowest, least, collections
        now = resident_memory_bytes() or 0
        # What was garbage when it was looked last is free since it was collected.
        if now > (least if _full_collections() == collections else lowest) + SLACK_BYTES:
            await asyncio.to_thread(trim)
            collections = _full_collections()
            now = least = resident_memory_bytes() or 0
        least, lowest = min(least, now), min(lowest, now)

    await recur(INTERVAL_SECONDS, "giving back memory", look)


def _full_collections() -> int:
    return int(gc.get_stats()[2]["collections"])
