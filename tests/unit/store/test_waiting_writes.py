"""What waits for the writer: whose turn it is, and that each source keeps its order."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessiond.store.sqlite.gathering import Sources
from sessiond.store.sqlite.transaction import WriteTransaction
from sessiond.store.sqlite.waiting_writes import (
    LEAST_OPERATIONS,
    MAX_GROUP_BYTES,
    MAX_GROUP_OPERATIONS,
    SMALL_BYTES,
    Group,
    WaitingWrite,
    WaitingWrites,
)


class Named:
    """An operation with a name, which is never applied."""

    atomic = False
    frees_room = False

    def __init__(self, name: int, size_bytes: int) -> None:
        self.name = name
        self.size_bytes = size_bytes

    def apply(self, transaction: WriteTransaction) -> None:
        raise AssertionError


class Queue:
    """Puts writes in, by numbers that go up, and says which come out."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.waiting = WaitingWrites()
        self.writes: list[WaitingWrite] = []
        self.group = Group(deque(), 0)
        self._loop = loop

    def put(self, source: object, *, little: bool = False, size_bytes: int = 10, times: int = 1) -> None:
        for _ in range(times):
            operation = Named(len(self.writes), size_bytes)
            write = WaitingWrite(operation, self._loop.create_future(), source)
            self.writes.append(write)
            self.waiting.put(write, is_little=little)

    def take(self) -> list[int]:
        self.group = self.waiting.take()
        return names(self.group.writes)

    def written(self, applied: int | None = None) -> Sources:
        if applied is not None:
            self.waiting.put_back(self.group.writes, applied)
        for write in self.group.writes:
            write.future.set_result(None)
        return self.waiting.written()

    def write(self) -> list[int]:
        taken = self.take()
        self.written()
        return taken


def names(writes: deque[WaitingWrite]) -> list[int]:
    """The numbers of some writes."""
    found: list[Any] = [write.operation for write in writes]
    return [operation.name for operation in found]


@pytest.fixture
def queue() -> Iterator[Queue]:
    """One in which nothing waits."""
    loop = asyncio.new_event_loop()
    yield Queue(loop)
    loop.close()


def test_who_writes_little_goes_before_those_who_write_much(queue: Queue) -> None:
    """In a group of its own, that takes no longer than it has to."""
    queue.put("much", times=3)
    queue.put("little", little=True)
    assert queue.write() == [3]
    assert queue.write() == [0, 1, 2]
    assert queue.write() == []


def test_those_who_write_much_come_to_their_own_after_each_such_group(queue: Queue) -> None:
    """However many write little: those who do it behind each other would never let anybody else."""
    queue.put("much", times=2)
    queue.put("a", little=True)
    assert queue.write() == [2]
    queue.put("b", little=True)
    assert queue.write() == [3, 0, 1]
    queue.put("much")
    queue.put("c", little=True)
    assert queue.write() == [5]
    assert queue.write() == [4]


def test_what_is_large_does_not_go_first(queue: Queue) -> None:
    queue.put("much", times=2)
    queue.put("little", little=True, size_bytes=SMALL_BYTES + 1)
    assert queue.write() == [0, 1, 2]


def test_a_source_keeps_its_order_when_it_comes_to_write_little(queue: Queue) -> None:
    """What waits, or is being written, or is left by a group that ended early, goes before what came later."""
    queue.put("a", times=20)
    queue.put("a", little=True)
    assert queue.take() == list(range(21))
    queue.put("a", little=True)
    queue.put("b", little=True)
    queue.written(applied=16)
    assert queue.write() == [22]
    assert queue.write() == [16, 17, 18, 19, 20, 21]
    queue.put("b", times=2)
    queue.put("a", little=True)
    assert queue.write() == [25]


def test_a_source_stays_behind_what_a_group_has_left_of_it(queue: Queue) -> None:
    """Also when nothing of it came while that was written."""
    queue.put("a", times=20)
    queue.take()
    queue.written(applied=16)
    queue.put("a", little=True)
    assert queue.write() == [16, 17, 18, 19, 20]


def test_what_a_group_leaves_waits_as_before(queue: Queue) -> None:
    queue.put("much", times=5)
    assert (queue.waiting.size_bytes, len(queue.waiting)) == (50, 5)
    queue.take()
    assert (queue.waiting.size_bytes, len(queue.waiting)) == (0, 0)
    assert queue.written(applied=2).counts == {"much": 2}
    assert (queue.waiting.size_bytes, len(queue.waiting)) == (30, 3)
    assert queue.waiting.sources().counts == {"much": 3}


@pytest.mark.parametrize(
    ("writes", "size_bytes", "least"),
    [
        (100, 10, LEAST_OPERATIONS),
        (3, 10, 3),
        (3, LEAST_OPERATIONS * SMALL_BYTES, 1),
        (9, SMALL_BYTES, LEAST_OPERATIONS // 2),
    ],
)
def test_a_group_that_ends_early_has_so_much_at_least(queue: Queue, writes: int, size_bytes: int, least: int) -> None:
    """As much work as it is worth to begin one for."""
    queue.put("much", times=writes, size_bytes=size_bytes)
    queue.take()
    assert queue.group.least == least


def test_what_goes_first_is_never_left(queue: Queue) -> None:
    queue.put("first", times=50, little=True)
    queue.take()
    assert queue.group.least == 50
    queue.put("much", times=50)
    queue.written()
    queue.put("first", little=True)
    assert queue.write() == [100]
    queue.put("first", times=2, little=True)
    queue.take()
    assert queue.group.least == 2 + LEAST_OPERATIONS


def test_a_group_ends_with_so_many_and_with_so_much(queue: Queue) -> None:
    queue.put("much", times=MAX_GROUP_OPERATIONS + 1)
    assert len(queue.write()) == MAX_GROUP_OPERATIONS
    queue.put("much", times=3, size_bytes=MAX_GROUP_BYTES // 2)
    assert len(queue.write()) == 1 + 2
    assert len(queue.write()) == 1


def test_where_much_comes_from_is_told(queue: Queue) -> None:
    """In number, and in size."""
    queue.put("many", times=3)
    queue.put("large", size_bytes=SMALL_BYTES + 1)
    assert queue.waiting.sources() == ({"many": 3, "large": 1}, {"large"})
    queue.take()
    assert queue.waiting.sources() == ({}, set())
    assert queue.written() == ({"many": 3, "large": 1}, {"large"})


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 3), st.booleans(), st.sampled_from([0, 10, 20_000, MAX_GROUP_BYTES])),
        st.tuples(st.just("cancel"), st.integers(0, 50)),
        st.tuples(st.just("take"), st.integers(0, 30)),
        st.tuples(st.just("written")),
    ),
    max_size=60,
)


@given(steps)
def test_whatever_comes_nothing_is_lost_and_each_source_keeps_its_order(steps: list[tuple[Any, ...]]) -> None:
    """With groups that end early, and writes that are cancelled."""
    loop = asyncio.new_event_loop()
    queue = Queue(loop)
    applied: list[int] = []
    at_work = False

    def finish(left: int) -> None:
        kept = max(queue.group.least, len(queue.group.writes) - left)
        taken = names(queue.group.writes)
        applied.extend(taken[:kept])
        queue.written(applied=kept)

    for step in steps:
        match step:
            case ("put", source, little, size_bytes):
                queue.put(source, little=little, size_bytes=size_bytes)
            case ("cancel", number) if number < len(queue.writes):
                taken = names(queue.group.writes) if at_work else []
                if number not in taken:
                    queue.writes[number].future.cancel()
            case ("take", left) if not at_work:
                queue.take()
                at_work = True
                early = left
            case ("written",) if at_work:
                finish(early)
                at_work = False
    if at_work:
        finish(0)
    for _ in range(2 * len(queue.writes) + 2):
        queue.take()
        finish(0)
    assert not queue.waiting
    assert queue.waiting.size_bytes == 0
    assert not queue.waiting._behind
    cancelled = {number for number, write in enumerate(queue.writes) if write.future.cancelled()}
    assert sorted(applied) == sorted(set(range(len(queue.writes))) - cancelled)
    by_source: dict[object, list[int]] = defaultdict(list)
    for number in applied:
        by_source[queue.writes[number].source].append(number)
    for numbers in by_source.values():
        assert numbers == sorted(numbers)
    loop.close()
