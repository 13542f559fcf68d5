"""What the writer does that nobody asked for, and when it takes time for it."""

import logging
import time
from abc import ABC, abstractmethod

from sessiond.store.sqlite.operations import Operation
from sessiond.store.sqlite.writer_memory import WriterMemory

__all__ = ["FAILED_SECONDS", "Chore"]

_log = logging.getLogger(__name__)

FAILED_SECONDS = 60.0
"""After a failure it is left for so long."""


class Chore(ABC):
    """Work that is done a little at a time, in transactions of its own, and takes a share of the writer's time at most.

    For the event loop.
    """

    share: float
    """So much of the time is taken, however much there is to do."""
    complaint: str
    """What is logged when it fails."""

    def __init__(self, memory: WriterMemory, operation: Operation[None]) -> None:
        self.operation = operation
        """Does a little of it."""
        self._memory = memory
        self._not_before = 0.0

    @abstractmethod
    def is_due(self) -> bool:
        """Whether there is something to do."""

    def seconds_left(self) -> float:
        """How long it is until a little is to be done, when it is due."""
        return max(0.0, self._not_before - time.monotonic())

    def took(self, seconds: float) -> None:
        """Notes that a little was done."""
        self._not_before = time.monotonic() + seconds * (1 / self.share - 1)

    def failed(self, error: Exception) -> None:
        """Notes that it could not be done."""
        self.pause()
        _log.warning("%s: %s", self.complaint, error)

    def pause(self) -> None:
        """Leaves it for a while."""
        self._not_before = time.monotonic() + FAILED_SECONDS
