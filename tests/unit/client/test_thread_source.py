"""A blocking iterable, read for asyncio in a thread of its own."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from sessionstore.thread_source import MAX_AHEAD, ThreadSource

WAIT_SECONDS = 10


async def test_items_come_in_order() -> None:
    """All items, each once, however many."""
    assert list(range(5 * MAX_AHEAD)) == [item async for item in ThreadSource(range(5 * MAX_AHEAD))]


async def test_an_item_does_not_wait_for_the_next() -> None:
    """What is there is handed on while the iterable blocks."""
    goes_on = threading.Event()

    def items() -> Iterator[int]:
        for number in range(3):
            yield number
            assert goes_on.wait(WAIT_SECONDS)
            goes_on.clear()

    seen = []
    async with asyncio.timeout(WAIT_SECONDS):
        async for number in ThreadSource(items()):
            seen.append(number)
            goes_on.set()
    assert seen == [0, 1, 2]


async def test_the_exception_of_the_iterable_comes_after_its_items() -> None:
    """Nothing that was read is lost."""

    def items() -> Iterator[int]:
        yield 1
        raise LookupError("broken")

    source = aiter(ThreadSource(items()))
    assert await anext(source) == 1
    with pytest.raises(LookupError, match="broken"):
        await anext(source)


async def test_an_iterable_that_would_end_its_thread_is_told() -> None:
    """Whoever reads it would wait for ever, or have it end the event loop."""

    def items() -> Iterator[int]:
        yield 1
        sys.exit(2)

    source = aiter(ThreadSource(items()))
    assert await anext(source) == 1
    with pytest.raises(RuntimeError, match="SystemExit") as caught:
        await asyncio.wait_for(anext(source), WAIT_SECONDS)
    assert isinstance(caught.value.__cause__, SystemExit)


async def test_a_slow_reader_stops_the_iterable() -> None:
    """No more than a bounded number of items is read ahead, and an abandoned source is left alone."""
    read: list[int] = []
    ended = threading.Event()

    def items() -> Iterator[int]:
        try:
            for number in range(100 * MAX_AHEAD):
                read.append(number)
                yield number
        finally:
            ended.set()

    given = items()
    async with aclosing(aiter(ThreadSource(given))) as source:
        assert [await anext(source) for _ in range(3)] == [0, 1, 2]
    del given
    assert await asyncio.to_thread(ended.wait, WAIT_SECONDS)
    assert len(read) <= MAX_AHEAD + 5
