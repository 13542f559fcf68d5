"""Wakes many waiters without keeping the event loop from everything else."""

import asyncio
from collections import deque
from collections.abc import Iterable

__all__ = ["Wakeups"]

AT_ONCE = 32
"""How many are woken in one turn of the loop: what they then do takes one or two milliseconds."""


class Wakeups:
    """Resolves futures, a few in each turn of the event loop, in the order in which they were given.

    Who is woken late finds everything that happened until then: wake-ups coalesce by themselves.
    """

    def __init__(self) -> None:
        self._due: deque[asyncio.Future[None]] = deque()
        self._running = False

    def wake(self, waiters: Iterable[asyncio.Future[None]]) -> None:
        """Wakes all of them, the first at once."""
        self._due.extend(waiters)
        if not self._running:
            self._wake_some()

    def _wake_some(self) -> None:
        for _ in range(min(AT_ONCE, len(self._due))):
            waiter = self._due.popleft()
            if not waiter.done():
                waiter.set_result(None)
        self._running = bool(self._due)
        if self._running:
            # Those that were woken take their turn first, and whatever else came in the meantime.
            asyncio.get_running_loop().call_soon(self._wake_some)
