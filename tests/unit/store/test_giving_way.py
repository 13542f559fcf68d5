"""What a thread that has much to do leaves to the event loop."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from sessiond.store.sqlite.giving_way import REST_SECONDS, WORK_SECONDS, GivingWay
from sessionstore import EventLoop


class Work:
    """Work whose time is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.is_loop_busy = True
        self.rests: list[float] = []
        self.giving_way = GivingWay(lambda: self.is_loop_busy, lambda: self.now, self.rests.append)
        self.giving_way.begin()

    def do(self, seconds: float) -> None:
        self.now += seconds
        self.giving_way.give_way()


@pytest.fixture
def work() -> Work:
    """Work that begins while the loop has something to do."""
    return Work()


def test_a_busy_loop_is_given_way_to_after_each_half_millisecond(work: Work) -> None:
    """However small the pieces are of which the work consists."""
    for _ in range(9):
        work.do(WORK_SECONDS / 4)
    assert work.rests == [REST_SECONDS] * 2


def test_work_that_is_short_does_not_rest(work: Work) -> None:
    """What came before it does not count."""
    work.do(WORK_SECONDS * 0.9)
    work.now += 60
    work.giving_way.begin()
    work.do(WORK_SECONDS * 0.9)
    assert work.rests == []


def test_an_idle_loop_costs_the_work_nothing(work: Work) -> None:
    """Nor is it made up for later."""
    work.is_loop_busy = False
    work.do(WORK_SECONDS * 10)
    work.is_loop_busy = True
    work.do(WORK_SECONDS * 0.9)
    assert work.rests == []


async def rests() -> list[float]:
    """Those of a thread that works long while the loop is in this function."""
    taken: list[float] = []
    times = iter((0.0, WORK_SECONDS, WORK_SECONDS))
    giving_way = GivingWay(clock=lambda: next(times), rest=taken.append)
    giving_way.begin()
    worker = threading.Thread(target=giving_way.give_way)
    worker.start()
    worker.join()
    return taken


@pytest.mark.parametrize(("loop_factory", "taken"), [(EventLoop, [REST_SECONDS]), (asyncio.SelectorEventLoop, [])])
def test_it_is_the_loop_that_tells(loop_factory: Callable[[], asyncio.AbstractEventLoop], taken: list[float]) -> None:
    """Of a loop that does not, nothing is known, and everything goes on as if it were idle."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert runner.run(rests()) == taken
