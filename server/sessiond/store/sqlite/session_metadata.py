"""The table of metadata, which the filter of ListSessions reads; the configuration holds the same pairs.

The session's row holds the total of the sums of its rows here, which tells a row that is damaged, lost or too many.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sessiond.store.sqlite.checksums import checksum

__all__ = ["NO_LABELS", "SESSIONS_AT_ONCE", "Labels", "labels_checksum", "read_metadata", "replace_metadata"]

SESSIONS_AT_ONCE = 32
"""A statement for each session of a list would take as long as all else of it."""

_DELETE = "DELETE FROM session_metadata WHERE session_key = ? AND key = ?"
_SET = """
    INSERT INTO session_metadata (session_key, key, value, created_at_us) VALUES (?, ?, ?, ?)
    ON CONFLICT (session_key, key) DO UPDATE SET value = excluded.value
"""
_SELECT = f"""
    SELECT session_key, key, value, created_at_us FROM session_metadata
    WHERE session_key IN ({", ".join("?" * SESSIONS_AT_ONCE)})
"""  # noqa: S608 - nothing but question marks


class Labels(NamedTuple):
    """The pairs of a session, and their sum as they were read."""

    pairs: dict[str, str]
    checksum: int


NO_LABELS = Labels({}, 0)


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


def read_metadata(connection: sqlite3.Connection, session_keys: Sequence[int]) -> dict[int, Labels]:
    """The pairs of sessions that have any, by session key; of SESSIONS_AT_ONCE at most."""
    # One statement for any number of them, so that it is prepared once.
    unused = [None] * (SESSIONS_AT_ONCE - len(session_keys))
    rows: dict[int, list[tuple[str, str, int]]] = defaultdict(list)
    for session_key, *label in connection.execute(_SELECT, (*session_keys, *unused)):
        rows[session_key].append((label[0], label[1], label[2]))
    return {
        session_key: Labels({key: value for key, value, _ in labels}, labels_checksum(labels))
        for session_key, labels in rows.items()
    }
