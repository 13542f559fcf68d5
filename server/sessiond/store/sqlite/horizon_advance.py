"""The write that nobody asked for, which has sessions turn cold, and when the writer takes time for it."""

import sqlite3
import time

from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite.errors import translated
from sessiond.store.sqlite.label_horizon import AT_ONCE, HOT_SESSIONS, count_hot, read_horizon
from sessiond.store.sqlite.operations import Operation
from sessiond.store.sqlite.transaction import WriteTransaction

__all__ = ["AdvanceHorizon", "AdvancePace", "hot_at_start"]

SHARE = 0.05
"""So much of the writer's time is taken at most, however many sessions there are and whatever is written to them."""

FAILED_SECONDS = 60.0
"""After a failure it is left for so long."""


def hot_at_start(connection: sqlite3.Connection) -> int:
    """How many sessions are hot, as far as it matters; 0 where that is damaged, which whoever needs it is told."""
    try:
        with translated():
            return count_hot(connection, read_horizon(connection), HOT_SESSIONS + AT_ONCE)
    except CorruptedError:
        return 0


class AdvanceHorizon(Operation[None]):
    """Has some sessions turn cold, where too many are hot."""

    def apply(self, transaction: WriteTransaction) -> None:
        """See Operation. Raises CorruptedError."""
        transaction.advance_horizon()


class AdvancePace:
    """Tells when to do it next."""

    def __init__(self) -> None:
        self._not_before = 0.0

    def seconds_left(self, hot: int) -> float | None:
        """How long it is until then, with so many hot sessions; None when there is nothing to do."""
        return max(0.0, self._not_before - time.monotonic()) if hot >= HOT_SESSIONS + AT_ONCE else None

    def took(self, seconds: float) -> None:
        """Notes that it was done."""
        self._not_before = time.monotonic() + seconds * (1 / SHARE - 1)

    def failed(self) -> None:
        """Notes that it could not be done."""
        self._not_before = time.monotonic() + FAILED_SECONDS
