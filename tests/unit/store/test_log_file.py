"""The log as a file: its size, and what is written again after a failure of the disk."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite import log_file
from sessiond.store.sqlite.log_file import LogFile, LogSize


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """An open database whose log holds some transactions."""
    connection = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    for pragma in ("journal_mode = WAL", "wal_autocheckpoint = 0"):
        connection.execute(f"PRAGMA {pragma}").fetchone()
    connection.execute("CREATE TABLE numbers (number INTEGER)")
    connection.execute("INSERT INTO numbers VALUES (1)")
    yield connection
    connection.close()


@pytest.fixture
def log(tmp_path: Path, database: sqlite3.Connection) -> LogFile:
    """The log of that database."""
    return LogFile(tmp_path / "a.db")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Where the log is written again: begin and size; `-1` at each sync."""
    seen: list[tuple[int, int]] = []

    def pwrite(descriptor: int, data: bytes, at: int) -> int:
        # A disk takes less than it is given, now and then.
        taken = os.pwrite(descriptor, data[:3000], at)
        seen.append((at, taken))
        return taken

    def fsync(descriptor: int) -> None:
        seen.append((-1, -1))

    monkeypatch.setattr(log_file, "os", _Instead(pwrite=pwrite, fsync=fsync))
    return seen


class _Instead:
    """The module `os` with some functions replaced."""

    def __init__(self, **functions: object) -> None:
        self.__dict__.update(functions)

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)


def test_the_size_is_what_is_committed_and_not_what_the_file_has(log: LogFile, database: sqlite3.Connection) -> None:
    """Frames count once they are committed; after a checkpoint they are begun anew."""
    before = log.size()
    assert before.frames > 0
    assert 0 == before.checkpointed
    database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    assert LogSize(before.frames, before.frames) == log.size()
    database.execute("INSERT INTO numbers VALUES (2)")
    assert LogSize(1, 0) == log.size()


def test_a_checkpoint_that_is_begun_anew_copies_what_an_earlier_one_did(
    tmp_path: Path, log: LogFile, database: sqlite3.Connection
) -> None:
    """What that copied is not on the disk as long as nothing was synced, as behind somebody who reads."""
    database.execute("INSERT INTO numbers VALUES (2)")
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM numbers").fetchone()
        copied = log.size().frames
        database.execute("INSERT INTO numbers VALUES (3)")
        database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        assert LogSize(copied + 1, copied) == log.size()
        log.checkpoint_anew()
        assert LogSize(copied + 1, 0) == log.size()
        assert [(1,), (2,)] == reader.execute("SELECT * FROM numbers").fetchall()
    assert [(1,), (2,), (3,)] == database.execute("SELECT * FROM numbers").fetchall()
    database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    assert LogSize(copied + 1, copied + 1) == log.size()


def test_all_of_a_log_that_was_left_is_written_again_and_then_synced(
    log: LogFile, written: list[tuple[int, int]]
) -> None:
    """Byte for byte, however little is taken at a time."""
    before = log.path.read_bytes()
    log.write_again()
    assert before == log.path.read_bytes()
    assert (-1, -1) == written.pop()
    assert list(range(0, len(before), 3000)) == [at for at, _ in written]
    assert len(before) == sum(size for _, size in written)


def test_where_there_is_no_log_there_is_nothing_to_write(tmp_path: Path) -> None:
    """As after a clean stop."""
    LogFile(tmp_path / "none.db").write_again()
    assert [] == list(tmp_path.iterdir())


def test_of_an_open_log_what_is_committed_is_written_again(
    log: LogFile, database: sqlite3.Connection, written: list[tuple[int, int]]
) -> None:
    """The header and the frames that count, and not what lies behind from before the last checkpoint."""
    database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    database.execute("INSERT INTO numbers VALUES (2)")
    log.write_committed_again()
    assert (-1, -1) == written.pop()
    assert 32 + 24 + 4096 == sum(size for _, size in written)
    assert [(1,), (2,)] == database.execute("SELECT number FROM numbers").fetchall()


@pytest.mark.parametrize("at", [8, 20, 32 + 4, 32 + 12, 32 + 24 + 100, -1])
def test_a_log_that_is_not_what_was_written_is_told(log: LogFile, written: list[tuple[int, int]], at: int) -> None:
    """A page that the operating system forgot has sums that do not fit; nothing is written then."""
    content = bytearray(log.path.read_bytes())
    content[at] ^= 1
    log.path.write_bytes(content)
    with pytest.raises(CorruptedError):
        log.write_committed_again()
    assert [] == written


def test_a_log_that_was_cut_short_is_told(log: LogFile) -> None:
    """It holds fewer frames than were committed, or not even a header."""
    for size in (log.path.stat().st_size - 1, 10):
        os.truncate(log.path, size)
        with pytest.raises(CorruptedError):
            log.write_committed_again()


def test_an_empty_log_is_not_looked_at(log: LogFile, database: sqlite3.Connection) -> None:
    """As after a checkpoint that cut it."""
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    log.write_committed_again()
    assert 0 == log.path.stat().st_size


FRAME_BYTES = 24 + 4096
HEADER_BYTES = 32


@pytest.fixture
def killed(tmp_path: Path, database: sqlite3.Connection) -> Path:
    """The files as a kill leaves them: a log of the transactions of ten numbers, a frame each."""
    for number in range(2, 11):
        database.execute("INSERT INTO numbers VALUES (?)", (number,))
    folder = tmp_path / "killed"
    folder.mkdir()
    for name in ("a.db", "a.db-wal"):
        shutil.copy(tmp_path / name, folder / name)
    return folder / "a.db"


def lost_at_the_next_start(path: Path) -> tuple[int, int]:
    """How many transactions are told as lost, and how many of the numbers are there."""
    with closing(sqlite3.connect(path)) as connection:
        (numbers,) = connection.execute("SELECT count(*) FROM numbers").fetchone()
        log = LogFile(path)
        try:
            return log.lost_transactions(), numbers
        finally:
            log.close()


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.with_name(f"{path.name}-wal").open("r+b") as file:
        file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        file.write(data)


def test_a_sound_log_has_lost_nothing(killed: Path) -> None:
    """All of it is there."""
    assert (0, 10) == lost_at_the_next_start(killed)


@pytest.mark.parametrize("back", [2, 3, 9])
@pytest.mark.parametrize("place", [0, 4, 8, 16, 24, 2000])
def test_damage_before_the_newest_transaction_is_told(killed: Path, back: int, place: int) -> None:
    """Whatever of a frame it is in: its page, its commit, its salts, its sums, its content."""
    overwrite(killed, place - back * FRAME_BYTES, b"\xff\xfe\xfd\xfc")
    lost, numbers = lost_at_the_next_start(killed)
    assert 10 - back == numbers
    # Of the two newest ones only one may still be recognized, which the power could have cut.
    assert back - 1 <= lost <= back or back == 2


def test_damage_of_the_header_of_a_log_is_told(killed: Path) -> None:
    """Nothing of the log is used then."""
    overwrite(killed, 16, b"\xff\xfe\xfd\xfc")
    with closing(sqlite3.connect(killed)) as connection:
        connection.execute("PRAGMA schema_version").fetchone()
        log = LogFile(killed)
        assert 9 <= log.lost_transactions()
        log.close()


@pytest.mark.parametrize("cut", [10, 24, 2000])
def test_a_cut_of_the_power_is_not_taken_for_damage(killed: Path, cut: int) -> None:
    """It leaves a frame that does not fit in the newest transaction only."""
    overwrite(killed, cut - FRAME_BYTES, b"\xff\xfe\xfd\xfc")
    assert (0, 9) == lost_at_the_next_start(killed)


def test_what_an_earlier_log_left_is_not_taken_for_lost(tmp_path: Path, database: sqlite3.Connection) -> None:
    """A log that is begun anew is as long as the one before."""
    for number in range(20):
        database.execute("INSERT INTO numbers VALUES (?)", (number,))
    database.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
    database.execute("INSERT INTO numbers VALUES (99)")
    log = LogFile(tmp_path / "a.db")
    assert 0 == log.lost_transactions()
    log.close()
