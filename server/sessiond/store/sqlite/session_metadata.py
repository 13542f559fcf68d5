"""The table of metadata, which the filter of ListSessions reads; the configuration holds the same pairs.

The session's row holds the total of the sums of its rows here, which tells a row that is damaged, lost or too many.
"""

import sqlite3
from collections.abc import Iterable

from sessiond.store.sqlite.checksums import checksum

__all__ = ["labels_checksum", "read_metadata", "replace_metadata"]

_DELETE = "DELETE FROM session_metadata WHERE session_key = ? AND key = ?"
_SET = """
    INSERT INTO session_metadata (session_key, key, value, created_at_us) VALUES (?, ?, ?, ?)
    ON CONFLICT (session_key, key) DO UPDATE SET value = excluded.value
"""
_SELECT = "SELECT key, value, created_at_us FROM session_metadata WHERE session_key = ?"


def labels_checksum(labels: Iterable[tuple[str, str, int]]) -> int:
    """The total of the sums of labels: key, value, and when the session was created."""
    return sum(map(checksum, labels))


def replace_metadata(
    connection: sqlite3.Connection, session_key: int, created_at_us: int, old: dict[str, str], new: dict[str, str]
) -> None:
    """Brings the rows of a session, which was created then, from the old pairs to the new."""
    connection.executemany(_DELETE, [(session_key, key) for key in old if key not in new])
    changed = [(session_key, key, value, created_at_us) for key, value in new.items() if old.get(key) != value]
    connection.executemany(_SET, changed)


def read_metadata(connection: sqlite3.Connection, session_key: int) -> tuple[dict[str, str], int]:
    """The pairs of a session, and their sum as they were read."""
    rows = connection.execute(_SELECT, (session_key,)).fetchall()
    return {key: value for key, value, _ in rows}, labels_checksum(rows)
