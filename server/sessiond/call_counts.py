"""Counts what the calls of a server do, for its metrics."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["CallCounts"]


class CallCounts:
    """The counts of one server.

    Attributes:
        open_calls: The calls that have not ended.
        open_streams: Those of them that answer with a stream, by the full path of the call.
        frames: The frames that tails were given.
        refusals: The calls that ended with an error, by its reason.
    """

    def __init__(self) -> None:
        self.open_calls = 0
        self.open_streams: Counter[str] = Counter()
        self.frames = 0
        self.refusals: Counter[str] = Counter()
        self._none_open: asyncio.Event | None = None
        """Set when the last call ends, for who waits for that."""

    def end_call(self) -> None:
        """Must follow each call that was counted as open."""
        self.open_calls -= 1
        if self._none_open is not None and not self.open_calls:
            self._none_open.set()

    async def wait_for_the_last(self) -> None:
        """Returns when no call is open; for one who waits, when no more are let in."""
        if self.open_calls:
            self._none_open = asyncio.Event()
            await self._none_open.wait()

    @contextmanager
    def open_stream(self, method: str) -> Iterator[None]:
        """Counts a call that answers with a stream for as long as the block."""
        self.open_calls += 1
        self.open_streams[method] += 1
        try:
            yield
        finally:
            self.end_call()
            self.open_streams[method] -= 1
            if not self.open_streams[method]:
                # The name of the call is the client's choice: what is not open must not be kept.
                del self.open_streams[method]
