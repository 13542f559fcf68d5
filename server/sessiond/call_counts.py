"""Counts what the calls of a server do, for its metrics."""

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

    @contextmanager
    def open_stream(self, method: str) -> Iterator[None]:
        """Counts a call that answers with a stream for as long as the block."""
        self.open_calls += 1
        self.open_streams[method] += 1
        try:
            yield
        finally:
            self.open_calls -= 1
            self.open_streams[method] -= 1
            if not self.open_streams[method]:
                # The name of the call is the client's choice: what is not open must not be kept.
                del self.open_streams[method]
