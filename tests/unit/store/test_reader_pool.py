"""The pool of reading connections, whose readers may leave at any time."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite.connection import ReaderPool
from sessiond.store.sqlite.engine import DATABASE_NAME
from sessiond.store.sqlite.migrations import migrate
from tests.unit.store.reader_pools import reader_pool


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[ReaderPool]:
    """A pool of one."""
    async with reader_pool(tmp_path, 1) as opened:
        yield opened


async def test_a_reader_that_leaves_keeps_its_connection_until_the_thread_is_done(pool: ReaderPool) -> None:
    """Else those who come and leave would pile up work in the threads, before everybody who stays."""
    begun, go_on = threading.Event(), threading.Event()
    ran: list[int] = []

    def block(_: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait()

    leaving = asyncio.create_task(pool.run(block))
    assert await asyncio.to_thread(begun.wait, 10)
    leaving.cancel()
    await asyncio.wait([leaving])

    def noted(number: int, _: sqlite3.Connection) -> None:
        ran.append(number)

    others = [asyncio.create_task(pool.run(partial(noted, number))) for number in range(100)]
    await asyncio.sleep(0)
    for other in others[:-1]:
        other.cancel()
    await asyncio.wait(others[:-1])
    assert (1, 1) == (pool.busy, pool.transactions)
    go_on.set()
    await asyncio.wait_for(others[-1], 10)
    assert [99] == ran
    assert (0, 0) == (pool.busy, pool.transactions)


async def test_a_pool_is_closed_when_those_who_left_are_done(tmp_path: Path) -> None:
    """Nothing runs on a connection that is closed."""
    migrate(tmp_path / DATABASE_NAME)
    pool = await ReaderPool.open(tmp_path / DATABASE_NAME, 2)
    begun, go_on = threading.Event(), threading.Event()

    def block(_: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait()

    leaving = asyncio.create_task(pool.run(block))
    assert await asyncio.to_thread(begun.wait, 10)
    leaving.cancel()
    await asyncio.wait([leaving])
    closing = asyncio.create_task(pool.close())
    await asyncio.sleep(0)
    assert not closing.done()
    go_on.set()
    await asyncio.wait_for(closing, 10)


def fail_in_the_middle(connection: sqlite3.Connection) -> None:
    """A read of damaged rows, of a generator and with an error that comes from another one."""

    def decoded(rows: sqlite3.Cursor) -> Iterator[int]:
        for (name,) in rows:
            yield int(name)

    sum(decoded(connection.execute("SELECT name FROM sqlite_schema")))


async def test_who_reads_after_a_read_that_failed_is_told_what_is_stored_now(pool: ReaderPool, tmp_path: Path) -> None:
    """Also while somebody looks at the error, whose frames hold what the read had open."""
    with pytest.raises(CorruptedError) as failure:
        await pool.run(fail_in_the_middle)
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as writer, writer:
        writer.execute("UPDATE store_info SET value = 'now'")
    found = await pool.run(lambda connection: connection.execute("SELECT value FROM store_info").fetchone())
    assert ("now",) == found
    assert failure.value.__cause__ is not None


async def test_a_read_that_failed_does_not_hold_the_log(pool: ReaderPool, tmp_path: Path) -> None:
    """Else it would grow until the garbage is collected."""
    with pytest.raises(CorruptedError) as failure:
        await pool.run(fail_in_the_middle)
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME, timeout=0)) as writer:
        with writer:
            writer.execute("UPDATE store_info SET value = 'now'")
        (is_busy, *_) = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert not is_busy
    assert failure.value.__cause__ is not None
