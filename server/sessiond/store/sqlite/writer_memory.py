"""What the writer knows of the database without asking it: nobody else writes there."""

from dataclasses import dataclass, field
from typing import Any

from sessiond.store.sqlite.label_horizon import Horizon
from sessiond.store.sqlite.newest_ids import NewestIds
from sessiond.store.sqlite.session_rows import SessionRow

__all__ = ["WriterMemory"]

MAX_ROWS = 4096

MAX_SESSIONS_WITH_IDS = 1024
"""The ids of so many sessions take about 4 MB; those of a session are read again in one walk over its last events."""


@dataclass(slots=True)
class WriterMemory:
    """Outlives a transaction that is committed, and is emptied after one that is not. For the writer's thread.

    Attributes:
        rows: Rows of live sessions, by id.
        recent_ids: By session key: the events that the index of ids does not have yet, as sequences by id. Of some of
            the sessions whose rows are held, and only of those that somebody asked for.
        newest_messages: By session key, of some of those sessions: the ids of the newest messages.
        newest_tool_calls: The same of tool calls.
        next_position: The position that the next event gets, among the events of all sessions.
        positions_end: The first position that is not set aside yet: the counter in the database stands there, so that
            it changes once for many events. Those that are left at a restart are never given away.
        sessions: How many sessions there are, archived ones included; None when nobody asked yet.
        horizon: The horizon of the labels; None when nobody asked yet.
        hot: About how many sessions are hot: counted at the start and when the horizon advances. In between those that
            turn hot are added, and nothing is taken off.
        removals_left: Whether deletions may have left something to be removed.
    """

    rows: dict[str, SessionRow] = field(default_factory=dict)
    recent_ids: dict[int, dict[str, int]] = field(default_factory=dict)
    newest_messages: dict[int, NewestIds] = field(default_factory=dict)
    newest_tool_calls: dict[int, NewestIds] = field(default_factory=dict)
    next_position: int = 0
    positions_end: int = 0
    sessions: int | None = None
    horizon: Horizon | None = None
    hot: int = 0
    removals_left: bool = False

    def forget(self) -> None:
        """Empties it: what it holds may not be what the database does."""
        self.rows.clear()
        for ids in self._ids():
            ids.clear()
        self.next_position = self.positions_end = 0
        self.sessions = None
        self.horizon = None

    def trim(self) -> None:
        """Drops the rows and the ids that are held for longest, when there are too many."""
        while len(self.rows) > MAX_ROWS:
            self.forget_ids(self.rows.pop(next(iter(self.rows))).session_key)
        for ids in self._ids():
            while len(ids) > MAX_SESSIONS_WITH_IDS:
                del ids[next(iter(ids))]

    def forget_ids(self, session_key: int) -> None:
        """Drops the ids of a session."""
        for ids in self._ids():
            ids.pop(session_key, None)

    def _ids(self) -> "tuple[dict[int, Any], ...]":
        return self.recent_ids, self.newest_messages, self.newest_tool_calls
