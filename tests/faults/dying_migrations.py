"""Kills a migration at each statement in turn, each time on a fresh copy of a database.

    python -m tests.faults.dying_migrations TEMPLATE FOLDER

The copy that lost its process before statement N is FOLDER/N-before/sessions.db, the one that lost it right after is
FOLDER/N-after/sessions.db. An empty or missing TEMPLATE stands for a database that is made anew.
"""

import os
import shutil
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

from sessiond.store.sqlite import migrations
from sessiond.store.sqlite.engine import DATABASE_NAME

__all__ = ["main"]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _migrate_and_die(path: Path, number: int, when: str) -> None:
    """Applies what is pending; the statement of that number, from 0, is the last that this process sees."""
    seen = 0

    class Dying(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            nonlocal seen
            chosen, seen = seen == number, seen + 1
            if chosen and when == "before":
                _die()
            cursor = super().execute(sql, *parameters)
            if chosen:
                _die()
            return cursor

    connect: Any = sqlite3.connect
    sqlite3.connect = lambda *a, **k: connect(*a, **{"factory": Dying, **k})
    migrations.migrate(path)


def _dies(template: Path, folder: Path, number: int, when: str) -> bool:
    """Runs one migration in a process of its own; says whether it was killed, and not done before."""
    path = folder / f"{number}-{when}" / DATABASE_NAME
    path.parent.mkdir(parents=True)
    if template.exists():
        shutil.copy(template, path)
    child = os.fork()
    if child == 0:
        try:
            _migrate_and_die(path, number, when)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def main(template: Path, folder: Path) -> None:
    """Kills at each statement, before and after, until there is none left to kill at."""
    number = 0
    while _dies(template, folder, number, "before") and _dies(template, folder, number, "after"):
        number += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
