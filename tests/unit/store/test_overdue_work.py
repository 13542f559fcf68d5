"""Work in threads that takes long: threads are changed sooner meanwhile, and as usual afterwards."""

import asyncio
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from sessiond.store.sqlite import writer
from sessiond.store.sqlite.connection import ReaderPool
from sessiond.store.sqlite.engine import SqliteStore
from sessiond.store.sqlite.gathering import SEVERAL
from sessiond.store.sqlite.overdue_work import SHORT_INTERVAL_SECONDS, Patience
from tests.garbage import garbage
from tests.unit.store.held_writes import HeldWrite
from tests.unit.store.reader_pools import reader_pool

USUAL = sys.getswitchinterval()
SHORT = pytest.approx(SHORT_INTERVAL_SECONDS, abs=1e-6)


async def until(reached: Callable[[], bool]) -> None:
    """Waits for a condition."""
    async with asyncio.timeout(60):
        while not reached():
            await asyncio.sleep(0.001)


def is_short() -> bool:
    """Whether threads are changed sooner than usual."""
    return sys.getswitchinterval() < USUAL / 2


async def test_what_is_done_in_time_changes_nothing() -> None:
    with Patience(3600):
        await asyncio.sleep(0)
        assert sys.getswitchinterval() == USUAL
    assert sys.getswitchinterval() == USUAL


async def test_what_is_overdue_is_hurried_until_all_of_it_is_done() -> None:
    with Patience(0):
        await until(is_short)
        another = Patience(0)
        with another:
            await until(lambda: another._is_over)
        assert sys.getswitchinterval() == SHORT
    assert sys.getswitchinterval() == USUAL


async def test_it_leaves_nothing_to_the_collector() -> None:
    """Neither when it is over nor when it is not."""
    with garbage() as found:
        with Patience(0):
            await until(is_short)
        with Patience(3600):
            await asyncio.sleep(0)
    assert not [each for each in found if isinstance(each, Patience | asyncio.TimerHandle)]


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[ReaderPool]:
    """A pool of two."""
    async with reader_pool(tmp_path, 2) as opened:
        yield opened


async def test_a_read_that_takes_long_is_hurried(pool: ReaderPool) -> None:
    """Also when its reader has left, as long as its thread is at work."""
    go_on = threading.Event()

    def wait(_: sqlite3.Connection) -> None:
        assert go_on.wait(60)

    reading = asyncio.create_task(pool.run(wait))
    await until(is_short)
    reading.cancel()
    await asyncio.wait([reading])
    await until(is_short)
    go_on.set()
    await until(lambda: not pool.busy)
    assert sys.getswitchinterval() == USUAL


async def test_a_write_that_takes_long_is_hurried(store: SqliteStore) -> None:
    writing = HeldWrite()
    written = store._writer.submit(writing)
    await until(is_short)
    writing.go_on.set()
    await written
    assert sys.getswitchinterval() == USUAL


async def test_a_group_is_hurried_for_who_writes_little(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and not when it has had its time."""
    monkeypatch.setattr(writer, "OPERATION_PATIENCE_SECONDS", 3600)
    many = [HeldWrite(held=False) for _ in range(SEVERAL)]
    await asyncio.gather(*(store._writer.submit(each, "much") for each in many))
    writing, little = HeldWrite(), HeldWrite(held=False)
    written = store._writer.submit(writing, "much")
    assert await asyncio.to_thread(writing.begun.wait, 60)
    assert sys.getswitchinterval() == USUAL
    goes_first = store._writer.submit(little, "little")
    assert sys.getswitchinterval() == SHORT
    writing.go_on.set()
    await asyncio.gather(written, goes_first)
    assert sys.getswitchinterval() == USUAL
