"""Ranges of indexes that exist twice, to tell that one of the two has lost an entry or has it at the wrong place.

What is read from a row is known to be right by the row's sum; what an index has lost is not read at all.
"""

import sqlite3
from collections.abc import Sequence

from sessiond.store.errors import CorruptedError

__all__ = ["check_copies", "check_order", "has_few_sessions"]

COUNTED_SESSIONS = 1_000
"""To count the entries of more live sessions would take longer than a page of their list."""

_COUNT_SOME = """
    SELECT count(*), total(session_key)
    FROM (SELECT session_key FROM sessions INDEXED BY {index} WHERE archived_at_us IS NULL LIMIT {limit})
"""


def check_copies(
    connection: sqlite3.Connection,
    source: str,
    index: str,
    terms: Sequence[str],
    values: Sequence[object],
    order: str = "",
) -> None:
    """Compares the keys of sessions in a range of an index and of its copy. Raises CorruptedError.

    `source` is the table with its alias, `terms` are conditions on it that make the range, and `order` is the one in
    which the answer walks over it: where a key is out of order, a walk backwards can meet less than one forwards.
    """
    one, other = (
        connection.execute(
            # LIMIT: without one the order would be left out, which makes no difference to sums.
            "SELECT count(*), total(session_key) FROM ("  # noqa: S608 - our own names
            f"SELECT session_key FROM {source} INDEXED BY {name} WHERE {' AND '.join(terms)} {order} LIMIT -1)",
            values,
        ).fetchone()
        for name in (index, f"{index}_again")
    )
    if one != other:
        raise CorruptedError("an index of sessions")


def check_order(connection: sqlite3.Connection, index: str) -> None:
    """Compares an index of the live sessions, which exists once, with that by creation, where they are few.

    Raises CorruptedError.
    """
    counted = _count_some(connection, index)
    if counted[0] <= COUNTED_SESSIONS and counted != _count_some(connection, "sessions_by_created_at"):
        raise CorruptedError("an index of sessions")


def has_few_sessions(connection: sqlite3.Connection) -> bool:
    """Whether the live sessions are so few that an order of them is to be walked, which is then compared."""
    return _count_some(connection, "sessions_by_created_at")[0] <= COUNTED_SESSIONS


def _count_some(connection: sqlite3.Connection, index: str) -> tuple[int, float]:
    query = _COUNT_SOME.format(index=index, limit=COUNTED_SESSIONS + 1)
    number, keys = connection.execute(query).fetchone()
    return number, keys
