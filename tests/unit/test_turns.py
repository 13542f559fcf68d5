"""Those who have much to do in the event loop give way to everybody else."""

import asyncio

from sessiond.turns import IDLE_TURNS, LOOK_SECONDS, REST_SECONDS, WORK_SECONDS, Turns


class Clock:
    """A time that goes on when it is told to, so that a turn takes as long as its work is said to take."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Worker:
    """Somebody who has much to do, in pieces that each take a certain time."""

    def __init__(self, clock: Clock, turns: Turns, seconds: float, pieces: int) -> None:
        self.done = 0
        self._clock, self._turns, self._seconds = clock, turns, seconds
        self.task = asyncio.create_task(self._work(pieces))

    async def _work(self, pieces: int) -> None:
        for _ in range(pieces):
            await self._turns.take()
            self.done += 1
            self._clock.now += self._seconds


async def turns_of_the_loop(number: int) -> None:
    """Lets others have so many turns of the loop."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_who_is_alone_does_not_wait() -> None:
    """The first turn is there at once, in the same turn of the loop."""
    taking = Turns().take()
    try:
        taking.send(None)
    except StopIteration:
        return
    raise AssertionError("it waited")


async def test_turns_are_given_in_their_order() -> None:
    """Whoever had one comes after all who wait."""
    clock, order = Clock(), []
    turns = Turns(clock)

    async def work(name: str) -> None:
        for step in range(2):
            await turns.take()
            order.append(f"{name}{step}")
            clock.now += WORK_SECONDS

    await turns.take()
    await asyncio.gather(*(work(name) for name in "abc"))
    assert ["a0", "b0", "c0", "a1", "b1", "c1"] == order


async def test_after_a_millisecond_of_work_others_have_turns_of_the_loop() -> None:
    """As many as gRPC takes to let a call in, also when each of a hundred has only a little to do."""
    clock = Clock()
    turns = Turns(clock)
    workers = [Worker(clock, turns, WORK_SECONDS / 4, 10) for _ in range(100)]
    most, before = 0, 0
    while not all(worker.task.done() for worker in workers):
        await turns_of_the_loop(IDLE_TURNS)
        done = sum(worker.done for worker in workers)
        most, before = max(most, done - before), done
    assert 4 >= most > 0


async def test_a_rest_lasts_as_long_as_others_are_busy_and_no_longer_than_the_work() -> None:
    """So that nobody is kept from working for ever."""
    clock = Clock()
    turns = Turns(clock)
    worker = Worker(clock, turns, 10 * REST_SECONDS, 2)
    await turns_of_the_loop(2)
    for _ in range(9):
        clock.now += REST_SECONDS  # another turn of the loop in which somebody else was busy
        await turns_of_the_loop(1)
    assert 1 == worker.done
    clock.now += REST_SECONDS
    await worker.task
    assert 2 == worker.done


async def test_something_small_that_is_under_way_goes_first() -> None:
    """Also while it waits for a thread or the disk, when the loop has nothing to do."""
    clock = Clock()
    turns = Turns(clock)
    with turns.small():
        worker = Worker(clock, turns, 2 * WORK_SECONDS, 2)
        await asyncio.sleep(10 * LOOK_SECONDS)
        assert 1 == worker.done
    await worker.task
    assert 2 == worker.done


async def test_who_has_turns_beside_others_comes_after_the_same_small_things() -> None:
    """And not after those others, however many wait."""
    clock = Clock()
    turns = Turns(clock)
    beside = turns.beside()
    await turns.take()
    others = [Worker(clock, turns, 0, 1) for _ in range(100)]
    with turns.small():
        worker = Worker(clock, beside, 2 * WORK_SECONDS, 2)
        await asyncio.sleep(10 * LOOK_SECONDS)
        assert 1 == worker.done
    await worker.task
    await asyncio.gather(*(other.task for other in others))
    assert 2 == worker.done


async def test_one_that_leaves_takes_nobodys_turn() -> None:
    """A cancelled one is passed over, and all others still come."""
    turns = Turns()
    await turns.take()
    tasks = [asyncio.create_task(turns.take()) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[1].cancel()
    await asyncio.wait_for(tasks[2], 5)
    await asyncio.wait_for(turns.take(), 5)
    assert [True, True] == [task.cancelled() for task in tasks[:2]]
