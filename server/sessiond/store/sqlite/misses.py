"""Looks for what an index of ids did not find in another one: only mistakes, of a client or an index, come here."""

import sqlite3

from sessiond.store.errors import CorruptedError

__all__ = ["check_missing_message", "check_missing_tool_call"]

LOOKED_AT = 1000
"""How many of the newest are looked at: the writer has others to serve."""

_MESSAGE = f"""
    SELECT 1 FROM (SELECT id FROM messages INDEXED BY messages_by_sequence
                   WHERE session_key = ? ORDER BY sequence DESC LIMIT {LOOKED_AT}) WHERE id = ?
"""  # noqa: S608 - our own number
_TOOL_CALL = f"""
    SELECT 1 FROM (SELECT id FROM tool_calls INDEXED BY tool_calls_by_order
                   WHERE session_key = ? ORDER BY tool_call_key DESC LIMIT {LOOKED_AT}) WHERE id = ?
"""  # noqa: S608


def check_missing_message(connection: sqlite3.Connection, session_key: int, message_id: str) -> None:
    """Raises CorruptedError when there is such a message."""
    _check(connection, _MESSAGE, session_key, message_id, "messages")


def check_missing_tool_call(connection: sqlite3.Connection, session_key: int, tool_call_id: str) -> None:
    """Raises CorruptedError when there is such a tool call."""
    _check(connection, _TOOL_CALL, session_key, tool_call_id, "tool calls")


def _check(connection: sqlite3.Connection, query: str, session_key: int, item_id: str, what: str) -> None:
    if connection.execute(query, (session_key, item_id)).fetchone() is not None:
        raise CorruptedError(f"the index of {what} by id")
