"""Stored text as a terminal may show it."""

import unicodedata
from datetime import UTC

from google.protobuf.timestamp_pb2 import Timestamp

__all__ = ["local_time", "one_line", "visible"]


def visible(text: str) -> str:
    """The text with control characters spelled out: what an agent stored must not steer the reader's terminal."""
    if text.isprintable():
        return text
    return "".join(
        character if character in "\n\t" or not _steers(character) else _spelled(character) for character in text
    )


def one_line(text: str, length: int) -> str:
    """The text on one line, cut to a length."""
    line = visible(" ".join(text[: 4 * length].split()))
    return line if len(line) <= length else f"{line[: length - 1]}…"


def local_time(timestamp: Timestamp) -> str:
    """A time in the reader's time zone, to the second."""
    time = timestamp.ToDatetime(tzinfo=UTC)
    try:
        return time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError):
        # At the ends of the calendar, where the reader's zone would need another year.
        return time.strftime("%Y-%m-%d %H:%M:%S UTC")


def _steers(character: str) -> bool:
    # Control characters, and the marks that turn the direction of text around.
    return character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cf", "Cs")


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode()
