"""The times that transcripts write, as timestamps, to the digit."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.importers.entry_json import Json, Number

__all__ = ["from_iso", "from_seconds"]

_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?\s*(Z|z|[+-]\d\d:?\d\d)?", re.ASCII)
_MIN_SECONDS = -62_135_596_800  # the year 1
_MAX_SECONDS = 253_402_300_799  # the year 9999
_NANOS = 1_000_000_000


def from_iso(value: Json) -> Timestamp | None:
    """The time in an ISO 8601 text, UTC when it names no zone; None when the value is no such text."""
    if not isinstance(value, str):
        return None
    match = _ISO.fullmatch(value)
    if match is None:
        return None
    day, time, fraction, zone = match.groups()
    zone = "+00:00" if zone is None or zone in "Zz" else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{zone}")
        whole = moment - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return _timestamp(whole.days * 86_400 + whole.seconds, int((fraction or "").ljust(9, "0")))


def from_seconds(value: Json) -> Timestamp | None:
    """The time as seconds since 1970, cut to nanoseconds; None when the value is no such number."""
    if isinstance(value, bool) or not isinstance(value, int | float | Number):
        return None
    try:
        # By way of text: the binary value of a float has digits that nobody wrote.
        seconds = Decimal(value.text if isinstance(value, Number) else repr(value))
        if not _MIN_SECONDS <= seconds <= _MAX_SECONDS:
            return None
        nanos = int(seconds * _NANOS)
    except (InvalidOperation, ValueError):
        return None
    return _timestamp(*divmod(nanos, _NANOS))


def _timestamp(seconds: int, nanos: int) -> Timestamp | None:
    if not _MIN_SECONDS <= seconds <= _MAX_SECONDS:
        return None
    return Timestamp(seconds=seconds, nanos=nanos)
