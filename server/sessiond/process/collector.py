"""When Python looks for cycles of garbage in a process that serves.

gRPC leaves a small cycle for each call, which is found among the young objects in less than a millisecond, or among
those that are a little older in a few. A collection of everything holds up the process for longer, with a thousand
tails for 40 to 130 ms. By Python's own rule that comes again and again under load, and finds next to nothing: objects
count as new that only wait for their turn. What one collection finds in use the next ones leave out, until the process
has grown by much.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import Enum
from time import process_time

from sessiond.process.recurring import recur
from sessiond.process.usage import resident_memory_bytes

__all__ = ["CollectionRule", "Scope", "collected_when_quiet"]

INTERVAL_SECONDS = 1.0

YOUNG_OBJECTS = 100
"""How many more objects are made than freed before the young ones are looked through.

There are many more of them than that: an old object that is freed counts for one that is not made.
"""

YOUNG_COLLECTIONS = 2
"""After so many of those, what was young in any of them is looked through once more, and is old then."""

FEW_COLLECTIONS = 1_000
"""With fewer of the young objects than this since then there is nothing worth a look at once."""

MANY_COLLECTIONS = 20_000
"""With so many it is not put off, whatever there is to do, where nothing tells whether the process has grown."""

GROWN_BYTES = 8 * 1024 * 1024
"""Nor for longer than `LONG_SECONDS` when the process has grown by so much since the last time: what gRPC leaves of
calls that outlive their youth is looked through before it is many objects. Not at once: a process that grows fast has
much in use, such as the tails that were just opened. One that has not grown may be busy for as long as it likes."""

MUCH_GROWN_BYTES = 64 * 1024 * 1024
"""When it has grown by so much since the last time it is not put off at all: a few objects may hold large requests.
When it has since everything was looked through, that is done again: they may be among those that were in use."""

FEWER_COLLECTIONS = 50
"""So many are worth a look when the process has grown: what a connection of a page with TLS leaves is few objects,
which hold a quarter of a megabyte."""

LONG_SECONDS = 60.0
"""When it is quiet after so long, any are worth a look."""

QUIET_SHARE = 0.1
"""A process that takes less of a processor holds up nobody, or one call."""


_NEVER = 2**31 - 1


class Scope(Enum):
    """What is looked through."""

    NOTHING = 0
    NEW = 1
    """What came since the last collection: what that found in use is left out, however much it is."""
    EVERYTHING = 2


class CollectionRule:
    """Decides from time to time what to collect."""

    def __init__(
        self,
        busy_seconds: Callable[[], float] = process_time,
        memory_bytes: Callable[[], int | None] = resident_memory_bytes,
    ) -> None:
        self._busy_seconds = busy_seconds
        self._memory_bytes = memory_bytes
        self._busy_before = busy_seconds()
        self._least_memory = self._least_since_everything = memory_bytes() or 0
        self._seconds = 0.0
        """How long the last collection is ago."""

    def due(self, young_collections: int, seconds: float) -> Scope:
        """What to collect now.

        `young_collections` were made since the last of these; `seconds` have passed since this was asked before.
        """
        busy = self._busy_seconds()
        is_quiet, self._busy_before = busy - self._busy_before < QUIET_SHARE * seconds, busy
        memory = self._memory_bytes()
        self._seconds += seconds
        is_late = self._seconds >= LONG_SECONDS
        enough = 1 if is_late else FEW_COLLECTIONS
        if memory is None:
            is_worth_it = young_collections >= (enough if is_quiet else MANY_COLLECTIONS)
            return Scope.EVERYTHING if is_worth_it else Scope.NOTHING
        self._least_memory = min(self._least_memory, memory)
        self._least_since_everything = min(self._least_since_everything, memory)
        scope, grown = Scope.NEW, memory - self._least_memory
        if (is_quiet or is_late) and memory - self._least_since_everything >= MUCH_GROWN_BYTES:
            scope, enough = Scope.EVERYTHING, FEWER_COLLECTIONS
        elif grown >= MUCH_GROWN_BYTES or (is_late and not is_quiet and grown >= GROWN_BYTES):
            enough = FEWER_COLLECTIONS
        elif not is_quiet:
            enough = _NEVER
        return scope if young_collections >= enough else Scope.NOTHING

    def note_collection(self, scope: Scope) -> None:
        """Must follow each collection: what is in use then is what the process is compared with."""
        self._least_memory = self._memory_bytes() or 0
        if scope is Scope.EVERYTHING:
            self._least_since_everything = self._least_memory
        self._seconds = 0.0


@asynccontextmanager
async def collected_when_quiet() -> AsyncIterator[None]:
    """Collects by that rule for as long as the block, and by Python's only what is young.

    To be entered when everything is loaded, which is left out as what is in use.
    """
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_COLLECTIONS, _NEVER)
    collecting = asyncio.create_task(_collect(CollectionRule()), name="sessiond collector")
    try:
        yield
    finally:
        collecting.cancel()
        gc.set_threshold(*thresholds)
        gc.unfreeze()


async def _collect(rule: CollectionRule) -> None:
    collected = _young_collections()

    async def look() -> None:
        nonlocal collected
        scope = rule.due(_young_collections() - collected, INTERVAL_SECONDS)
        if scope is not Scope.NOTHING:
            if scope is Scope.EVERYTHING:
                gc.unfreeze()
            gc.collect()
            gc.freeze()
            rule.note_collection(scope)
            collected = _young_collections()

    await recur(INTERVAL_SECONDS, "the collection of garbage", look)


def _young_collections() -> int:
    return int(gc.get_stats()[0]["collections"])
