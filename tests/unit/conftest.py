"""A real store in a temporary folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migrations import migrate


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory with a migrated database."""
    migrate(tmp_path / DATABASE_NAME)
    return tmp_path


@pytest.fixture
async def store(data_dir: Path) -> AsyncIterator[SqliteStore]:
    """An open store without sessions."""
    opened = await SqliteStore.open(data_dir, durability="normal")
    yield opened
    await opened.close()
