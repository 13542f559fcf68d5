"""What waits for the writer, and what of it is in the next group.

Those who write little do not wait for those who write much: what they write goes first, in a group of its own, and a
group of the others that is at work meanwhile ends early. The others come to their own after each such group.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sessiond.store.sqlite.gathering import Sources
from sessiond.store.sqlite.operations import Operation

__all__ = ["MAX_GROUP_BYTES", "MAX_GROUP_OPERATIONS", "Group", "WaitingWrite", "WaitingWrites"]

MAX_GROUP_OPERATIONS = 1024
MAX_GROUP_BYTES = 4 * 1024 * 1024

SMALL_BYTES = 16 * 1024
"""What is larger does not go first."""

LEAST_OPERATIONS = 16
"""So many small ones, or one as large as they could be, are in a group that ends early: to begin and to end one costs
as much as ten."""


@dataclass(slots=True, eq=False)
class WaitingWrite:
    """An operation that waits.

    Attributes:
        source: Where it comes from; the operations of a source are applied in the order in which they come.
        goes_first: Whether it goes before those of other sources.
    """

    operation: Operation[Any]
    future: "asyncio.Future[Any]"
    source: object
    goes_first: bool = False


@dataclass(slots=True)
class Group:
    """What is written together.

    Attributes:
        writes: Its operations, in the order in which they are applied.
        least: How many of them are applied before it may end early.
    """

    writes: deque[WaitingWrite]
    least: int


class WaitingWrites:
    """Two queues, of those that go first and of all others."""

    def __init__(self) -> None:
        """Nothing waits."""
        self.size_bytes = 0
        """How much the operations that wait are to write."""
        self._first: deque[WaitingWrite] = deque()
        self._others: deque[WaitingWrite] = deque()
        self._behind: Counter[object] = Counter()
        """How many of the others wait or are being written, by source: what comes from there stays behind them."""
        self._taken = Sources(Counter())
        """Where that comes from which is being written, and itself is freed as it is answered."""
        self._taken_others: Counter[object] = Counter()
        self._is_others_turn = False

    def __len__(self) -> int:
        return len(self._first) + len(self._others)

    def put(self, write: WaitingWrite, *, is_little: bool) -> None:
        """Has an operation wait, and sets whether it goes first; `is_little` says whether its source writes little."""
        size_bytes = write.operation.size_bytes
        self.size_bytes += size_bytes
        write.goes_first = is_little and size_bytes <= SMALL_BYTES and write.source not in self._behind
        if write.goes_first:
            self._first.append(write)
        else:
            self._behind[write.source] += 1
            self._others.append(write)

    def take(self) -> Group:
        """The next group, without what was cancelled; empty when nothing waits. Must be followed by `written`."""
        group: deque[WaitingWrite] = deque()
        bytes_left = self._move(self._first, group, MAX_GROUP_BYTES)
        first = len(group)
        if not first or self._is_others_turn:
            self._move(self._others, group, bytes_left)
        self._is_others_turn = bool(self._others) and 0 < first == len(group)
        self._taken = _sources(group)
        others = list(islice(group, first, None))
        self._taken_others = Counter([write.source for write in others])
        return Group(group, first + _count_least(others))

    def put_back(self, writes: deque[WaitingWrite], applied: int) -> None:
        """Has all but the first `applied` of the group that was taken wait again, before all others."""
        while len(writes) > applied:
            write = writes.pop()
            self.size_bytes += write.operation.size_bytes
            self._taken.counts[write.source] -= 1
            self._taken_others[write.source] -= 1
            self._others.appendleft(write)

    def written(self) -> Sources:
        """To be called when the group that was taken is written; where it came from."""
        if self._taken_others:
            self._behind -= self._taken_others
        return self._taken

    def sources(self) -> Sources:
        """Where what waits comes from, as far as a group would have it."""
        return _sources([*self._first, *islice(self._others, MAX_GROUP_OPERATIONS)])

    def _move(self, queue: deque[WaitingWrite], group: deque[WaitingWrite], bytes_left: int) -> int:
        """Fills the group from a queue; how many bytes it may have more."""
        while queue and len(group) < MAX_GROUP_OPERATIONS and bytes_left > 0:
            write = queue.popleft()
            self.size_bytes -= write.operation.size_bytes
            if not write.future.done():
                group.append(write)
                bytes_left -= write.operation.size_bytes
            elif not write.goes_first:
                self._behind -= Counter((write.source,))
        return bytes_left


def _sources(writes: Collection[WaitingWrite]) -> Sources:
    large = {write.source for write in writes if write.operation.size_bytes > SMALL_BYTES}
    return Sources(Counter([write.source for write in writes]), large)


def _count_least(writes: Iterable[WaitingWrite]) -> int:
    """How many of them are as much work as what is not to be ended early."""
    work = count = 0
    for write in writes:
        if work >= LEAST_OPERATIONS * SMALL_BYTES:
            break
        work += SMALL_BYTES + write.operation.size_bytes
        count += 1
    return count
