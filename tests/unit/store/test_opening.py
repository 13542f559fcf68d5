"""Opening a store, when it goes wrong."""

import errno
import os
import shutil
from pathlib import Path
from unittest.mock import Mock

import pytest

from sessiond.store.errors import CorruptedError, StorageUnavailableError
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.log_file import LogFile


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


async def test_what_the_system_says_of_the_log_is_told(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that cannot look at the log is refused, and ends what it began."""
    monkeypatch.setattr(LogFile, "size", Mock(side_effect=OSError(errno.EIO, os.strerror(errno.EIO))))
    with pytest.raises(StorageUnavailableError, match="Input/output error"):
        await SqliteStore.open(data_dir)
    monkeypatch.undo()
    await (await SqliteStore.open(data_dir)).close()


async def test_a_damaged_log_that_there_is_no_room_to_keep_does_not_keep_the_store_closed(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """That it is damaged is told all the same, and nothing has the name of what was kept."""

    def copy(_: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(LogFile, "lost_transactions", Mock(return_value=3))
    monkeypatch.setattr(shutil, "copy", copy)
    await (await SqliteStore.open(data_dir)).close()
    assert "3 transactions or more are lost" in caplog.text
    assert "could not be kept: No space left on device" in caplog.text
    assert [] == list(data_dir.glob("*damaged*"))
