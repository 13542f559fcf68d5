"""The functions that migrations call beside those of SQLite. What they give for a row never changes."""

import sqlite3
from collections.abc import Callable
from typing import Any

from sessiond.store.sqlite.checksums import checksum, event_checksum

__all__ = ["add_functions"]


def add_functions(connection: sqlite3.Connection) -> None:
    """Lets a connection call `row_sum` and `event_sum`."""
    connection.create_function("row_sum", -1, _or_none(_row_sum), deterministic=True)
    connection.create_function("event_sum", 8, _or_none(_event_sum), deterministic=True)


def _or_none(function: Callable[..., int]) -> Callable[..., int | None]:
    """None where a text is none, as SQLite can say: an error would end the migration for the sake of one row."""

    def guarded(*values: Any) -> int | None:
        try:
            return function(*values)
        except UnicodeDecodeError:
            return None

    return guarded


def _row_sum(count: int, *values: Any) -> int:
    return checksum(tuple(map(_text, values[:count])), *values[count:])


def _event_sum(
    position: int,
    session_key: int,
    sequence: int,
    commit_index: int,
    stored_at_us: int,
    event_type: bytes,
    event_id: bytes | None,
    payload: bytes,
) -> int:
    return event_checksum(
        position, session_key, sequence, commit_index, stored_at_us, _text(event_type), _text(event_id), payload
    )


def _text(value: Any) -> Any:
    """Texts come as blobs: the driver refuses those that are none before anybody is asked."""
    return value.decode() if isinstance(value, bytes) else value
