"""Migrations that are cut short, and looks that must change nothing."""

import errno
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migration_files import (
    DatabaseUnavailableError,
    Migration,
    MigrationError,
    load_migrations,
)
from sessiond.store.sqlite.migrations import migrate, migration_status
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.faults.stored import database_faults

CONNECT = "sessiond.store.sqlite.migrations.sqlite3.connect"

FIRST = Migration(1, "first", "CREATE TABLE one (note TEXT);")
SECOND = Migration(2, "second", "CREATE TABLE two (note TEXT); INSERT INTO two VALUES ('a'); DROP TABLE one;")
BROKEN = Migration(2, "second", "CREATE TABLE two (note TEXT); INSERT INTO nowhere VALUES (1);")

DIES_IN_A_CHANGE = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 2")
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE half_made (data BLOB)")
for _ in range(200):
    connection.execute("INSERT INTO half_made VALUES (randomblob(2000))")
os._exit(9)
"""


def schema(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    connection.close()
    return names


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def die_in_a_change(path: Path) -> None:
    """Leaves the database as a process does that is killed while pages of its transaction are written already."""
    process = subprocess.run([sys.executable, "-c", DIES_IN_A_CHANGE, str(path)], check=False)
    assert process.returncode == 9
    assert path.with_name(f"{path.name}-journal").exists()


@pytest.mark.parametrize("size", [0, 10, 512])
def test_a_database_that_never_came_to_be_is_made(tmp_path: Path, size: int) -> None:
    """A cut of the power while it is made can leave the journal of an empty database, and no database."""
    path = tmp_path / "a.db"
    path.with_name("a.db-journal").write_bytes(bytes(size))
    assert ("0001_first",) == migrate(path, [FIRST]).applied


def test_a_journal_whose_database_is_missing_is_left_alone(tmp_path: Path) -> None:
    """Somebody moved the database and forgot the journal, without which it is not whole."""
    path = tmp_path / "a.db"
    migrate(path, [FIRST])
    die_in_a_change(path)
    path.rename(tmp_path / "elsewhere")
    before = listing(tmp_path)
    with pytest.raises(MigrationError, match="put it back"):
        migrate(path, [FIRST])
    assert before == listing(tmp_path)


@pytest.mark.parametrize("is_empty", [True, False])
async def test_a_log_whose_database_is_missing_is_left_alone(tmp_path: Path, is_empty: bool) -> None:
    """A killed daemon leaves in it what it acknowledged last; SQLite would begin an empty database, and delete it."""
    migrate(tmp_path / DATABASE_NAME)
    store = await SqliteStore.open(tmp_path)
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    killed = tmp_path / "killed"
    killed.mkdir()
    log = killed / f"{DATABASE_NAME}-wal"
    log.write_bytes((tmp_path / log.name).read_bytes())
    await store.close()
    if is_empty:
        (killed / DATABASE_NAME).touch()
    before = listing(killed)
    with pytest.raises(MigrationError, match="put it back"):
        migrate(killed / DATABASE_NAME)
    assert before == listing(killed)
    log.write_bytes(b"")
    assert migrate(killed / DATABASE_NAME).applied


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE two", "INSERT INTO two", "INSERT INTO schema_migrations", "COMMIT"]
)
def test_a_migration_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    """Interrupted at any statement, the schema and the record are those before the step, and it can be repeated."""
    path = tmp_path / "a.db"
    migrate(path, [FIRST])

    class Interrupting(sqlite3.Connection):
        def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
            if sql.startswith(statement):
                raise KeyboardInterrupt
            return super().execute(sql, *parameters)  # type: ignore[arg-type]

    connect: Any = sqlite3.connect
    monkeypatch.setattr(
        "sessiond.store.sqlite.migrations.sqlite3.connect", lambda *a, **k: connect(*a, **k, factory=Interrupting)
    )
    with pytest.raises(KeyboardInterrupt):
        migrate(path, [FIRST, SECOND])
    monkeypatch.undo()
    assert schema(path) == {"one", "schema_migrations"}
    assert [entry.applied_at_us is None for entry in migration_status(path, [FIRST, SECOND])] == [False, True]
    assert migrate(path, [FIRST, SECOND]).applied == ("0002_second",)
    assert schema(path) == {"two", "schema_migrations"}


def test_a_database_of_a_process_that_died_in_a_change_is_rolled_back(tmp_path: Path) -> None:
    """What was half written is undone, and what was there before stays."""
    path = tmp_path / "a.db"
    migrate(path, [FIRST])
    die_in_a_change(path)
    assert migrate(path, [FIRST]).applied == ()
    assert schema(path) == {"one", "schema_migrations"}


def test_a_first_migration_that_died_is_begun_again(tmp_path: Path) -> None:
    """A database that was never made whole is made anew."""
    path = tmp_path / "a.db"
    die_in_a_change(path)
    assert migrate(path, [FIRST]).applied == ("0001_first",)
    assert schema(path) == {"one", "schema_migrations"}


def test_status_does_not_roll_back(tmp_path: Path) -> None:
    """A look says that a change was cut short, and leaves the files as they are."""
    path = tmp_path / "a.db"
    migrate(path, [FIRST])
    die_in_a_change(path)
    before = listing(tmp_path)
    with pytest.raises(MigrationError, match=r"a\.db was left in the middle of a change"):
        migration_status(path, [FIRST])
    assert before == listing(tmp_path)


DIES_IN_A_STEP = """
import os, sys
from pathlib import Path
from sessiond.store.sqlite import migration_functions
from sessiond.store.sqlite.migrations import migrate
left = int(sys.argv[2])
summed = migration_functions.event_checksum
def dying(*values):
    global left
    left -= 1
    return summed(*values) if left else os._exit(9)
migration_functions.event_checksum = dying
migrate(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("row", [1, 150, 300])
def test_a_kill_among_the_rows_that_get_sums_leaves_the_schema_before_whole(tmp_path: Path, row: int) -> None:
    """All of them have none, and the step can be repeated."""
    path, known = tmp_path / DATABASE_NAME, load_migrations()
    migrate(path, known[:3])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO sessions (session_key, id, create_digest, config, status, created_at_us, updated_at_us,"
            " next_event, unindexed_from) VALUES (1, 's', x'', x'', 1, 1, 1, 300, 0)"
        )
        rows = [(number, number, bytes(1000)) for number in range(300)]
        connection.executemany("INSERT INTO events VALUES (?, 1, ?, 0, 1, 't', NULL, ?)", rows)
        connection.execute("UPDATE store_counters SET value = 300")
    migrate(path, known[:4])
    died = subprocess.run([sys.executable, "-c", DIES_IN_A_STEP, str(path), str(row)], check=False)
    assert died.returncode == 9
    with closing(sqlite3.connect(path)) as connection:
        assert (4,) == connection.execute("PRAGMA user_version").fetchone()
        assert (300,) == connection.execute("SELECT count(*) FROM events WHERE checksum IS NULL").fetchone()
    assert tuple(map(str, known[4:])) == migrate(path).applied
    assert [] == database_faults(tmp_path)


async def test_a_look_at_a_store_that_was_used_leaves_no_file(data_dir: Path) -> None:
    """Neither the status nor a migration with nothing to do makes files beside a closed store."""
    store = await SqliteStore.open(data_dir)
    await store.close()
    before = listing(data_dir)
    migration_status(data_dir / DATABASE_NAME)
    migrate(data_dir / DATABASE_NAME)
    assert before == listing(data_dir)


async def test_status_of_an_open_store_is_told(store: SqliteStore, data_dir: Path) -> None:
    """A look disturbs no server that runs."""
    assert store.info.schema_version == len(load_migrations())
    assert all(entry.applied_at_us is not None for entry in migration_status(data_dir / DATABASE_NAME))


async def test_a_used_store_is_copied_before_it_is_migrated(store: SqliteStore, data_dir: Path) -> None:
    """The copy is one whole file with everything that was committed, also from the log."""
    await store.close()
    path = data_dir / DATABASE_NAME
    known = load_migrations()
    report = migrate(path, [*known, Migration(len(known) + 1, "next", "CREATE TABLE two (note TEXT);")])
    copy = data_dir / f"{DATABASE_NAME}.before-{len(known) + 1:04d}"
    assert copy == report.copy
    assert [copy] == sorted(data_dir.glob("*.before-*"))
    assert all(entry.applied_at_us is not None for entry in migration_status(copy))
    assert 0o600 == copy.stat().st_mode & 0o777


DIES_IN_THE_COPY = """
import os, sqlite3, sys
from pathlib import Path
from sessiond.store.sqlite import migrations
class Dying(sqlite3.Connection):
    def backup(self, target):
        super().backup(target, pages=1, progress=lambda *_: os._exit(9))
connect = sqlite3.connect
sqlite3.connect = lambda *a, **k: connect(*a, **{"factory": Dying, **k})
migrations.migrate(Path(sys.argv[1]))
"""


def test_a_copy_that_was_cut_short_is_not_taken_for_one(tmp_path: Path) -> None:
    """Nothing has the name of a copy that is not whole, and what a kill left of one goes with the next."""
    path, known = tmp_path / DATABASE_NAME, load_migrations()
    migrate(path, known[:-1])
    for _ in range(2):
        died = subprocess.run([sys.executable, "-c", DIES_IN_THE_COPY, str(path)], check=False)
        assert 9 == died.returncode
    copy = tmp_path / f"{DATABASE_NAME}.before-{len(known):04d}"
    assert [f"{copy.name}.partial"] == [found.name for found in tmp_path.glob("*.before-*")]
    assert copy == migrate(path).copy
    assert [copy] == list(tmp_path.glob("*.before-*"))
    assert "sessions" in schema(copy)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (sqlite3.SQLITE_FULL, "the disk is full"),
        (sqlite3.SQLITE_IOERR, "the disk failed"),
        (sqlite3.SQLITE_IOERR_FSYNC, "the disk failed"),
        (sqlite3.SQLITE_CANTOPEN, "cannot be opened"),
        (sqlite3.SQLITE_NOMEM, "no memory"),
        (sqlite3.SQLITE_CORRUPT, "restore it from a copy"),
        (sqlite3.SQLITE_NOTADB, "restore it from a copy"),
    ],
)
def test_nobody_is_told_to_move_a_sound_database_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, told: str
) -> None:
    """What the disk cannot do is no damage, and the message says what to do about it."""
    path = tmp_path / "a.db"
    migrate(path, [FIRST])
    error = sqlite3.OperationalError("as the driver says it")
    error.sqlite_errorcode = code

    class Failing(sqlite3.Connection):
        def backup(self, *_: object, **__: object) -> None:
            raise error

    connect: Any = sqlite3.connect
    monkeypatch.setattr(CONNECT, lambda *a, **k: connect(*a, **{"factory": Failing, **k}))
    with pytest.raises(MigrationError, match=told) as refused:
        migrate(path, [FIRST, SECOND])
    assert ("move it away" in str(refused.value)) == (told == "restore it from a copy")
    assert isinstance(refused.value, DatabaseUnavailableError) == (told != "restore it from a copy")
    assert ["a.db"] == [entry.name for entry in tmp_path.iterdir()]


def test_what_the_system_says_of_a_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a line, and not as a mistake of ours."""
    path = tmp_path / "a.db"
    migrate(path, [FIRST])
    monkeypatch.setattr(os, "fsync", Mock(side_effect=OSError(errno.EIO, os.strerror(errno.EIO))))
    with pytest.raises(DatabaseUnavailableError, match=r"a\.db cannot be used: Input/output error"):
        migrate(path, [FIRST, SECOND])
    assert ["a.db"] == [entry.name for entry in tmp_path.iterdir()]


def test_a_step_that_fails_at_each_start_keeps_no_copies(tmp_path: Path) -> None:
    """A daemon that is started again and again does not fill the disk."""
    path = tmp_path / "a.db"
    migrate(path, [FIRST])
    for _ in range(3):
        with pytest.raises(MigrationError, match="no such table: nowhere"):
            migrate(path, [FIRST, BROKEN])
    assert ["a.db"] == [entry.name for entry in tmp_path.iterdir()]


def test_the_copy_stays_when_an_earlier_step_was_applied(tmp_path: Path) -> None:
    """The copy is the way back to the schema before the first of the steps."""
    path = tmp_path / "a.db"
    migrate(path, [FIRST])
    third = Migration(3, "third", "INSERT INTO nowhere VALUES (1);")
    with pytest.raises(MigrationError, match="0003_third failed"):
        migrate(path, [FIRST, SECOND, third])
    assert schema(tmp_path / "a.db.before-0002") == {"one", "schema_migrations"}


def test_a_history_with_a_gap_is_refused(tmp_path: Path) -> None:
    """A record that was taken out of the database is found out, and nothing is applied on top."""
    path = tmp_path / "a.db"
    migrate(path, [FIRST, SECOND])
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DELETE FROM schema_migrations WHERE version = 1")
    connection.close()
    before = listing(tmp_path)
    with pytest.raises(MigrationError, match="was made with another 0002_second than this program's 0001_first"):
        migrate(path, [FIRST, SECOND])
    assert before == listing(tmp_path)


def test_a_foreign_application_id_is_refused(tmp_path: Path) -> None:
    """The header of the file tells whose it is, also when the file holds no table."""
    path = tmp_path / "a.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA application_id = 1234")
    connection.close()
    before = listing(tmp_path)
    for look in (migrate, migration_status):
        with pytest.raises(MigrationError, match="the database of another program"):
            look(path, [FIRST])
    assert before == listing(tmp_path)


def test_a_database_that_is_locked_by_another_program_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who looks around with another tool is asked to leave, and not told to throw the file away."""
    path = tmp_path / "a.db"
    migrate(path, [FIRST])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    connect: Any = sqlite3.connect
    monkeypatch.setattr(CONNECT, lambda *a, **k: connect(*a, **k, timeout=0))
    with pytest.raises(MigrationError, match="in use by another program"):
        migrate(path, [FIRST, SECOND])
    other.close()
