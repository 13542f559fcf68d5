"""When a group of writes begins."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sessiond.store.sqlite.gathering import MOST_EXPECTED, QUIET_SECONDS, SECONDS_EACH, SEVERAL, Gathering, Sources


class Loop:
    """An event loop whose time the test sets, and which is idle when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[tuple[float, asyncio.Handle]] = []
        self._when_idle: list[asyncio.Handle] = []

    call_soon = None

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any) -> asyncio.Handle:
        self._timers.append((self.now + delay, self._handle(callback, args)))
        return self._timers[-1][1]

    def call_when_idle(self, callback: Callable[..., Any], *args: Any) -> asyncio.Handle:
        self._when_idle.append(self._handle(callback, args))
        return self._when_idle[-1]

    def is_idle(self) -> None:
        called, self._when_idle = self._when_idle, []
        self._run(called)

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self._run([handle for due, handle in self._timers if due <= self.now])
        self._timers = [each for each in self._timers if each[0] > self.now]

    def _handle(self, callback: Callable[..., Any], args: tuple[Any, ...]) -> asyncio.Handle:
        loop: Any = self
        return asyncio.Handle(callback, args, loop)

    def _run(self, handles: list[asyncio.Handle]) -> None:
        for handle in handles:
            if not handle.cancelled():
                handle._run()

    def get_debug(self) -> bool:
        return False


class Writer:
    """Takes everything that waits as soon as it is told to begin; the test says when it is written."""

    def __init__(self) -> None:
        self.is_crowded = False
        self.groups: list[int] = []
        self.large: set[object] = set()
        self.gathering = Gathering(self._take, lambda: self._waiting.total(), lambda: self.is_crowded)
        self._waiting: Counter[object] = Counter()
        self._group: Counter[object] = Counter()

    def come(self, writes: int, source: object = None) -> None:
        for _ in range(writes):
            self._waiting[source] += 1
            self.gathering.came(source)

    def written(self) -> None:
        self.gathering.written(Sources(self._group, self.large), Sources(self._waiting))

    def _take(self) -> None:
        self._group, self._waiting = self._waiting, Counter()
        self.groups.append(self._group.total())
        self.gathering.taken()


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loop]:
    made = Loop()
    with monkeypatch.context() as patching:
        patching.setattr(asyncio, "get_running_loop", lambda: made)
        yield made


@pytest.fixture
def writer(loop: Loop) -> Writer:
    """One that has written a group of eight, who are expected again."""
    made = Writer()
    made.come(1)
    made.come(7)
    made.written()
    made.come(1)
    made.written()
    assert [1, 8] == made.groups
    return made


def test_who_is_alone_does_not_wait(loop: Loop) -> None:
    writer = Writer()
    for _ in range(3):
        writer.come(1)
        writer.written()
    assert [1, 1, 1] == writer.groups


def test_nothing_begins_while_a_group_is_written_and_enough_right_after(loop: Loop) -> None:
    writer = Writer()
    writer.come(1)
    writer.come(MOST_EXPECTED)
    assert [1] == writer.groups
    writer.written()
    assert [1, MOST_EXPECTED] == writer.groups


def test_those_who_were_answered_are_waited_for_and_nobody_else(loop: Loop, writer: Writer) -> None:
    """Without a pause after the last of them."""
    writer.come(7)
    loop.is_idle()
    assert [1, 8] == writer.groups
    writer.come(1)
    assert [1, 8, 8] == writer.groups


def test_who_came_while_a_group_was_written_is_expected_too(loop: Loop, writer: Writer) -> None:
    writer.come(8)
    writer.come(3)
    writer.written()
    writer.come(7)
    assert [1, 8, 8] == writer.groups
    writer.come(1)
    assert [1, 8, 8, 3 + 8] == writer.groups


def test_no_more_are_waited_for_than_make_a_difference(loop: Loop, writer: Writer) -> None:
    writer.come(8)
    writer.come(1000)
    writer.written()
    writer.written()
    writer.come(MOST_EXPECTED)
    assert [1, 8, 8, 1000, MOST_EXPECTED] == writer.groups


def test_few_are_not_waited_for(loop: Loop) -> None:
    writer = Writer()
    writer.come(1)
    writer.come(SEVERAL - 2)
    writer.written()
    assert [1, SEVERAL - 2] == writer.groups
    writer.written()
    writer.come(1)
    assert [1, SEVERAL - 2, 1] == writer.groups


def test_when_nobody_comes_any_more_the_wait_is_over(loop: Loop, writer: Writer) -> None:
    """That is told by a loop that is idle, and again a moment later."""
    writer.come(6)
    loop.is_idle()
    writer.come(1)
    loop.passes(QUIET_SECONDS)
    assert [1, 8] == writer.groups
    loop.is_idle()
    assert [1, 8] == writer.groups
    loop.passes(QUIET_SECONDS / 2)
    loop.is_idle()
    assert [1, 8] == writer.groups
    loop.passes(QUIET_SECONDS / 2)
    loop.is_idle()
    assert [1, 8, 7] == writer.groups


def test_a_loop_that_is_never_idle_ends_the_wait_all_the_same(loop: Loop, writer: Writer) -> None:
    writer.come(1)
    loop.passes(8 * SECONDS_EACH * 0.9)
    assert [1, 8] == writer.groups
    loop.passes(8 * SECONDS_EACH * 0.2)
    assert [1, 8, 1] == writer.groups


def test_much_does_not_wait_for_others(loop: Loop, writer: Writer) -> None:
    writer.is_crowded = True
    writer.come(1)
    assert [1, 8, 1] == writer.groups


def test_who_writes_when_they_please_is_soon_not_waited_for(loop: Loop, writer: Writer) -> None:
    """After each wait in vain about twice as many groups begin at once, until one is waited for again."""
    writer.come(8)
    waited = []
    for number in range(60):
        writer.come(4)
        before = len(writer.groups)
        writer.written()
        if len(writer.groups) == before:
            waited.append(number)
            loop.passes(MOST_EXPECTED * SECONDS_EACH)
        assert 4 == writer.groups[-1]
    assert [0, 2, 6, 14, 30, 46] == waited


def test_one_wait_that_brings_all_of_them_is_enough_to_wait_again(loop: Loop, writer: Writer) -> None:
    for _ in range(5):
        writer.come(1)
        loop.passes(8 * SECONDS_EACH)
        writer.come(7)
        writer.written()
        assert [1, 8, 1, 7] == writer.groups
        writer.written()
        writer.come(6)
        assert [1, 8, 1, 7] == writer.groups
        writer.come(1)
        assert [1, 8, 1, 7, 7] == writer.groups
        writer.come(1)
        writer.written()
        writer.come(7)
        writer.written()
        writer.groups = [1, 8]


def test_who_writes_little_does_not_wait_for_others_who_write_much(loop: Loop, writer: Writer) -> None:
    """Those who wait already come along."""
    writer.come(3)
    assert [1, 8] == writer.groups
    writer.come(1, "stream")
    assert [1, 8, 4] == writer.groups


def test_it_does_not_who_came_while_the_others_were_written(loop: Loop, writer: Writer) -> None:
    writer.come(8)
    writer.come(1, "stream")
    writer.come(1)
    writer.written()
    assert [1, 8, 8, 2] == writer.groups


def test_who_writes_much_is_waited_for_on_whatever_stream(loop: Loop) -> None:
    writer = Writer()
    writer.come(SEVERAL, "stream")
    writer.written()
    writer.come(1, "stream")
    assert [1, SEVERAL] == writer.groups
    writer.written()
    writer.come(SEVERAL - 1, "stream")
    assert [1, SEVERAL] == writer.groups
    writer.come(1, "stream")
    assert [1, SEVERAL, SEVERAL] == writer.groups


def write_by_a_stream_each(writer: Writer) -> None:
    """A group of as many as are several, each of a source of its own."""
    for number in range(SEVERAL):
        writer.come(1, number)
    writer.written()
    writer.come(1, 0)
    assert [1, SEVERAL] == writer.groups
    writer.written()


def test_several_who_write_little_are_waited_for_together(loop: Loop) -> None:
    """As many clients with a stream each, that write when they have their answer."""
    writer = Writer()
    write_by_a_stream_each(writer)
    for number in range(SEVERAL):
        assert [1, SEVERAL] == writer.groups
        writer.come(1, number)
    assert [1, SEVERAL, SEVERAL] == writer.groups


def test_who_writes_what_is_large_counts_as_one_who_writes_much(loop: Loop) -> None:
    """So that one who writes little does not wait for several with a stream of such each."""
    writer = Writer()
    writer.large = set(range(SEVERAL))
    write_by_a_stream_each(writer)
    writer.come(1, 0)
    assert [1, SEVERAL] == writer.groups
    writer.come(1, "little")
    assert [1, SEVERAL, 2] == writer.groups
