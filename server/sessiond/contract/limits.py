"""The limits on what a client may send, with their defaults."""

from dataclasses import dataclass

__all__ = [
    "DEFAULT_HEARTBEAT_INTERVAL_SECONDS",
    "DEFAULT_PAGE_SIZE",
    "FRAGMENT_BYTES",
    "MAX_HEARTBEAT_INTERVAL_SECONDS",
    "MAX_ID_BYTES",
    "MAX_MODEL_BYTES",
    "MAX_PAGE_SIZE",
    "MAX_SEQUENCE",
    "TAIL_FRAME_BYTES",
    "Limits",
]

MAX_ID_BYTES = 256
"""The longest id of a session, message, tool call or event, and the longest custom type or metadata key."""

MAX_MODEL_BYTES = 4096
"""The longest name of a model: that of the newest event is in the row of its session, which stays in memory, is written
anew with each write to the session, and is part of each list."""

MAX_SEQUENCE = 2**63 - 1
"""The largest sequence that the database can hold."""

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000

DEFAULT_HEARTBEAT_INTERVAL_SECONDS = 15
MAX_HEARTBEAT_INTERVAL_SECONDS = 3600

FRAGMENT_BYTES = 256 * 1024
"""The size at which a fragment of a streamed answer is sent; only a single larger item exceeds it."""

TAIL_FRAME_BYTES = 64 * 1024
"""The size at which a frame of a tail is sent; only a single larger commit exceeds it. What a client does not take
is kept for each tail: it is smaller than a fragment, since tails stay open."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one server, in bytes unless the name says otherwise.

    The defaults keep every single answer below gRPC's default message size of 4 MiB, so that a client which sets no
    option can read whatever was stored. The last four bound what is kept; 0 is without a limit.
    """

    max_item_bytes: int = 7 * 512 * 1024
    max_metadata_bytes: int = 64 * 1024
    max_request_bytes: int = 16 * 1024 * 1024
    max_mutations_per_commit: int = 1000
    max_commits_per_request: int = 1000
    max_commits_in_flight: int = 4096
    max_bytes_in_flight: int = 8 * 1024 * 1024
    max_sessions: int = 0
    max_events_per_session: int = 0
    max_bytes_per_session: int = 0
    max_tails_per_client: int = 0
