"""When Python looks for cycles of garbage in a process that serves.

A collection holds up everything, with a thousand tails for 40 ms. Python's own rule counts what was made and not freed
yet, which under load goes up and down with what is under way: it has it collect several times a second, and find
nothing, since what a call leaves behind is nearly always freed without.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import process_time

from sessiond.process.usage import resident_memory_bytes

__all__ = ["CollectionRule", "collected_when_quiet"]

INTERVAL_SECONDS = 1.0

FEW_OBJECTS = 10_000
"""With fewer new objects than this there is nothing worth a look."""

MANY_OBJECTS = 250_000
"""With so many it is not put off: as many as a few thousand calls under way are made of."""

GROWN_BYTES = 64 * 1024 * 1024
"""Nor when the process has grown by so much: a few objects may hold large requests."""

QUIET_SHARE = 0.1
"""A process that takes less of a processor holds up nobody, or one call."""


class CollectionRule:
    """Decides from time to time whether to collect."""

    def __init__(
        self,
        busy_seconds: Callable[[], float] = process_time,
        memory_bytes: Callable[[], int | None] = resident_memory_bytes,
    ) -> None:
        self._busy_seconds = busy_seconds
        self._memory_bytes = memory_bytes
        self._busy_before = busy_seconds()
        self._least_memory = memory_bytes() or 0

    def is_due(self, new_objects: int, seconds: float) -> bool:
        """Whether to collect now; `seconds` have passed since this was asked before."""
        busy = self._busy_seconds()
        is_quiet, self._busy_before = busy - self._busy_before < QUIET_SHARE * seconds, busy
        memory = self._memory_bytes() or 0
        self._least_memory = min(self._least_memory, memory)
        if new_objects < FEW_OBJECTS:
            return False
        return is_quiet or new_objects >= MANY_OBJECTS or memory >= self._least_memory + GROWN_BYTES

    def note_collection(self) -> None:
        """Must follow each collection: what is in use then is what the process is compared with."""
        self._least_memory = self._memory_bytes() or 0


@asynccontextmanager
async def collected_when_quiet() -> AsyncIterator[None]:
    """Collects by that rule for as long as the block, and not by Python's.

    To be entered when everything is loaded, which is not looked through again.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    collecting = asyncio.create_task(_collect(CollectionRule()), name="sessiond collector")
    try:
        yield
    finally:
        collecting.cancel()
        gc.enable()
        gc.unfreeze()


async def _collect(rule: CollectionRule) -> None:
    while True:
        await asyncio.sleep(INTERVAL_SECONDS)
        if rule.is_due(gc.get_count()[0], INTERVAL_SECONDS):
            gc.collect()
            rule.note_collection()
