"""The SQLite session service of google-adk, in this process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks.events import TEXT
from tests.benchmarks.stores import Store

__all__ = ["NAME", "opened"]

NAME = "google-adk SqliteSessionService"


class _Service(Store):
    name = NAME
    note = "in-process; SQLite's default: synced at each commit, no WAL; opens the file for each call"

    def __init__(self, service: Any, event: Any, content: Any) -> None:
        self._service = service
        self._event = event
        self._content = content
        self._sessions: dict[str, Any] = {}
        self.version = version("google-adk")

    async def prepare(self, sessions: Sequence[str]) -> None:
        for session in sessions:
            self._sessions[session] = await self._service.create_session(
                app_name="bench", user_id="u", session_id=session
            )

    async def append(self, session: str) -> object:
        return await self._service.append_event(
            self._sessions[session], self._event(author="user", content=self._content)
        )


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    """A service on a new file."""
    from google.adk.events import Event
    from google.adk.sessions.sqlite_session_service import SqliteSessionService
    from google.genai.types import Content, Part

    content = Content(role="user", parts=[Part(text=TEXT)])
    yield _Service(SqliteSessionService(str(folder / "sessions.db")), Event, content)
