"""Migrations: each with its record, or not at all; a history that is not ours is not touched."""

import hashlib
import sqlite3
from pathlib import Path

import pytest

from sessiond.store.sqlite.migration_files import MigrationError, load_migrations, statements
from sessiond.store.sqlite.migrations import APPLICATION_ID, migrate, migration_status

FIRST = "CREATE TABLE one (id INTEGER PRIMARY KEY, note TEXT DEFAULT 'a;b'); -- a comment; with a semicolon\n"
TRIGGER = """
CREATE TABLE two (id INTEGER PRIMARY KEY);
CREATE TRIGGER count_two AFTER INSERT ON one BEGIN
    INSERT INTO two VALUES (new.id);
    DELETE FROM two WHERE id < 0;
END;
"""


def folder_of(path: Path, *scripts: str) -> Path:
    folder = path / "migrations"
    folder.mkdir(exist_ok=True)
    for number, script in enumerate(scripts, 1):
        (folder / f"{number:04d}_step_{number}.sql").write_text(script)
    return folder


def tables(path: Path) -> set[str]:
    with sqlite3.connect(path) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    connection.close()
    return names


def fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_our_own_migrations_are_found_and_apply(tmp_path: Path) -> None:
    """The schema is made from nothing, strict, and marked as ours."""
    report = migrate(tmp_path / "a.db")
    with sqlite3.connect(tmp_path / "a.db") as connection:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        loose = connection.execute(
            "SELECT name FROM pragma_table_list WHERE type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
    connection.close()
    assert ("0001_sessions",) == report.applied[:1]
    assert None is report.copy
    assert APPLICATION_ID == application_id
    assert [] == loose


def test_statements_with_semicolons_inside_are_not_torn() -> None:
    """Strings, comments and triggers may hold semicolons."""
    assert 1 == len([item for item in statements(FIRST) if "CREATE" in item])
    assert 2 == len(list(statements(TRIGGER)))
    with pytest.raises(MigrationError, match="inside a statement"):
        list(statements("CREATE TABLE x (id"))


def test_again_is_nothing_to_do(tmp_path: Path) -> None:
    """A database that is up to date is not changed."""
    path, migrations = tmp_path / "a.db", load_migrations(folder_of(tmp_path, FIRST, TRIGGER))
    migrate(path, migrations)
    before = fingerprint(path)
    assert () == migrate(path, migrations).applied
    assert before == fingerprint(path)


def test_a_copy_is_kept_before_an_existing_database_is_changed(tmp_path: Path) -> None:
    """The copy has the old schema and data, and never replaces another."""
    path = tmp_path / "a.db"
    migrate(path, load_migrations(folder_of(tmp_path, FIRST)))
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO one VALUES (7, 'kept')")
    connection.close()
    (tmp_path / "a.db.before-0002").write_text("an older copy")
    report = migrate(path, load_migrations(folder_of(tmp_path, FIRST, TRIGGER)))
    assert tmp_path / "a.db.before-0002.1" == report.copy
    assert "an older copy" == (tmp_path / "a.db.before-0002").read_text()
    assert "two" not in tables(report.copy)
    with sqlite3.connect(report.copy) as copy:
        assert [(7, "kept")] == copy.execute("SELECT * FROM one").fetchall()
    copy.close()
    assert {"one", "two"} <= tables(path)


def test_a_step_that_fails_leaves_the_schema_before_it(tmp_path: Path) -> None:
    """The steps before are there with their records, the failed one not in part."""
    path = tmp_path / "a.db"
    broken = "CREATE TABLE three (id INTEGER); CREATE TABLE one (id INTEGER);"
    with pytest.raises(MigrationError, match="0003_step_3 failed"):
        migrate(path, load_migrations(folder_of(tmp_path, FIRST, TRIGGER, broken)))
    assert "three" not in tables(path)
    mended = load_migrations(folder_of(tmp_path, FIRST, TRIGGER, "CREATE TABLE three (id INTEGER);"))
    assert ("0003_step_3",) == migrate(path, mended).applied


def test_a_newer_history_is_refused_untouched(tmp_path: Path) -> None:
    """A database of a newer program is left alone, and the message names what it has and what is known."""
    path = tmp_path / "a.db"
    both = load_migrations(folder_of(tmp_path, FIRST, TRIGGER))
    migrate(path, both)
    before = fingerprint(path)
    with pytest.raises(MigrationError, match="0002_step_2, this program knows up to 0001_step_1"):
        migrate(path, both[:1])
    assert before == fingerprint(path)


def test_an_altered_history_is_refused_untouched(tmp_path: Path) -> None:
    """A migration whose text was changed after it was applied is found out."""
    path = tmp_path / "a.db"
    migrate(path, load_migrations(folder_of(tmp_path, FIRST)))
    before = fingerprint(path)
    with pytest.raises(MigrationError, match="was made with another 0001_step_1"):
        migrate(path, load_migrations(folder_of(tmp_path, FIRST + "-- changed\n")))
    assert before == fingerprint(path)


def test_the_database_of_another_program_is_refused_untouched(tmp_path: Path) -> None:
    """Neither a foreign database nor a file that is none is touched."""
    foreign, text = tmp_path / "foreign.db", tmp_path / "text.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE theirs (id)")
    connection.close()
    text.write_text("this is no database, and long enough to be read as a header " * 20)
    for path, message in ((foreign, "another program"), (text, "cannot be used as a database")):
        before = fingerprint(path)
        with pytest.raises(MigrationError, match=message):
            migrate(path)
        assert before == fingerprint(path)


def test_status_tells_and_creates_nothing(tmp_path: Path) -> None:
    """What is applied and what is pending, without a file being made."""
    path, migrations = tmp_path / "a.db", load_migrations(folder_of(tmp_path, FIRST, TRIGGER))
    assert [None, None] == [entry.applied_at_us for entry in migration_status(path, migrations)]
    assert not path.exists()
    migrate(path, migrations[:1])
    applied = migration_status(path, migrations)
    assert [True, False] == [entry.applied_at_us is not None for entry in applied]


@pytest.mark.parametrize("names", [["0002_b.sql"], ["0001_a.sql", "0003_c.sql"], ["1_a.sql"], []])
def test_numbers_have_no_gaps(tmp_path: Path, names: list[str]) -> None:
    """A folder with a missing number or an odd name is refused."""
    for name in names:
        (tmp_path / name).write_text(FIRST)
    with pytest.raises(MigrationError):
        load_migrations(tmp_path)
