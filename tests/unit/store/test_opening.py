"""Opening a store, when it goes wrong."""

from pathlib import Path

import pytest

from sessiond.store.errors import CorruptedError, StorageUnavailableError
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore


async def test_a_database_that_is_missing_is_not_made(tmp_path: Path) -> None:
    """Only a migration makes a database; a store that cannot be opened leaves nothing open."""
    with pytest.raises(StorageUnavailableError):
        await SqliteStore.open(tmp_path)
    assert [] == list(tmp_path.iterdir())


async def test_a_damaged_database_is_told(data_dir: Path) -> None:
    """A file whose pages are overwritten is not served."""
    path = data_dir / DATABASE_NAME
    size_bytes = path.stat().st_size
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * (size_bytes - 100))
    with pytest.raises(CorruptedError):
        await SqliteStore.open(data_dir)
