"""The loops that drive a store, and the clock around them."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter

from tests.benchmarks.figures import Metric, percentile

__all__ = ["P50", "P99", "latencies", "rate_of", "summary", "tail_latencies"]

P50 = Metric("p50", "ms", lower_is_better=True)
P99 = Metric("p99", "ms", lower_is_better=True)

WARM_UP = 10
CAP_SECONDS = 5.0
"""A slow candidate does fewer rather than hold up all the others."""


def summary(seconds: list[float]) -> dict[str, float]:
    """The percentiles in milliseconds."""
    return {metric.name: percentile(seconds, int(metric.name[1:])) * 1000 for metric in (P50, P99)}


async def latencies(call: Callable[[], Awaitable[object]], count: int) -> list[float]:
    """The seconds of each of so many calls, one after the other, after a few that do not count."""
    for _ in range(WARM_UP):
        await call()
    seconds: list[float] = []
    end = perf_counter() + CAP_SECONDS
    while len(seconds) < count and perf_counter() < end:
        began = perf_counter()
        await call()
        seconds.append(perf_counter() - began)
    return seconds


async def tail_latencies(
    append: Callable[[], Awaitable[object]], arrived: Callable[[], Awaitable[object]], count: int
) -> list[float]:
    """The seconds from before an append until another client has its event; one event at a time."""

    async def one() -> float:
        began = perf_counter()
        appending = asyncio.ensure_future(append())
        try:
            await arrived()
            seconds = perf_counter() - began
        finally:
            await appending
        return seconds

    for _ in range(WARM_UP):
        await one()
    seconds: list[float] = []
    end = perf_counter() + CAP_SECONDS
    while len(seconds) < count and perf_counter() < end:
        seconds.append(await one())
    return seconds


async def rate_of(call: Callable[[int], Awaitable[object]], workers: int, box_seconds: float) -> float:
    """Calls a second of so many workers that each make one call after the other until the time is over.

    What is under way then is waited for, and counted with the time that it took. An error of one call ends the others.
    """

    async def work(number: int) -> int:
        done = 0
        while perf_counter() < end:
            await call(number)
            done += 1
        return done

    began = perf_counter()
    end = began + box_seconds
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work(number)) for number in range(workers)]
    return sum(task.result() for task in tasks) / (perf_counter() - began)
