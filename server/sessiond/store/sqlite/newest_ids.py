"""The ids of the newest messages and tool calls of a session, which tell what the indexes by id have lost.

What has a new id is stored because the index by id has nothing; where that lost an entry, a repeat would be stored a
second time. What a client repeats is what it sent last. So the ids of the newest are read along the order in which
they were stored, and stay in the writer's memory.
"""

import sqlite3

from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite.session_rows import SessionRow

__all__ = ["NEWEST", "NewestIds", "add_newest", "newest_messages", "newest_tool_calls"]

NEWEST = 8
"""More make the first message longer that a session gets after a start, about a microsecond each."""

NewestIds = dict[str, None]
"""The ids, oldest first."""

_MESSAGES = f"""
    SELECT newest.id, walked.sequence, (newest.session_key, newest.sequence) IS (walked.session_key, walked.sequence)
    FROM messages AS walked INDEXED BY messages_by_sequence LEFT JOIN messages AS newest USING (message_key)
    WHERE walked.session_key = ? ORDER BY walked.sequence DESC LIMIT {NEWEST}
"""  # noqa: S608 - our own number
_TOOL_CALLS = f"""
    SELECT newest.id, newest.session_key IS walked.session_key
    FROM tool_calls AS walked INDEXED BY tool_calls_by_order LEFT JOIN tool_calls AS newest USING (tool_call_key)
    WHERE walked.session_key = ? ORDER BY walked.tool_call_key DESC LIMIT {NEWEST}
"""  # noqa: S608


def newest_messages(connection: sqlite3.Connection, row: SessionRow) -> NewestIds:
    """The ids of the newest messages of a session, NEWEST at most. Raises CorruptedError when one is missing."""
    found = connection.execute(_MESSAGES, (row.session_key,)).fetchall()
    expected = range(max(row.next_message - NEWEST, 0), row.next_message)
    if [sequence for _, sequence, is_right in reversed(found) if is_right] != [*expected]:
        raise CorruptedError(f"the newest messages of session {row.id!r}")
    return dict.fromkeys(message_id for message_id, *_ in reversed(found))


def newest_tool_calls(connection: sqlite3.Connection, row: SessionRow) -> NewestIds:
    """The ids of the newest tool calls of a session, NEWEST at most. Raises CorruptedError when one is missing."""
    found = connection.execute(_TOOL_CALLS, (row.session_key,)).fetchall()
    if sum(is_right for _, is_right in found) != min(row.tool_calls, NEWEST):
        raise CorruptedError(f"the newest tool calls of session {row.id!r}")
    return dict.fromkeys(call_id for call_id, _ in reversed(found))


def add_newest(ids: NewestIds, newest: str) -> None:
    """Takes in an id, and drops the oldest when there are too many."""
    ids[newest] = None
    if len(ids) > NEWEST:
        del ids[next(iter(ids))]
