"""How many tails each client may have open."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from sessiond.store.errors import LimitReachedError

__all__ = ["TailPlaces"]


class TailPlaces:
    """Counts the open tails of each client, when there is a limit; 0 is without one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: Counter[str] = Counter()

    @contextmanager
    def place(self, client: str) -> Generator[None, None, None]:
        """A place for one tail, taken when it is entered. Raises LimitReachedError."""
        if self._limit and self._taken[client] >= self._limit:
            raise LimitReachedError.tails(self._limit)
        self._taken[client] += 1
        try:
            yield
        finally:
            self._taken[client] -= 1
            if not self._taken[client]:
                del self._taken[client]
