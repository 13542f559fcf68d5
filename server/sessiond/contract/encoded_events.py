"""Stored events in their encoded form: put together from what a row holds, and spliced into answers as they are.

The payload of a row is the encoded event. Decoding it only to encode it again costs more than everything else in the
way of an event to a client, so that the few fields around it are written by hand here. Source of the format: the
protobuf encoding specification (tags, base-128 varints, length-delimited fields); the fields stand in the order of
their numbers and those that have their default are left out, so that the bytes are those of the protobuf library.
"""

from collections.abc import Sequence
from functools import lru_cache

__all__ = ["encode_batch", "encode_events", "encode_stored_event"]

_TWO_BYTES = 1 << 14
_SHORT = [bytes((n,)) for n in range(1 << 7)] + [bytes((n & 0x7F | 0x80, n >> 7)) for n in range(1 << 7, _TWO_BYTES)]
"""The varints of up to two bytes."""
_LOW = [bytes((n & 0x7F | 0x80, n >> 7 | 0x80)) for n in range(_TWO_BYTES)]
"""The first two bytes of longer ones."""

# Field number and wire type. Of a StoredEvent:
_SEQUENCE, _POSITION, _EVENT_ID, _STORED_AT, _EVENT = b"\x08", b"\x10", b"\x1a", b"\x22", b"\x2a"
# Of its Timestamp:
_SECONDS, _NANOS = b"\x08", b"\x10"
# Of a GetEventsResponse, and of a TailEventsResponse and its TailedEvents:
_LISTED_EVENT = b"\x0a"
_BATCH, _FIRST_SEQUENCE, _LAST_SEQUENCE, _TAILED_EVENT = b"\x0a", b"\x08", b"\x10", b"\x1a"


def _varint(number: int) -> bytes:
    if number < _TWO_BYTES:
        return _SHORT[number]
    return _LOW[number & (_TWO_BYTES - 1)] + _varint(number >> 14)


def _number(tag: bytes, number: int) -> bytes:
    return tag + _varint(number) if number else b""


@lru_cache(maxsize=8)  # the events of a commit, and of those applied with it, have one time
def _stored_at(microseconds: int) -> bytes:
    seconds, rest = divmod(microseconds, 1_000_000)
    # A time before 1970 is written as what it is modulo 2**64.
    time = _number(_SECONDS, seconds & 0xFFFF_FFFF_FFFF_FFFF) + _number(_NANOS, rest * 1000)
    return _STORED_AT + _varint(len(time)) + time


def encode_stored_event(sequence: int, position: int, stored_at_us: int, event_id: str | None, payload: bytes) -> bytes:
    """The StoredEvent of a row, whose payload is the encoded event."""
    identity = b""
    if event_id is not None:
        text = event_id.encode()
        identity = b"%b%b%b" % (_EVENT_ID, _varint(len(text)), text)
    return b"%b%b%b%b%b%b%b" % (
        _number(_SEQUENCE, sequence),
        _number(_POSITION, position),
        identity,
        _stored_at(stored_at_us),
        _EVENT,
        _varint(len(payload)),
        payload,
    )


def _entries(tag: bytes, events: Sequence[bytes]) -> bytes:
    parts: list[bytes] = []
    for event in events:
        parts += (tag, _varint(len(event)), event)
    return b"".join(parts)


def encode_events(events: Sequence[bytes]) -> bytes:
    """The GetEventsResponse of encoded StoredEvents."""
    return _entries(_LISTED_EVENT, events)


def encode_batch(first_sequence: int, last_sequence: int, events: Sequence[bytes]) -> bytes:
    """The TailEventsResponse of encoded StoredEvents that accounts for a range of sequences."""
    span = _number(_FIRST_SEQUENCE, first_sequence) + _number(_LAST_SEQUENCE, last_sequence)
    entries = _entries(_TAILED_EVENT, events)
    return b"%b%b%b%b" % (_BATCH, _varint(len(span) + len(entries)), span, entries)
