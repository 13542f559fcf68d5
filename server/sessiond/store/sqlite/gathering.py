"""When a group of writes begins: at once, or when those are there that are likely to come.

A group costs as much as some ten of its operations, whatever is in it: threads that wake up each other, and a sync of
the disk. Whoever waits for an answer before the next write comes back soon after a group that it was in.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Set
from typing import NamedTuple

__all__ = ["Gathering", "Sources"]

MOST_EXPECTED = 64
"""More in a group are hardly cheaper, and those who come later can be taken in meanwhile."""

SEVERAL = 4
"""Fewer are not waited for: at a leisurely pace it is by chance that two come together."""

SECONDS_EACH = 0.0002
"""How long is waited at most, for each of those who are expected: about what a call takes the event loop."""

QUIET_SECONDS = 0.001
"""Nobody is on the way any more when the event loop has nothing to do, and again after this time, and nothing came
in between."""

MOST_IN_VAIN = 4
"""So often in a row was waited in vain when 15 groups begin at once before the next that is waited for."""


class Sources(NamedTuple):
    """Where writes come from.

    Attributes:
        counts: How many of each source there are.
        large: The sources with writes of which one is as much as several.
    """

    counts: Counter[object]
    large: Set[object] = frozenset()


class Gathering:
    """Says when to begin with what waits.

    As many as were in the last group, and came while it was written, are expected in the next one. Who is alone does
    not wait, nor does anybody when all are there. Where fewer come than were expected, as from those who write when
    they please, most groups begin at once.

    Who writes little does not wait for others who write much: each write has a source, which is its stream, or the same
    for all plain calls. The sources that had fewer than several in the last group, and nothing large, count as one.

    Must be made and used in one event loop. One that does not tell when it is idle, as `sessionstore.EventLoop` does,
    is taken to be so in its next turn.
    """

    def __init__(self, begin: Callable[[], None], waiting: Callable[[], int], is_crowded: Callable[[], bool]) -> None:
        """`begin` is called when it is time; how many wait then, and whether they are too much to wait on, is asked."""
        self._begin = begin
        self._waiting = waiting
        self._is_crowded = is_crowded
        self._loop = asyncio.get_running_loop()
        self._call_when_idle = getattr(self._loop, "call_when_idle", self._loop.call_soon)
        self._expected = 1
        self._large_sources: Set[object] = frozenset()
        """Of which several are expected, or what is as much."""
        self._small_sources_wait = False
        """Whether several are expected of the others together."""
        self._in_vain = 0
        """How many waits in a row ended with less than three of four of those who were expected."""
        self._at_once = 0
        """How many more groups are not waited for because of that."""
        self._is_writing = False
        self._latest: asyncio.Handle | None = None
        """What ends a wait."""
        self._next_look: asyncio.Handle | None = None

    def came(self, source: object) -> None:
        """To be called when something more waits."""
        if self._is_writing:
            return
        if self._waiting() >= self._expected or self._is_crowded():
            if self._latest is not None:
                self._in_vain = 0
        elif self.waits(source):
            if self._latest is None:
                self._latest = self._loop.call_later(SECONDS_EACH * self._expected, self._give_up)
                self._next_look = self._call_when_idle(self._look_later)
            return
        self._end_wait()
        self._begin()

    def taken(self) -> None:
        """To be called when what waits is taken, to be written."""
        self._is_writing = True
        self._end_wait()

    def written(self, group: Sources, waiting: Sources) -> None:
        """To be called when it is written and answered, with what it had, and what waits now."""
        self._is_writing = False
        if self._at_once:
            self._at_once -= 1
            self._expected = 1
        else:
            self._expect(group.counts + waiting.counts, group.large | waiting.large)
        if waiting.counts:
            # One that does not wait, if there is any.
            self.came(min(waiting.counts, key=self.waits))

    def _expect(self, counts: Counter[object], large: Set[object]) -> None:
        expected = min(MOST_EXPECTED, counts.total())
        self._expected = expected if expected >= SEVERAL else 1
        self._large_sources = large | {source for source, count in counts.items() if count >= SEVERAL}
        self._small_sources_wait = counts.total() - sum(counts[source] for source in self._large_sources) >= SEVERAL

    def waits(self, source: object) -> bool:
        """Whether a write of a source waits for others, where others are expected: it is one of many."""
        return self._small_sources_wait or source in self._large_sources

    def _look_later(self) -> None:
        self._next_look = self._loop.call_later(QUIET_SECONDS, self._look_when_idle, self._waiting())

    def _look_when_idle(self, before: int) -> None:
        self._next_look = self._call_when_idle(self._look, before)

    def _look(self, before: int) -> None:
        if self._waiting() == before:
            self._give_up()
        else:
            self._look_later()

    def _give_up(self) -> None:
        if 4 * self._waiting() < 3 * self._expected:
            self._in_vain = min(self._in_vain + 1, MOST_IN_VAIN)
            self._at_once = 2**self._in_vain - 1
        self._end_wait()
        self._begin()

    def _end_wait(self) -> None:
        for each in (self._latest, self._next_look):
            if each is not None:
                each.cancel()
        self._latest = self._next_look = None
