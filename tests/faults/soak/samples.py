"""What a daemon says of itself, again and again."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from time import monotonic

from sessionstore import AsyncSessionStore
from tests.benchmarks.process_memory import BYTES_A_MB
from tests.benchmarks.sampling import sampling

__all__ = ["Sample", "sampled", "taken"]


@dataclass(frozen=True)
class Sample:
    """The daemon at a time.

    Attributes:
        seconds: Since the beginning.
        lag_ms: How late its event loop was at most, since the sample before.
    """

    seconds: float
    memory_mb: float
    descriptors: int
    tasks: int
    tails: int
    wal_mb: float
    lag_ms: float
    events: int


async def taken(client: AsyncSessionStore, began: float) -> Sample:
    """A sample of now."""
    found = await client.get_server_metrics()
    return Sample(
        seconds=monotonic() - began,
        memory_mb=found.resident_memory_bytes / BYTES_A_MB,
        descriptors=found.open_descriptors,
        tasks=found.tasks,
        tails=found.open_tails,
        wal_mb=found.wal_bytes / BYTES_A_MB,
        lag_ms=found.loop_lag_longest_seconds * 1000,
        events=found.events,
    )


def sampled(client: AsyncSessionStore, every_seconds: float) -> AbstractAsyncContextManager[list[Sample]]:
    """The samples, of which there are more and more while the block runs."""
    began = monotonic()
    return sampling(lambda: taken(client, began), every_seconds)
