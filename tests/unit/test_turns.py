"""Those who have much to do in the event loop give way to everybody else."""

import asyncio
from itertools import pairwise

from sessiond.services.turns import Turns


async def test_one_has_its_turn_in_each_turn_of_the_loop() -> None:
    """In the order in which they asked; what is done elsewhere in the loop comes in between."""
    turns, order = Turns(), []

    async def work(name: str) -> None:
        for step in range(2):
            await turns.take()
            order.append(f"{name}{step}")

    tasks = [asyncio.create_task(work(name)) for name in "abc"]
    seen = []
    while not all(task.done() for task in tasks):
        seen.append(len(order))
        await asyncio.sleep(0)
    assert ["a0", "b0", "c0", "a1", "b1", "c1"] == order
    assert max(later - earlier for earlier, later in pairwise(seen)) <= 1


async def test_one_that_leaves_takes_nobodys_turn() -> None:
    """A cancelled one is passed over, and all others still come."""
    turns = Turns()
    tasks = [asyncio.create_task(turns.take()) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[1].cancel()
    await asyncio.wait_for(tasks[2], 5)
    await asyncio.wait_for(turns.take(), 5)
    assert [True, True] == [task.cancelled() for task in tasks[:2]]
