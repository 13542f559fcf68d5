"""The write that nobody asked for, which has sessions turn cold, and when the writer takes time for it."""

import sqlite3

from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite.chores import Chore
from sessiond.store.sqlite.errors import translated
from sessiond.store.sqlite.label_horizon import AT_ONCE, HOT_SESSIONS, count_hot, read_horizon
from sessiond.store.sqlite.operations import Operation
from sessiond.store.sqlite.transaction import WriteTransaction
from sessiond.store.sqlite.writer_memory import WriterMemory

__all__ = ["AdvanceHorizon", "HorizonChore", "hot_at_start"]


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


class HorizonChore(Chore):
    """Keeps the number of hot sessions small, however many sessions there are and whatever is written to them."""

    share = 0.05
    complaint = "the horizon of the labels stays where it is"

    def __init__(self, memory: WriterMemory) -> None:
        super().__init__(memory, AdvanceHorizon())

    def is_due(self) -> bool:
        """See Chore."""
        return self._memory.hot >= HOT_SESSIONS + AT_ONCE
