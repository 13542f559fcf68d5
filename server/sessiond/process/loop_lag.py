"""How late the event loop is: how long whatever becomes due has to wait for others."""

import asyncio
from collections import deque
from math import ceil

__all__ = ["LoopLag"]

INTERVAL_SECONDS = 0.1
"""Seldom enough to cost nothing, and to let a processor sleep."""

SAMPLES = 600
"""Those of a minute."""


class LoopLag:
    """A timer that is set again and again, and notes how long after its time it rang."""

    def __init__(self) -> None:
        """Starts; must be made in the event loop that it watches."""
        self._loop = asyncio.get_running_loop()
        self._recent: deque[float] = deque(maxlen=SAMPLES)
        self._longest = 0.0
        self._set()

    def take_longest(self) -> float:
        """The longest delay since the last time that this was asked, in seconds."""
        # A timer that is overdue has waited already.
        longest = max(self._longest, self._loop.time() - self._due)
        self._longest = 0.0
        return longest

    def p99(self) -> float:
        """What 99 of 100 delays of the last minute did not exceed, in seconds; 0 before the first."""
        if not self._recent:
            return 0.0
        return sorted(self._recent)[ceil(len(self._recent) * 0.99) - 1]

    def close(self) -> None:
        """Stops."""
        self._timer.cancel()

    def _set(self) -> None:
        self._due = self._loop.time() + INTERVAL_SECONDS
        self._timer = self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        delay = self._loop.time() - self._due
        self._recent.append(delay)
        self._longest = max(self._longest, delay)
        self._set()
