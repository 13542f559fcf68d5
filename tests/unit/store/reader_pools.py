"""Pools of reading connections, of an empty database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sessiond.store.sqlite.connection import ReaderPool
from sessiond.store.sqlite.engine import DATABASE_NAME
from sessiond.store.sqlite.migrations import migrate

__all__ = ["reader_pool"]


@asynccontextmanager
async def reader_pool(folder: Path, size: int) -> AsyncIterator[ReaderPool]:
    """A pool of so many connections, which is closed at the end."""
    migrate(folder / DATABASE_NAME)
    pool = await ReaderPool.open(folder / DATABASE_NAME, size)
    yield pool
    await pool.close()
