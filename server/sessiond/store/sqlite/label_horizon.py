"""Copies of what the lists are ordered by, beside the labels of cold sessions: of those that nobody wrote to for long.

The horizon is a place in the order of updates. A live session up to there is cold, and the copies beside its labels are
as its row has them; one behind it is hot, and its copies are of an earlier time, or none. A session turns hot by any
write to it, which leaves the copies alone and so costs nothing; the horizon advances some sessions at a time, and then
their copies are written.
"""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite.checksums import checksum
from sessiond.store.sqlite.session_rows import SessionRow

__all__ = [
    "AT_ONCE",
    "HOT_SESSIONS",
    "LABELS_AT_ONCE",
    "LOWEST",
    "MOST_AT_ONCE",
    "Horizon",
    "advance",
    "count_hot",
    "drop_copies",
    "read_horizon",
    "write_copies",
]

HOT_SESSIONS = 256
"""So many are left hot. A list by label may look at all of them; fewer would have sessions written to turn cold."""

AT_ONCE = 32
"""So many turn cold in one transaction: before there are so many more than HOT_SESSIONS, none does."""

MOST_AT_ONCE = 64
"""Where many more are hot, up to so many do: most of what a short transaction takes is the sync at its end."""

LABELS_AT_ONCE = 256
"""The transaction ends with the session whose labels make as many."""

_READ = "SELECT updated_at_us, session_key, checksum FROM label_horizon"
_WRITE = "UPDATE label_horizon SET updated_at_us = ?, session_key = ?, checksum = ?"
_COPY = "UPDATE session_metadata SET updated_at_us = ?, message_count = ? WHERE session_key = ?"
_HOT = """
    FROM sessions INDEXED BY sessions_by_updated_at
    WHERE archived_at_us IS NULL AND (updated_at_us, session_key) > (?, ?)
"""
_COUNT_HOT = f"SELECT count(*) FROM (SELECT 1 {_HOT} LIMIT ?)"  # noqa: S608 - our own names
_OLDEST_HOT = f"""
    SELECT updated_at_us, session_key, message_count {_HOT} ORDER BY updated_at_us, session_key LIMIT ?
"""


class Horizon(NamedTuple):
    """The last place of a cold session in the order of updates."""

    updated_at_us: int
    session_key: int

    def has(self, row: SessionRow) -> bool:
        """Whether a live session is cold."""
        return (row.updated_at_us, row.session_key) <= self


LOWEST = Horizon(1 - 2**63, 0)
"""Every session is hot."""


def read_horizon(connection: sqlite3.Connection) -> Horizon:
    """Where the horizon is. Raises CorruptedError."""
    found = connection.execute(_READ).fetchall()
    if len(found) != 1 or found[0][2] != checksum(found[0][:2]):
        raise CorruptedError("the horizon of the labels")
    return Horizon(*found[0][:2])


def count_hot(connection: sqlite3.Connection, horizon: Horizon, most: int) -> int:
    """How many sessions are hot; `most` when there are as many or more."""
    return int(connection.execute(_COUNT_HOT, (*horizon, most)).fetchone()[0])


def write_copies(connection: sqlite3.Connection, rows: Iterable[SessionRow]) -> None:
    """Makes the copies of sessions as their rows are."""
    connection.executemany(_COPY, [(row.updated_at_us, row.message_count, row.session_key) for row in rows])


def drop_copies(connection: sqlite3.Connection, session_key: int) -> None:
    """Leaves a session without copies: no list passes it any more."""
    connection.execute(_COPY, (None, None, session_key))


def advance(connection: sqlite3.Connection) -> tuple[Horizon, int]:
    """Has the oldest of the hot sessions turn cold, where there are AT_ONCE too many.

    Returns the horizon and how many sessions are hot, as far as they were counted. Raises CorruptedError.
    """
    horizon = read_horizon(connection)
    # Beyond that there are too many afterwards too, and are counted again.
    hot = count_hot(connection, horizon, HOT_SESSIONS + MOST_AT_ONCE + AT_ONCE)
    if hot < HOT_SESSIONS + AT_ONCE:
        return horizon, hot
    too_many = min(hot - HOT_SESSIONS, MOST_AT_ONCE)
    labels = 0
    for updated_at_us, session_key, message_count in connection.execute(_OLDEST_HOT, (*horizon, too_many)).fetchall():
        # As they stand in the row. Where that is damaged, its sum tells whoever reads it.
        labels += connection.execute(_COPY, (updated_at_us, message_count, session_key)).rowcount
        horizon = Horizon(updated_at_us, session_key)
        hot -= 1
        if labels >= LABELS_AT_ONCE:
            break
    connection.execute(_WRITE, (*horizon, checksum(horizon)))
    return horizon, hot
