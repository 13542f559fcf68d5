"""Lets those who have much to do in the event loop do it one after the other, with everybody else in between."""

import asyncio
from collections import deque

__all__ = ["Turns"]


class Turns:
    """Gives one turn in each turn of the event loop, in the order in which they were asked for.

    If each gave way by itself they would all come back in the next turn of the loop, and a call that needs several of
    them would wait for everybody each time.
    """

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._next: asyncio.Handle | None = None

    async def take(self) -> None:
        """Returns when it is the caller's turn."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        if self._next is None:
            self._next = loop.call_soon(self._give)
        await turn

    def _give(self) -> None:
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft()
        if not self._waiting:
            self._next = None
            return
        self._waiting.popleft().set_result(None)
        self._next = asyncio.get_running_loop().call_soon(self._give)
