"""The migrations as files: numbered without gaps, plain SQL."""

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DatabaseUnavailableError", "Migration", "MigrationError", "load_migrations", "statements"]

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


class MigrationError(Exception):
    """The database cannot be brought to this version; the text says why and what to do."""


class DatabaseUnavailableError(MigrationError):
    """Nothing is wrong with the database itself, nor with its version: another try may well find it usable."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema.

    Attributes:
        version: Its number, from 1.
        name: The file's name without number and ending.
        sql: The statements.
    """

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of the statements, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def __str__(self) -> str:
        """The number and the name."""
        return f"{self.version:04d}_{self.name}"


def _folder() -> Path:
    """The folder of the migrations: beside the installed code, else the checkout's."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "migrations" / "sqlite"
    return installed if installed.is_dir() else package.parents[1] / "migrations" / "sqlite"


def load_migrations(folder: Path | None = None) -> list[Migration]:
    """Reads all migrations in their order. Raises MigrationError when a number is missing or a name is off."""
    folder = folder or _folder()
    found = []
    for path in sorted(folder.glob("*.sql")):
        matched = _NAME.fullmatch(path.name)
        if matched is None:
            raise MigrationError(f"{path.name} is no name of a migration; name it like 0001_what_it_does.sql")
        found.append(Migration(int(matched[1]), matched[2], path.read_text(encoding="utf-8")))
    if [migration.version for migration in found] != list(range(1, len(found) + 1)) or not found:
        numbers = ", ".join(f"{migration.version:04d}" for migration in found) or "none"
        raise MigrationError(f"the migrations must be numbered 0001, 0002 … without a gap; found {numbers}")
    return found


def statements(sql: str) -> Iterator[str]:
    """Splits a script into statements, minding comments, strings and triggers.

    Source: sqlite3_complete, which tells whether text ends a statement.
    """
    pending = ""
    for part in re.split(r"(?<=;)", sql):
        pending += part
        if sqlite3.complete_statement(pending):
            yield pending.strip()
            pending = ""
    if re.sub(r"--[^\n]*|/\*.*?\*/", "", pending, flags=re.DOTALL).strip():
        raise MigrationError("a migration ends inside a statement; end it with a semicolon")
