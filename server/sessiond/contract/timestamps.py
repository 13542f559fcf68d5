"""Times: google.protobuf.Timestamp on the wire, integer microseconds since 1970 in UTC in the store."""

import time

from google.protobuf.timestamp_pb2 import Timestamp

__all__ = ["ceil_us", "floor_us", "from_us", "now_us", "set_us"]


def now_us() -> int:
    """The time of the system's clock, in microseconds."""
    return time.time_ns() // 1000


def from_us(microseconds: int) -> Timestamp:
    """The timestamp of a stored time."""
    timestamp = Timestamp()
    set_us(timestamp, microseconds)
    return timestamp


def set_us(timestamp: Timestamp, microseconds: int) -> None:
    """Makes a timestamp that of a stored time."""
    timestamp.seconds, rest = divmod(microseconds, 1_000_000)
    timestamp.nanos = rest * 1000


def floor_us(timestamp: Timestamp) -> int:
    """The last stored time that is not after the timestamp."""
    return timestamp.seconds * 1_000_000 + timestamp.nanos // 1000


def ceil_us(timestamp: Timestamp) -> int:
    """The first stored time that is not before the timestamp."""
    return timestamp.seconds * 1_000_000 + -(-timestamp.nanos // 1000)
