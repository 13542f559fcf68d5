"""A process that is killed in a migration leaves the old schema or the new one, whole, with its data."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sessiond.store.sqlite.engine import DATABASE_NAME
from sessiond.store.sqlite.migration_files import load_migrations, statements
from sessiond.store.sqlite.migrations import migrate
from tests.faults.stored import database_faults

KNOWN = load_migrations()
Kept = tuple[dict[str, str], list[tuple[object, ...]]]
"""The columns that a schema has, and what stands in them."""

LABELS = "SELECT id, key, value FROM sessions JOIN session_metadata USING (session_key) ORDER BY id, key"


def schema(path: Path) -> tuple[int, list[tuple[str, str]]]:
    """The version, and the statements that the schema was made by."""
    with closing(sqlite3.connect(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        made_by = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
        return version, made_by.fetchall()


def columns_of(path: Path) -> dict[str, str]:
    """The columns of the tables of sessions, messages, tool calls and events; sums are added by a step."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: ", ".join(
                name
                for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")
                if not name.endswith("checksum")
            )
            for table in ("sessions", "messages", "tool_calls", "events")
        }


def contents(path: Path, columns: dict[str, str]) -> list[tuple[object, ...]]:
    """The sessions, labels, messages, tool calls and events, which no migration may lose or change."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(LABELS).fetchall()
        for table, names in columns.items():
            rows += connection.execute(f"SELECT {names} FROM {table} ORDER BY 1").fetchall()  # noqa: S608
    return rows


def damage(path: Path) -> list[tuple[object, ...]]:
    """What SQLite finds wrong with the file and its references."""
    with closing(sqlite3.connect(path)) as connection:
        found = [row for row in connection.execute("PRAGMA integrity_check") if row != ("ok",)]
        return found + connection.execute("PRAGMA foreign_key_check").fetchall()


def fill(path: Path) -> None:
    """Rows in each table that the first schema has, as many as take more than one page."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for key in range(1, 41):
            connection.execute(
                "INSERT INTO sessions (session_key, id, create_digest, config, status, created_at_us, updated_at_us,"
                " next_event, next_message, message_count) VALUES (?, ?, x'00', x'', 1, ?, ?, 1, 1, 1)",
                (key, f"s{key}", key, key),
            )
            labels = "INSERT INTO session_metadata (session_key, key, value) VALUES (?, ?, ?)"
            connection.executemany(labels, [(key, f"label{number}", "v" * 100) for number in range(10)])
            connection.execute("INSERT INTO messages VALUES (?, ?, 0, 'm', 1, x'01')", (key, key))
            connection.execute(
                "INSERT INTO tool_calls (session_key, id, status, kind, created_at_us, payload)"
                " VALUES (?, 'c', 1, 'k', 1, x'')",
                (key,),
            )
            connection.execute("INSERT INTO events VALUES (?, ?, 0, 0, 1, 't', 'e', x'02')", (key, key))


@pytest.mark.parametrize("older", range(len(KNOWN)))
def test_a_kill_at_any_statement_leaves_one_schema_whole(tmp_path: Path, older: int) -> None:
    """Before and after each statement: an old schema or the next, all data, and the rest can be applied."""
    template = tmp_path / "template.db"
    kept: Kept | None = None
    if older:
        migrate(template, KNOWN[:1])
        fill(template)
        migrate(template, KNOWN[:older])
        columns = columns_of(template)
        kept = columns, contents(template, columns)
    states = []
    for version in range(older, len(KNOWN) + 1):
        path = tmp_path / f"state{version}.db"
        if older:
            path.write_bytes(template.read_bytes())
        if version:
            migrate(path, KNOWN[:version])
        states.append(schema(path))
    folder = tmp_path / "killed"
    subprocess.run([sys.executable, "-m", "tests.faults.dying_migrations", template, folder], check=True)
    killed = sorted(folder.iterdir())
    pending = sum(len(list(statements(migration.sql))) for migration in KNOWN[older:])
    assert len(killed) > 2 * pending
    met = set()
    for copy in killed:
        path = copy / DATABASE_NAME
        met.add(_check(path, states, kept))
    assert met == {version for version, _ in states}


def _check(path: Path, states: list[tuple[int, list[tuple[str, str]]]], kept: Kept | None) -> int:
    """Looks at what one kill left, and has the migration finished; returns the version that was left."""
    left = schema(path)
    assert left in states
    assert [] == damage(path)
    if kept is not None:
        assert kept[1] == contents(path, kept[0])
    migrate(path)
    assert states[-1] == schema(path)
    assert [] == database_faults(path.parent)
    if kept is not None:
        assert kept[1] == contents(path, kept[0])
    return left[0]
