"""Brings a database to the newest schema, step by step, each step with its record in one transaction.

A history that is newer than this program, or not the one that it knows, is refused before anything is touched. A
database that holds a schema already is copied before it is changed.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sessiond.contract.timestamps import now_us
from sessiond.store.sqlite.log_file import LogFile
from sessiond.store.sqlite.migration_files import (
    DatabaseUnavailableError,
    Migration,
    MigrationError,
    load_migrations,
    statements,
)
from sessiond.store.sqlite.migration_functions import add_functions
from sessiond.store.sqlite.unused_names import unused_name

__all__ = ["APPLICATION_ID", "MigrationReport", "MigrationStatus", "migrate", "migration_status", "reading_options"]

APPLICATION_ID = 0x53455353
"""What tells our databases from others, in the header of the file: the letters SESS."""

_RECORDS = """
    CREATE TABLE schema_migrations (
        version       INTEGER PRIMARY KEY,
        name          TEXT    NOT NULL,
        checksum      TEXT    NOT NULL,
        applied_at_us INTEGER NOT NULL
    ) STRICT
"""
_INSERT = "INSERT INTO schema_migrations (version, name, checksum, applied_at_us) VALUES (?, ?, ?, ?)"
_SELECT = "SELECT version, name, checksum, applied_at_us FROM schema_migrations ORDER BY version"

_JOURNAL_PAGES_AT, _JOURNAL_PAGES_END = 16, 20
"""Where a rollback journal says how many pages the database had before the change."""


_PASSING = {
    sqlite3.SQLITE_BUSY: "is in use by another program; end it and repeat",
    sqlite3.SQLITE_FULL: "cannot be changed, because the disk is full; make room and repeat",
    sqlite3.SQLITE_IOERR: "cannot be used, because the disk failed; see to the disk and repeat",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened, or a file beside it; see who may use them, and how many are open",
    sqlite3.SQLITE_NOMEM: "cannot be used, because there is no memory for it; repeat later",
}
"""What is not wrong with the database itself, by the primary codes of SQLite's errors."""


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What was done.

    Attributes:
        applied: The migrations that were applied now, in order.
        copy: The copy of the database as it was before, or None when there was nothing to keep.
    """

    applied: tuple[str, ...]
    copy: Path | None


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """One migration and whether the database has it.

    Attributes:
        migration: Its number and name.
        applied_at_us: When it was applied, in microseconds since 1970; None when it is pending.
    """

    migration: str
    applied_at_us: int | None


@dataclass(frozen=True, slots=True)
class _Record:
    version: int
    name: str
    checksum: str
    applied_at_us: int


def migrate(path: Path, migrations: list[Migration] | None = None) -> MigrationReport:
    """Applies what is pending. The caller holds the lock of the data directory.

    Raises MigrationError when the database is not ours, damaged, newer, or of another history, and
    DatabaseUnavailableError when its disk fails or the like; it is then as it was.
    """
    migrations = load_migrations() if migrations is None else migrations
    try:
        return _migrate(path, migrations)
    except OSError as error:
        told = f"{path.name} cannot be used: {error.strerror}; see to the disk and repeat"
        raise DatabaseUnavailableError(told) from error


def _migrate(path: Path, migrations: list[Migration]) -> MigrationReport:
    journal = path.with_name(f"{path.name}-journal")
    if journal.exists():
        # A process died while it changed the database: the next that may write rolls that back, a reader cannot.
        _find_what_the_journal_is_of(path, journal)
        with _connection(path, "mode=rw") as connection:
            connection.execute("PRAGMA schema_version")
    existed = path.exists() and path.stat().st_size > 0
    if existed:
        # Looked at without being able to change it, so that what is refused is not touched.
        with _connection(path, reading_options(path)) as connection:
            pending = _pending(path, connection, migrations)
    else:
        _refuse_a_log_alone(path)
        path.touch(mode=0o600)
        pending = migrations
    if existed:
        # What a daemon left that died after a failed sync may be with the operating system only, which believes that
        # it is on the disk.
        LogFile(path).write_again()
    if not pending:
        return MigrationReport((), None)
    with _connection(path, "mode=rw") as connection:
        add_functions(connection)
        copy = _keep_copy(connection, path, pending[0]) if existed and len(pending) < len(migrations) else None
        for migration in pending:
            try:
                _apply(connection, migration)
            except sqlite3.Error as error:
                if copy is not None and migration is pending[0]:
                    # Nothing was changed. Without this each start of a daemon that cannot migrate adds a copy.
                    copy.unlink()
                told = f"{path.name}: {migration} failed ({error}); the schema is as it was before that step"
                raise _kind(error)(told) from error
    return MigrationReport(tuple(map(str, pending)), copy)


def migration_status(path: Path, migrations: list[Migration] | None = None) -> list[MigrationStatus]:
    """All migrations, without creating or changing anything. Raises MigrationError, as `migrate` does."""
    migrations = load_migrations() if migrations is None else migrations
    if not path.exists() or path.stat().st_size == 0:
        return [MigrationStatus(str(migration), None) for migration in migrations]
    with _connection(path, reading_options(path)) as connection:
        _pending(path, connection, migrations)
        applied = {record.version: record.applied_at_us for record in _records(connection)}
    return [MigrationStatus(str(migration), applied.get(migration.version)) for migration in migrations]


def reading_options(path: Path) -> str:
    """The options of the address of a connection that changes nothing.

    Merely reading a database in WAL mode makes the files of the log and leaves them there. Where there is no log,
    nobody has the database open, and it may as well be taken for immutable.
    """
    beside = (path.with_name(f"{path.name}-{ending}") for ending in ("wal", "journal"))
    return "mode=ro" if any(file.exists() for file in beside) else "mode=ro&immutable=1"


@contextlib.contextmanager
def _connection(path: Path, options: str) -> Iterator[sqlite3.Connection]:
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?{options}", uri=True, isolation_level=None)
        ) as connection:
            yield connection
    except sqlite3.DatabaseError as error:
        raise _kind(error)(f"{path.name} {_meaning(error)}") from error
    except UnicodeDecodeError as error:
        # Of the names of what is damaged in the schema.
        raise MigrationError(f"{path.name} {_meaning(sqlite3.DatabaseError('its schema is damaged'))}") from error


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)


def _kind(error: sqlite3.Error) -> type[MigrationError]:
    return DatabaseUnavailableError if _code(error) & 0xFF in _PASSING else MigrationError


def _meaning(error: sqlite3.DatabaseError) -> str:
    code = _code(error)
    if code == sqlite3.SQLITE_READONLY_ROLLBACK:
        return "was left in the middle of a change; start the server or run the migration, which rolls that back"
    return (
        _PASSING.get(code & 0xFF) or f"cannot be used as a database ({error}); restore it from a copy, or move it away"
    )


def _records(connection: sqlite3.Connection) -> list[_Record]:
    known = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'").fetchone()
    return [_Record(*row) for row in connection.execute(_SELECT)] if known else []


def _pending(path: Path, connection: sqlite3.Connection, migrations: list[Migration]) -> list[Migration]:
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application_id not in (0, APPLICATION_ID) or (application_id == 0 and tables):
        raise MigrationError(
            f"{path.name} is the database of another program; choose another --data-dir, or move the file away"
        )
    records = _records(connection)
    for record, migration in zip(records, migrations, strict=False):
        if (record.version, record.name, record.checksum) != (migration.version, migration.name, migration.checksum):
            raise MigrationError(
                f"{path.name} was made with another {record.version:04d}_{record.name} than this program's {migration};"
                " use the program that made it, or restore a copy"
            )
    if len(records) > len(migrations):
        newest = records[-1]
        raise MigrationError(
            f"{path.name} has schema {newest.version:04d}_{newest.name}, this program knows up to {migrations[-1]};"
            " use a newer program, or restore the copy that was kept before the migration"
        )
    return migrations[len(records) :]


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if migration.version == 1:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(_RECORDS)
        for statement in statements(migration.sql):
            connection.execute(statement)
        connection.execute(_INSERT, (migration.version, migration.name, migration.checksum, now_us()))
        connection.execute(f"PRAGMA user_version = {migration.version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _find_what_the_journal_is_of(path: Path, journal: Path) -> None:
    """Makes the database where it never came to be, as when the power is cut while it is made.

    Raises MigrationError where there was one: without it the journal is of no use, nor it without the journal.
    Source: https://sqlite.org/fileformat.html, the rollback journal
    """
    if path.exists():
        return
    with journal.open("rb") as file:
        header = file.read(_JOURNAL_PAGES_END)
    pages = header[_JOURNAL_PAGES_AT:]
    if len(pages) == _JOURNAL_PAGES_END - _JOURNAL_PAGES_AT and any(pages):
        raise MigrationError(
            f"{path.name} is missing, and {journal.name} belongs to it; put it back, or move both away"
        )
    path.touch(mode=0o600)


def _refuse_a_log_alone(path: Path) -> None:
    """Raises MigrationError where there is a log and no database: SQLite would delete it, and what is in it alone."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        found = "empty" if path.exists() else "missing"
        raise MigrationError(f"{path.name} is {found}, and {log.name} belongs to it; put it back, or move both away")


def _keep_copy(connection: sqlite3.Connection, path: Path, first: Migration) -> Path:
    """Copies the database beside itself, under a name that was not used before, and onto the disk."""
    # The backup would wait for ever for another program that holds a lock; this says so after a while.
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")
    copy = path.with_name(f"{path.name}.before-{first.version:04d}")
    # Under another name until it is whole. Nobody else makes one: the caller holds the lock of the folder.
    partial = copy.with_name(f"{copy.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        with contextlib.closing(sqlite3.connect(partial)) as target:
            # What is not whole is not needed again.
            target.execute("PRAGMA journal_mode = OFF")
            connection.backup(target)
        os.fsync(descriptor)
        copy = unused_name(copy)
        partial.rename(copy)
        _sync_folder(copy.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    return copy


def _sync_folder(folder: Path) -> None:
    """Puts the names of new files onto the disk; without that a power cut can lose a file that was synced."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
