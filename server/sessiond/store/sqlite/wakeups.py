"""Wakes many waiters without keeping the event loop from everything else."""

import asyncio
from collections import deque
from collections.abc import Iterable

__all__ = ["Wakeups"]

AT_ONCE = 4
"""How many are woken in one turn of the loop: what they then do takes about half a millisecond."""


class Wakeups:
    """Resolves futures, a few in each turn of the event loop, in the order in which they were given.

    Who is woken late finds everything that happened until then: wake-ups coalesce by themselves.
    """

    def __init__(self) -> None:
        self._due: deque[asyncio.Future[None]] = deque()
        self._left = AT_ONCE
        """How many more may be woken in this turn of the loop."""
        self._next_turn: asyncio.Handle | None = None

    def wake(self, waiters: Iterable[asyncio.Future[None]]) -> None:
        """Wakes all of them, the first at once unless others are being woken."""
        self._due.extend(waiters)
        self._wake_some()

    def _wake_some(self) -> None:
        while self._due and self._left:
            waiter = self._due.popleft()
            if not waiter.done():
                self._left -= 1
                waiter.set_result(None)
        if self._next_turn is None and self._left < AT_ONCE:
            # Those that were woken take their turn first, and whatever else came in the meantime.
            self._next_turn = asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._next_turn = None
        self._left = AT_ONCE
        self._wake_some()
