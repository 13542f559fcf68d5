"""The SQLite session of openai-agents, in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks.events import TEXT
from tests.benchmarks.stores import Store

__all__ = ["NAME", "opened"]

NAME = "openai-agents SQLiteSession"


class _Sessions(Store):
    name = NAME
    note = "in-process; SQLite's default: synced at each commit; one file"

    def __init__(self, make: Any, path: Path) -> None:
        self._make = make
        self._path = path
        self._sessions: dict[str, Any] = {}
        self.version = version("openai-agents")

    async def append(self, session: str) -> object:
        store = self._sessions.get(session)
        if store is None:
            store = self._sessions[session] = self._make(session, self._path)
        return await store.add_items([{"role": "user", "content": TEXT}])

    def close(self) -> None:
        """Closes the database."""
        for session in self._sessions.values():
            session.close()


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    """Sessions in one new file."""
    from agents import SQLiteSession

    sessions = _Sessions(SQLiteSession, folder / "sessions.db")
    try:
        yield sessions
    finally:
        sessions.close()
