"""The writes that make, remove, archive and restore whole sessions."""

import hashlib
import sqlite3
from uuid import uuid4

from sessiond.contract.limits import Limits
from sessiond.contract.timestamps import from_us
from sessiond.store.errors import AlreadyExistsError, LimitReachedError, NotFoundError
from sessiond.store.sqlite.checksums import checksum
from sessiond.store.sqlite.operations import Operation
from sessiond.store.sqlite.publication import Publication
from sessiond.store.sqlite.session_metadata import replace_metadata
from sessiond.store.sqlite.session_rows import ROW_COLUMNS, SessionRow, new_row, row_info
from sessiond.store.sqlite.transaction import WriteTransaction
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.error_reason_pb2 import ErrorReason
from sessionstore.v1.session_pb2 import Session, SessionState, SessionStatus

__all__ = ["ArchiveSession", "CreateSession", "DeleteArchive", "DeleteSession", "RestoreSession"]

_SELECT_ARCHIVED = f"SELECT archived_at_us, {ROW_COLUMNS} FROM sessions WHERE id = ? AND archived_at_us IS NOT NULL"  # noqa: S608
_DELETE = "DELETE FROM sessions WHERE session_key = ?"


class CreateSession(Operation[pb.CreateSessionResponse]):
    """Creates a session."""

    atomic = True  # the row and its metadata

    _FIND = """
        SELECT id, create_digest, created_at_us, archived_at_us FROM sessions WHERE id = ?1 OR request_id = ?2
    """
    _INSERT = """
        INSERT INTO sessions (id, request_id, create_digest, config, status, created_at_us, updated_at_us,
                              checksum, config_checksum)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    """

    def __init__(self, request: pb.CreateSessionRequest, limits: Limits) -> None:
        self._config = request.config
        self._config_bytes = request.config.SerializeToString(deterministic=True)
        self._digest = hashlib.sha256(self._config_bytes).digest()
        self._chosen_id = request.session_id if request.HasField("session_id") else None
        self._request_id = request.request_id if request.HasField("request_id") else None
        self._max_sessions = limits.max_sessions
        self.size_bytes = len(self._config_bytes)

    def apply(self, transaction: WriteTransaction) -> pb.CreateSessionResponse:
        """See Operation. Raises AlreadyExistsError and LimitReachedError."""
        repeated = self._first_answer(transaction.connection)
        if repeated is not None:
            return repeated
        if self._max_sessions and transaction.sessions() >= self._max_sessions:
            raise LimitReachedError.sessions(self._max_sessions)
        session_id = self._chosen_id if self._chosen_id is not None else str(uuid4())
        now_us = transaction.now_us
        row = new_row(session_id, now_us)
        cursor = transaction.connection.execute(
            self._INSERT,
            (
                session_id,
                self._request_id,
                self._digest,
                self._config_bytes,
                row.status,
                now_us,
                now_us,
                row.sum_now(),
                checksum((), self._config_bytes, b""),
            ),
        )
        transaction.count_sessions(1)
        replace_metadata(transaction.connection, cursor.lastrowid or 0, now_us, {}, dict(self._config.metadata))
        return self._answer(session_id, now_us, already_existed=False)

    def _first_answer(self, connection: sqlite3.Connection) -> pb.CreateSessionResponse | None:
        if self._chosen_id is None and self._request_id is None:
            return None
        found = connection.execute(self._FIND, (self._chosen_id, self._request_id)).fetchall()
        if not found:
            return None
        session_id, digest, created_at_us, archived_at_us = found[0]
        name = session_id if self._chosen_id is None else self._chosen_id
        reason = ErrorReason.ERROR_REASON_SESSION_ALREADY_EXISTS
        if archived_at_us is not None:
            detail = f"session {name!r} is archived; restore it, delete the archive, or choose another id"
            raise AlreadyExistsError("session", name, reason, detail)
        if len(found) > 1 or session_id != name:
            detail = f"the request_id belongs to another session than {name!r}; a new request needs an id of its own"
            raise AlreadyExistsError("session", name, reason, detail)
        if digest != self._digest:
            raise AlreadyExistsError("session", name, reason)
        return self._answer(session_id, created_at_us, already_existed=True)

    def _answer(self, session_id: str, created_at_us: int, *, already_existed: bool) -> pb.CreateSessionResponse:
        session = Session(
            id=session_id,
            config=self._config,
            status=SessionStatus.SESSION_STATUS_INACTIVE,
            created_at=from_us(created_at_us),
            updated_at=from_us(created_at_us),
            state=SessionState(),
        )
        return pb.CreateSessionResponse(session=session, already_existed=already_existed)


class DeleteSession(Operation[pb.DeleteSessionResponse]):
    """Removes a session and everything in it."""

    frees_room = True

    _COUNT = """
        SELECT (SELECT count(*) FROM messages WHERE session_key = ?1),
               (SELECT count(*) FROM tool_calls WHERE session_key = ?1),
               (SELECT count(*) FROM events WHERE session_key = ?1)
    """

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id

    def apply(self, transaction: WriteTransaction) -> pb.DeleteSessionResponse:
        """See Operation. Raises NotFoundError."""
        row = transaction.session(self._session_id)
        messages, tool_calls, events = transaction.connection.execute(self._COUNT, (row.session_key,)).fetchone()
        transaction.connection.execute(_DELETE, (row.session_key,))
        transaction.count_sessions(-1)
        transaction.forget(row.id)
        transaction.publish(row.session_key, Publication(gone=True))
        return pb.DeleteSessionResponse(deleted_messages=messages, deleted_tool_calls=tool_calls, deleted_events=events)


class ArchiveSession(Operation[admin_pb.ArchiveSessionResponse]):
    """Takes a session out of the live store; its rows stay where they are."""

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id

    def apply(self, transaction: WriteTransaction) -> admin_pb.ArchiveSessionResponse:
        """See Operation. Raises NotFoundError."""
        connection = transaction.connection
        archived = connection.execute(_SELECT_ARCHIVED, (self._session_id,)).fetchone()
        if archived is None:
            row = transaction.session(self._session_id)
            # What the transaction changed so far would be lost with the row that it forgets.
            transaction.write_rows()
            archived_at_us = transaction.now_us
            connection.execute(
                "UPDATE sessions SET archived_at_us = ? WHERE session_key = ?", (archived_at_us, row.session_key)
            )
            transaction.forget(row.id)
            transaction.publish(row.session_key, Publication(gone=True, archived=True))
        else:
            archived_at_us, row = archived[0], SessionRow.of(archived[1:])
        info = admin_pb.ArchiveInfo(session=row_info(connection, row), archived_at=from_us(archived_at_us))
        return admin_pb.ArchiveSessionResponse(archive=info)


class RestoreSession(Operation[admin_pb.RestoreSessionResponse]):
    """Puts an archived session back into the live store."""

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id

    def apply(self, transaction: WriteTransaction) -> admin_pb.RestoreSessionResponse:
        """See Operation. Raises NotFoundError."""
        row = _archived_row(transaction.connection, self._session_id)
        transaction.connection.execute(
            "UPDATE sessions SET archived_at_us = NULL WHERE session_key = ?", (row.session_key,)
        )
        return admin_pb.RestoreSessionResponse(session=row_info(transaction.connection, row))


class DeleteArchive(Operation[admin_pb.DeleteArchiveResponse]):
    """Removes an archived session and everything in it."""

    frees_room = True

    _COUNT = "SELECT count(*) FROM events WHERE session_key = ?"

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id

    def apply(self, transaction: WriteTransaction) -> admin_pb.DeleteArchiveResponse:
        """See Operation. Raises NotFoundError."""
        row = _archived_row(transaction.connection, self._session_id)
        (events,) = transaction.connection.execute(self._COUNT, (row.session_key,)).fetchone()
        transaction.connection.execute(_DELETE, (row.session_key,))
        transaction.count_sessions(-1)
        return admin_pb.DeleteArchiveResponse(deleted_events=events)


def _archived_row(connection: sqlite3.Connection, session_id: str) -> SessionRow:
    found = connection.execute(_SELECT_ARCHIVED, (session_id,)).fetchone()
    if found is None:
        raise NotFoundError.archive(session_id)
    return SessionRow.of(found[1:])
