"""Deadlines of many things that wait equally long, with one timer for all: a timer for each costs more than a write."""

import asyncio
from collections import deque
from typing import Any

__all__ = ["Deadlines", "OverdueError"]


class OverdueError(Exception):
    """A future was not done in time."""


class Deadlines:
    """Fails futures that are not done in time. Must be used from one event loop."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._watched: deque[tuple[float, asyncio.Future[Any]]] = deque()
        """In the order of their deadlines, since all have the same time."""
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, future: "asyncio.Future[Any]") -> None:
        """Lets a future fail with OverdueError when it is not done `timeout_seconds` from now."""
        self._forget_done()
        self._watched.append((self._loop.time() + self._timeout_seconds, future))
        if self._timer is None:
            self._timer = self._loop.call_at(self._watched[0][0], self._look)

    def close(self) -> None:
        """Watches nothing any more."""
        self._watched.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _forget_done(self) -> None:
        while self._watched and self._watched[0][1].done():
            self._watched.popleft()

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._watched and (self._watched[0][1].done() or self._watched[0][0] <= now):
            _, future = self._watched.popleft()
            if not future.done():
                future.set_exception(OverdueError())
        if self._watched:
            self._timer = self._loop.call_at(self._watched[0][0], self._look)
