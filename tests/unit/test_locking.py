"""The lock on a data directory."""

import asyncio
import errno
import fcntl
import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from unittest.mock import Mock

import pytest

from sessiond.locking import LOCK_NAME, DataDirError, DataDirInUseError, DataDirLock

HOLDER = """
import sys
from pathlib import Path
from sessiond.locking import DataDirLock
with DataDirLock(Path(sys.argv[1])) as lock:
    lock.describe(["unix:/some.sock"])
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    """The message names the process and where it listens; when it is gone, however, the lock is free."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert "held\n" == holder.stdout.readline()
        with pytest.raises(DataDirInUseError, match=f"process {holder.pid} \\(listening on unix:/some.sock\\)"):
            DataDirLock(tmp_path).__enter__()
        holder.kill()
    with DataDirLock(tmp_path):
        assert True


def test_the_folder_is_made_for_the_user_alone(tmp_path: Path) -> None:
    """A data directory that is missing is made with 0700."""
    folder = tmp_path / "a" / "data"
    with DataDirLock(folder):
        assert 0o700 == folder.stat().st_mode & 0o777


def test_the_lock_is_not_inherited(tmp_path: Path) -> None:
    """A child process does not keep the directory locked."""
    with DataDirLock(tmp_path) as lock:
        assert not os.get_inheritable(lock._descriptor)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """The message names the folder and the reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirError, match="cannot use the data directory"):
        DataDirLock(tmp_path / "file" / "data").__enter__()


@pytest.mark.parametrize("name", ["", "sessions.db", "sessions.db-wal"])
def test_a_folder_or_a_database_that_cannot_be_written_is_told_before_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Else the daemon would be ready, and refuse each write."""
    for file in ("sessions.db", "sessions.db-wal", "sessions.db.copy"):
        (tmp_path / file).touch()
    ours = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: ours(path, mode) and not (path == tmp_path / name and mode & os.W_OK)
    )
    with pytest.raises(DataDirError, match=f"{tmp_path / name} cannot be written by this user; give it the right to"):
        DataDirLock(tmp_path).__enter__()
    monkeypatch.undo()
    with DataDirLock(tmp_path):
        assert True


def test_a_folder_in_the_place_of_the_database_is_told(tmp_path: Path) -> None:
    """SQLite would speak of an error of the disk."""
    (tmp_path / "sessions.db").mkdir()
    with pytest.raises(DataDirError, match=r"sessions\.db is no file; choose another"):
        DataDirLock(tmp_path).__enter__()


def test_a_copy_that_may_only_be_read_is_nobodys_business(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever keeps one beside the database may protect it."""
    copy = tmp_path / "sessions.db.copy"
    copy.touch()
    ours = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != copy and ours(path, mode))
    with DataDirLock(tmp_path):
        assert True


def test_a_link_to_a_database_of_somebody_else_is_nobodys_business(tmp_path: Path) -> None:
    """The folder may be used for other things too."""
    (tmp_path / "notes").touch()
    (tmp_path / "notes.db").symlink_to(tmp_path / "notes")
    with DataDirLock(tmp_path):
        assert True


async def test_who_is_cancelled_lets_go_of_the_lock_with_the_process(tmp_path: Path) -> None:
    """Threads may be at work still, which nobody waits for any more, and another daemon must not come to that."""
    with suppress(asyncio.CancelledError), DataDirLock(tmp_path):
        raise asyncio.CancelledError
    with pytest.raises(DataDirInUseError, match=f"process {os.getpid()}"):
        DataDirLock(tmp_path).__enter__()


def test_a_lock_whose_file_was_removed_is_held_all_the_same(tmp_path: Path) -> None:
    """Somebody may take it for one that was left behind."""
    with DataDirLock(tmp_path):
        (tmp_path / LOCK_NAME).unlink()
        with pytest.raises(DataDirInUseError, match="in use by another process"):
            DataDirLock(tmp_path).__enter__()
    with DataDirLock(tmp_path):
        assert True


def test_a_disk_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As some disks of networks are; the message names the reason."""
    monkeypatch.setattr(fcntl, "flock", Mock(side_effect=OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))))
    with pytest.raises(DataDirError, match=r"cannot lock the data directory .*: No locks available"):
        DataDirLock(tmp_path).__enter__()
    monkeypatch.undo()
    with DataDirLock(tmp_path):
        assert True


def test_a_disk_that_locks_no_folders_has_the_lock_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of networks do that want a lock's file to be open for writing."""
    ours = fcntl.flock

    def lock(descriptor: int, kind: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        ours(descriptor, kind)

    monkeypatch.setattr(fcntl, "flock", lock)
    with DataDirLock(tmp_path), pytest.raises(DataDirInUseError, match=f"process {os.getpid()}"):
        DataDirLock(tmp_path).__enter__()


def test_a_database_that_is_a_link_is_refused(tmp_path: Path) -> None:
    """SQLite keeps the log where the link leads to, and we would look for it here."""
    (tmp_path / "elsewhere").touch()
    (tmp_path / "sessions.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataDirError, match=r"sessions\.db is a link; "):
        DataDirLock(tmp_path).__enter__()
