"""Reads of tool calls."""

import sqlite3
from collections.abc import Iterator
from typing import Any, cast

from google.protobuf.message import DecodeError

from sessiond.contract.decode_errors import check_memory
from sessiond.contract.limits import FRAGMENT_BYTES
from sessiond.contract.timestamps import from_us, set_us
from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite.event_reads import live_bounds
from sessiond.store.sqlite.tool_call_rows import TOOL_CALL_COLUMNS, ToolCallRow
from sessionstore.v1.tool_pb2 import ToolCallState, ToolCallStatus

__all__ = ["iterate_tool_calls", "read_pending_tool_calls"]

_ALL = f"SELECT {TOOL_CALL_COLUMNS} FROM tool_calls WHERE session_key = ? ORDER BY tool_call_key"  # noqa: S608
_UNFINISHED = f"""
    SELECT {TOOL_CALL_COLUMNS} FROM tool_calls
    WHERE session_key = ? AND tool_call_key > ? AND status IN (1, 2, 4) AND (status = 1 OR ?)
    ORDER BY tool_call_key
"""  # noqa: S608


def _state(session_key: int, columns: tuple[Any, ...]) -> ToolCallState:
    row = ToolCallRow.of(session_key, columns)
    state = ToolCallState(
        status=cast("ToolCallStatus", row.status), kind=row.kind, created_at=from_us(row.created_at_us), error=row.error
    )
    if row.started_at_us is not None:
        set_us(state.started_at, row.started_at_us)
    if row.completed_at_us is not None:
        set_us(state.completed_at, row.completed_at_us)
    try:
        state.tool_call.MergeFromString(row.payload)
        if row.result is not None:
            state.result.SetInParent()
            state.result.MergeFromString(row.result)
        if row.stats is not None:
            state.stats.SetInParent()
            state.stats.MergeFromString(row.stats)
    except DecodeError as damage:
        check_memory(damage)
        raise CorruptedError(f"tool call {row.id!r}") from damage
    return state


def iterate_tool_calls(connection: sqlite3.Connection, session_key: int) -> Iterator[ToolCallState]:
    """All tool calls of a session, in the order of their creation."""
    return (_state(session_key, row) for row in connection.execute(_ALL, (session_key,)))


def read_pending_tool_calls(
    connection: sqlite3.Connection, session_id: str, session_key: int, *, after_key: int, include_unfinished: bool
) -> tuple[list[ToolCallState], int]:
    """The next fragment of the calls that wait, and the key to go on after; an empty one at the end.

    Raises NotFoundError when the session was removed since its key was read.
    """
    live_bounds(connection, session_id, session_key)
    page: list[ToolCallState] = []
    size_bytes = 0
    last_key = after_key
    for row in connection.execute(_UNFINISHED, (session_key, after_key, include_unfinished)):
        if row[0] <= last_key:
            raise CorruptedError(f"the order of the tool calls of session {session_id!r}")
        state = _state(session_key, row)
        size_bytes += state.ByteSize()
        if page and size_bytes > FRAGMENT_BYTES:
            break
        page.append(state)
        last_key = row[0]
    return page, last_key
