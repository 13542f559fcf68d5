"""Ranges of indexes that exist twice, to tell that one of the two has lost an entry or has it at the wrong place.

What is read from a row is known to be right by the row's sum; what an index has lost is not read at all.
"""

import sqlite3
from collections.abc import Sequence

from sessiond.store.errors import CorruptedError

__all__ = ["check_copies"]


def check_copies(
    connection: sqlite3.Connection, source: str, index: str, terms: Sequence[str], values: Sequence[object]
) -> None:
    """Compares the keys of sessions in a range of an index and of its copy. Raises CorruptedError.

    `source` is the table with its alias, and `terms` are conditions on it that make the range.
    """
    one, other = (
        connection.execute(
            f"SELECT count(*), total(session_key) FROM {source} INDEXED BY {name} WHERE {' AND '.join(terms)}",  # noqa: S608 - our own names
            values,
        ).fetchone()
        for name in (index, f"{index}_again")
    )
    if one != other:
        raise CorruptedError("an index of sessions")
