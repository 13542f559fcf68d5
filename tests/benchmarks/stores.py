"""What a store does in the workloads: the daemon's own client and the peers alike."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from enum import Flag, auto

__all__ = ["Role", "Store"]


class Role(Flag):
    """What a store can be measured at."""

    APPEND = auto()
    FOLLOW = auto()
    REPLAY = auto()


class Store(ABC):
    """A store of sessions, each a sequence of events, that a benchmark drives.

    Attributes:
        name: How the table calls it.
        version: What ran.
        note: What a reader has to know of it, above all when it acknowledges.
    """

    name: str
    version: str = ""
    note: str = ""

    async def prepare(self, sessions: Sequence[str]) -> None:  # noqa: B027 - most have nothing to prepare
        """Makes sessions that do not exist yet, where the store wants that."""

    @abstractmethod
    async def append(self, session: str) -> object:
        """Appends the event to a session; returns when the store acknowledged it."""

    def follow(self, session: str) -> AbstractAsyncContextManager[Callable[[], Awaitable[object]]]:
        """Another client that follows a new session, as a function that waits for its next event."""
        raise NotImplementedError(f"{self.name} has nothing to follow {session} with")
