"""Reads of tool calls."""

import sqlite3
from collections.abc import Iterator
from typing import cast

from google.protobuf.message import DecodeError

from sessiond.contract.decode_errors import check_memory
from sessiond.contract.limits import FRAGMENT_BYTES
from sessiond.contract.timestamps import from_us, set_us
from sessiond.store.errors import CorruptedError, NotFoundError
from sessiond.store.sqlite.session_rows import SessionRow, find_live
from sessiond.store.sqlite.tool_call_rows import TOOL_CALL_COLUMNS, ToolCallRow
from sessionstore.v1.tool_pb2 import ToolCallState, ToolCallStatus

__all__ = ["iterate_tool_calls", "read_pending_tool_calls"]

_ALL = f"""
    SELECT {TOOL_CALL_COLUMNS} FROM tool_calls WHERE session_key = ? AND tool_call_key > ? ORDER BY tool_call_key
"""  # noqa: S608 - our own names
_IS_UNFINISHED = "tool_calls INDEXED BY tool_calls_unfinished WHERE session_key = ? AND status IN (1, 2, 4)"
_UNFINISHED = f"""
    SELECT {TOOL_CALL_COLUMNS} FROM {_IS_UNFINISHED} AND tool_call_key > ? ORDER BY tool_call_key
"""  # noqa: S608
_COUNT_UNFINISHED = f"""
    SELECT (SELECT count(*) FROM {_IS_UNFINISHED} AND tool_call_key > 0 AND tool_call_key <= ?)
           + (SELECT count(*) FROM {_IS_UNFINISHED} AND tool_call_key > ?)
"""  # noqa: S608
"""Of both sides of a key: where the order is damaged, a walk from the key on may miss what one of all calls meets."""


def _state(row: ToolCallRow) -> ToolCallState:
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


def iterate_tool_calls(connection: sqlite3.Connection, session: SessionRow) -> Iterator[ToolCallState]:
    """All tool calls of a session, in the order of their creation. Raises CorruptedError, also where one is missing."""
    count = 0
    for row in _rows(connection, _ALL, session, 0):
        count += 1
        yield _state(row)
    _check_count(session, session.tool_calls, count)


def _rows(connection: sqlite3.Connection, query: str, session: SessionRow, after_key: int) -> Iterator[ToolCallRow]:
    for columns in connection.execute(query, (session.session_key, after_key)):
        row = ToolCallRow.of(session.session_key, columns)
        if row.key <= after_key:
            raise CorruptedError(f"the order of the tool calls of session {session.id!r}")
        after_key = row.key
        yield row


def _check_count(session: SessionRow, expected: int, count: int) -> None:
    if count != expected:
        raise CorruptedError(f"the index of the tool calls of session {session.id!r}")


def read_pending_tool_calls(
    connection: sqlite3.Connection, session_id: str, session_key: int, *, after_key: int, include_unfinished: bool
) -> tuple[list[ToolCallState], int]:
    """The next fragment of the calls that wait, and the key to go on after; an empty one at the end.

    Raises NotFoundError when the session was removed since its key was read.
    """
    session = find_live(connection, session_id)
    if session.session_key != session_key:
        raise NotFoundError.session(session_id)
    (count,) = connection.execute(_COUNT_UNFINISHED, (session_key, after_key) * 2).fetchone()
    _check_count(session, session.unfinished_tool_calls, count)
    page: list[ToolCallState] = []
    size_bytes = 0
    last_key = after_key
    for row in _rows(connection, _UNFINISHED, session, after_key):
        if row.is_final:
            raise CorruptedError(f"the index of the tool calls of session {session_id!r}")
        if not include_unfinished and row.status != ToolCallStatus.TOOL_CALL_STATUS_PENDING_APPROVAL:
            continue
        state = _state(row)
        size_bytes += state.ByteSize()
        if page and size_bytes > FRAGMENT_BYTES:
            break
        page.append(state)
        last_key = row.key
    return page, last_key
