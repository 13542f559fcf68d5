"""Reads of one session: all but its messages, with its tool calls set aside on disk.

A session is answered as one snapshot, but no read transaction may stay open while a slow client takes it. Messages are
never changed, so the number of them at one moment is enough; tool calls do change, so they are copied to a temporary
file in the same transaction.
"""

import logging
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from sessiond.contract.timestamps import from_us
from sessiond.store.errors import StorageUnavailableError
from sessiond.store.sqlite.fragments import fragments
from sessiond.store.sqlite.session_configs import read_config
from sessiond.store.sqlite.session_rows import SessionRow, find_live
from sessiond.store.sqlite.tool_call_reads import iterate_tool_calls
from sessionstore.v1.session_pb2 import Session, SessionConfig, SessionState, SessionStatus

__all__ = ["SessionSnapshot", "read_session"]

_log = logging.getLogger(__name__)

MEMORY_BYTES = 2 * 1024 * 1024
"""Tool calls beyond this size wait on disk and not in memory."""

_LENGTH_BYTES = 4
_BASH = "bash"


@dataclass(slots=True)
class SessionSnapshot:
    """A session as it was at one moment.

    Attributes:
        session_key: The key of the session.
        header: All but approvals, messages and tool calls.
        approvals: The states that carry the approvals.
        next_message: The sequence before which all messages belong to the snapshot.
        tool_calls: The file of encoded sessions, each with its length before it, that carry the tool calls.
    """

    session_key: int
    header: Session
    approvals: list[SessionState]
    next_message: int
    tool_calls: IO[bytes]

    def approval_fragments(self) -> Iterator[Session]:
        """The fragments that carry the approvals."""
        for group in fragments(self.approvals):
            merged = SessionState()
            for state in group:
                merged.MergeFrom(state)
            yield Session(state=merged)

    def tool_call_fragments(self) -> Iterator[Session]:
        """The fragments that carry the tool calls."""
        with _set_aside():
            self.tool_calls.seek(0)
        while encoded := self._next_tool_calls():
            yield Session.FromString(encoded)

    def _next_tool_calls(self) -> bytes:
        with _set_aside():
            return self.tool_calls.read(int.from_bytes(self.tool_calls.read(_LENGTH_BYTES)))

    def close(self) -> None:
        """Removes the temporary file."""
        _close(self.tool_calls)


def read_session(
    connection: sqlite3.Connection, session_id: str, temporary: Path, *, omit_content: bool
) -> SessionSnapshot:
    """Takes the snapshot. Raises NotFoundError, CorruptedError."""
    row = find_live(connection, session_id)
    stored = read_config(connection, row)
    header = Session(
        id=row.id,
        config=stored.config,
        status=cast("SessionStatus", row.status),
        created_at=from_us(row.created_at_us),
        updated_at=from_us(row.updated_at_us),
        state=_state(row),
    )
    return SessionSnapshot(
        row.session_key,
        header,
        _approvals(stored.config, stored.approvals.state),
        row.next_message,
        _tool_calls(connection, row, temporary, omit_content=omit_content),
    )


def _tool_calls(connection: sqlite3.Connection, row: SessionRow, temporary: Path, *, omit_content: bool) -> IO[bytes]:
    spool: IO[bytes] = tempfile.SpooledTemporaryFile(MEMORY_BYTES, dir=str(temporary))  # noqa: SIM115 - outlives this call
    try:
        if not omit_content:
            for group in fragments(iterate_tool_calls(connection, row)):
                encoded = Session(state=SessionState(tool_calls=group)).SerializeToString()
                with _set_aside():
                    spool.write(len(encoded).to_bytes(_LENGTH_BYTES))
                    spool.write(encoded)
    except BaseException:
        _close(spool)
        raise
    return spool


def _close(spool: IO[bytes]) -> None:
    # On a full disk it tries once more to write what it could not.
    with suppress(OSError):
        spool.close()


@contextmanager
def _set_aside() -> Iterator[None]:
    """What the operating system refuses here is no fault of the session: another time it may be read."""
    try:
        yield
    except OSError as error:
        _log.warning("the tool calls of a session could not be set aside: %s", error)
        raise StorageUnavailableError(
            "the session's tool calls, which wait in a file while they are answered, could not be set aside"
            f" ({error.strerror}); repeat later"
        ) from error


def _state(row: SessionRow) -> SessionState:
    return SessionState(
        last_event_sequence=row.last_event,
        first_available_sequence=row.first_event,
        active_message_id=row.active_message_id,
        last_model=row.last_model,
        message_count=row.message_count,
    )


def _approvals(config: SessionConfig, given: SessionState) -> list[SessionState]:
    # A state for each: together with the configuration, which holds some of them too, they could exceed a fragment.
    patterns: list[str] = []
    if _BASH in config.tool_config.tools:  # reading a missing key of a map of messages would add it
        patterns += config.tool_config.tools[_BASH].bash.approved_patterns
    known = set(patterns)
    patterns += [pattern for pattern in given.approved_bash_patterns if pattern not in known]
    return [
        *(SessionState(approved_tools=[tool]) for tool in given.approved_tools),
        *(SessionState(approved_bash_patterns=[pattern]) for pattern in patterns),
    ]
