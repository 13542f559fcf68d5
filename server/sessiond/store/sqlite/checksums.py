"""Sums of rows, which are kept beside them: SQLite has none of its pages, and would serve a flipped bit as truth.

A sum is the CRC-32 of what the row holds, as text where it is a number or text. It is part of the database's format:
whoever changes one makes all rows look damaged that were written before.
"""

from zlib import crc32

__all__ = ["checksum", "event_checksum"]


def checksum(values: tuple[int | str | None, ...], *blobs: bytes | None) -> int:
    """The sum of a row with these numbers and texts, and these blobs."""
    sizes = " ".join(["" if blob is None else str(len(blob)) for blob in blobs])
    total = crc32(f"{' '.join(map(str, values))} {sizes}".encode())
    for blob in blobs:
        if blob:
            total = crc32(blob, total)
    return total


def event_checksum(
    position: int,
    session_key: int,
    sequence: int,
    commit_index: int,
    stored_at_us: int,
    event_type: str,
    event_id: str | None,
    payload: bytes,
) -> int:
    """The sum of an event's row; one of its own, since there are so many of them."""
    head = f"{position} {session_key} {sequence} {commit_index} {stored_at_us} {event_type} {event_id}"
    return crc32(payload, crc32(head.encode()))
