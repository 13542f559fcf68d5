"""Writes that nobody asked for, to see whether one is possible."""

from sessiond.store.sqlite.operations import Operation
from sessiond.store.sqlite.transaction import WriteTransaction

__all__ = ["PROBE", "Probe"]

PROBE_BYTES = 64 * 1024
"""More than what most calls write: a disk with room for less counts as full."""

PROBE = (
    f"INSERT OR REPLACE INTO store_info (key, value) VALUES ('probe', hex(zeroblob({PROBE_BYTES // 2})))",  # noqa: S608 - our own number
    "DELETE FROM store_info WHERE key = 'probe'",
)
"""Each in a transaction of its own: what is inserted and deleted in one needs no room."""


class Probe(Operation[None]):
    """An operation of one statement."""

    def __init__(self, statement: str) -> None:
        self._statement = statement

    def apply(self, transaction: WriteTransaction) -> None:
        """See Operation."""
        transaction.connection.execute(self._statement)
