"""Sessions whose rows were changed behind the store's back, and are to be taken for sound."""

import sqlite3

from sessiond.store.sqlite.session_rows import ROW_COLUMNS, SessionRow

__all__ = ["sum_sessions_again"]


def sum_sessions_again(connection: sqlite3.Connection) -> None:
    """Gives each row of a session the sum that it would have been stored with."""
    rows = [SessionRow(*columns) for columns in connection.execute(f"SELECT {ROW_COLUMNS} FROM sessions")]  # noqa: S608
    connection.executemany(
        "UPDATE sessions SET checksum = ? WHERE session_key = ?", [(row.sum_now(), row.session_key) for row in rows]
    )
