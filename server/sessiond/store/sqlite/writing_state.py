"""Whether writing is possible, and who waits for that to change."""

import asyncio

__all__ = ["WritingState"]


class WritingState:
    """Possible until a write failed for what the storage is; again when one succeeded. For the event loop."""

    def __init__(self) -> None:
        self.possible = True
        self._changed = asyncio.Event()

    def note(self, *, possible: bool) -> None:
        """Takes in how a try went."""
        if possible != self.possible:
            self.possible = possible
            self._changed.set()
            self._changed = asyncio.Event()

    async def change(self, known: bool) -> bool:
        """Waits until it is otherwise than somebody knows, and returns how it is."""
        while self.possible == known:
            await self._changed.wait()
        return self.possible
