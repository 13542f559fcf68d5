"""The one event that every workload stores: 200 bytes, however it is encoded."""

from sessionstore.v1.event_pb2 import Event
from tests.builders import part

__all__ = ["EVENT", "EVENT_BYTES", "TEXT"]

EVENT_BYTES = 200


def _event() -> Event:
    bare_bytes = len(part("x" * 128).SerializeToString()) - 128
    return part("x" * (EVENT_BYTES - bare_bytes))


EVENT = _event()
"""What goes through the daemon: a part of a message of 200 bytes in all."""

TEXT = "x" * EVENT_BYTES
"""What goes through the stores that know nothing of our messages."""
