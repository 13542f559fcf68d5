"""Reads of messages. Messages are never changed, so pages of them add up to a snapshot of the time of the first."""

import sqlite3

from google.protobuf.message import DecodeError

from sessiond.contract.decode_errors import check_memory
from sessiond.contract.limits import FRAGMENT_BYTES
from sessiond.contract.timestamps import from_us
from sessiond.store.errors import CorruptedError, NotFoundError
from sessiond.store.sqlite.checksums import checksum
from sessiond.store.sqlite.session_rows import find_live
from sessionstore.v1.message_pb2 import StoredMessage

__all__ = ["message_bounds", "read_messages"]

_SELECT = """
    SELECT sequence, id, stored_at_us, checksum, payload FROM messages
    WHERE session_key = ? AND sequence > ? AND sequence < ? ORDER BY sequence
"""


def message_bounds(connection: sqlite3.Connection, session_id: str) -> tuple[int, int]:
    """The key of a live session and the sequence that its next message gets. Raises NotFoundError, CorruptedError."""
    row = find_live(connection, session_id)
    return row.session_key, row.next_message


def read_messages(
    connection: sqlite3.Connection,
    session_id: str,
    session_key: int,
    *,
    after: int,
    before: int,
    limit: int,
    max_bytes: int = FRAGMENT_BYTES,
) -> list[StoredMessage]:
    """The next messages after a sequence, as many as fit into `max_bytes`, one at least; none at the end.

    Raises NotFoundError when the session was removed since its bounds were read.
    """
    if message_bounds(connection, session_id)[0] != session_key:
        raise NotFoundError.session(session_id)
    page: list[StoredMessage] = []
    size_bytes = 0
    expected = after + 1
    for sequence, message_id, stored_at_us, stored_sum, payload in connection.execute(
        _SELECT, (session_key, after, before)
    ):
        size_bytes += len(payload)
        if len(page) == limit or (page and size_bytes > max_bytes):
            break
        if sequence != expected or stored_sum != checksum((session_key, sequence, message_id, stored_at_us), payload):
            raise CorruptedError(f"message {expected} of session {session_id!r}")
        expected += 1
        stored = StoredMessage(sequence=sequence, stored_at=from_us(stored_at_us))
        try:
            stored.message.ParseFromString(payload)
        except DecodeError as error:
            check_memory(error)
            raise CorruptedError(f"message {sequence} of session {session_id!r}") from error
        page.append(stored)
    else:
        # None is ever deleted.
        if expected < before:
            raise CorruptedError(f"message {expected} of session {session_id!r}")
    return page
