"""Tells who works for clients that the server shuts down."""

import asyncio
from collections.abc import Callable

__all__ = ["Draining"]


class Draining(asyncio.Event):
    """Set when the server shuts down, and not taken back.

    Who waits for something else meanwhile is told by a call: a task that waits for this alone would cost as much as the
    stream that it watches.
    """

    def __init__(self) -> None:
        super().__init__()
        self._calls: set[Callable[[], object]] = set()

    def set(self) -> None:
        """See asyncio.Event."""
        super().set()
        for call in tuple(self._calls):
            call()

    def tell(self, call: Callable[[], object]) -> None:
        """Calls when it is set, or at once where it is, until `forget`."""
        self._calls.add(call)
        if self.is_set():
            call()

    def forget(self, call: Callable[[], object]) -> None:
        """Must follow each `tell`."""
        self._calls.discard(call)
