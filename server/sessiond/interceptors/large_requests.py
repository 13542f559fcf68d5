"""Keeps a flood of large requests from filling the memory, and the writer's queue before everybody else."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sessiond.store.errors import BusyError

__all__ = ["LargeRequests"]

AT_WORK_BYTES = 4 * 1024 * 1024
"""How much is decoded and written at once: one of the largest items, which takes a disk some hundredths of a second."""

WAITING_BYTES = 64 * 1024 * 1024
"""How much waits for that, as it came; whoever comes then is told to come again."""


class LargeRequests:
    """Places for large requests, given in the order in which they are asked for."""

    def __init__(self) -> None:
        self._at_work_bytes = 0
        self._waiting_bytes = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def place(self, size_bytes: int) -> AsyncIterator[None]:
        """A place for a request of this size, waited for. Raises BusyError when too many wait already."""
        await self._take(size_bytes)
        try:
            yield
        finally:
            self._give_back(size_bytes)

    async def _take(self, size_bytes: int) -> None:
        if not self._waiting and self._fits(size_bytes):
            self._at_work_bytes += size_bytes
            return
        if self._waiting_bytes + size_bytes > WAITING_BYTES:
            raise BusyError
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size_bytes, turn))
        self._waiting_bytes += size_bytes
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                # The place was given in the same moment.
                self._give_back(size_bytes)
            raise
        finally:
            self._waiting_bytes -= size_bytes

    def _give_back(self, size_bytes: int) -> None:
        self._at_work_bytes -= size_bytes
        while self._waiting and (self._waiting[0][1].done() or self._fits(self._waiting[0][0])):
            size, turn = self._waiting.popleft()
            if not turn.done():
                self._at_work_bytes += size
                turn.set_result(None)

    def _fits(self, size_bytes: int) -> bool:
        # One that is larger than all places together has them to itself.
        return not self._at_work_bytes or self._at_work_bytes + size_bytes <= AT_WORK_BYTES
