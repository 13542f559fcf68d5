"""The table of metadata, which the filter of ListSessions reads; the configuration holds the same pairs."""

import sqlite3

__all__ = ["read_metadata", "replace_metadata"]

_DELETE = "DELETE FROM session_metadata WHERE session_key = ? AND key = ?"
_SET = """
    INSERT INTO session_metadata (session_key, key, value, created_at_us) VALUES (?, ?, ?, ?)
    ON CONFLICT (session_key, key) DO UPDATE SET value = excluded.value
"""
_SELECT = "SELECT key, value FROM session_metadata WHERE session_key = ?"


def replace_metadata(
    connection: sqlite3.Connection, session_key: int, created_at_us: int, old: dict[str, str], new: dict[str, str]
) -> None:
    """Brings the rows of a session, which was created then, from the old pairs to the new."""
    connection.executemany(_DELETE, [(session_key, key) for key in old if key not in new])
    changed = [(session_key, key, value, created_at_us) for key, value in new.items() if old.get(key) != value]
    connection.executemany(_SET, changed)


def read_metadata(connection: sqlite3.Connection, session_key: int) -> dict[str, str]:
    """The pairs of a session."""
    return dict(connection.execute(_SELECT, (session_key,)).fetchall())
