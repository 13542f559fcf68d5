"""The writes that make, remove, archive and restore whole sessions."""

import hashlib
import sqlite3
from uuid import uuid4

from sessiond.contract.limits import Limits
from sessiond.contract.timestamps import from_us
from sessiond.store.errors import AlreadyExistsError, LimitReachedError, NotFoundError
from sessiond.store.sqlite.label_horizon import drop_copies
from sessiond.store.sqlite.operations import Operation
from sessiond.store.sqlite.publication import Publication
from sessiond.store.sqlite.removals import remove_session
from sessiond.store.sqlite.session_configs import config_checksum, read_config
from sessiond.store.sqlite.session_metadata import labels_checksum, replace_metadata
from sessiond.store.sqlite.session_rows import (
    SessionRow,
    archive_info,
    find_archived,
    find_requested,
    find_session,
    new_row,
    row_info,
)
from sessiond.store.sqlite.transaction import WriteTransaction
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.error_reason_pb2 import ErrorReason
from sessionstore.v1.session_pb2 import Session, SessionState, SessionStatus

__all__ = ["ArchiveSession", "CreateSession", "DeleteArchive", "DeleteSession", "RestoreSession"]

_SET_ARCHIVED = "UPDATE sessions SET archived_at_us = ?, checksum = ? WHERE session_key = ?"


class CreateSession(Operation[pb.CreateSessionResponse]):
    """Creates a session."""

    atomic = True  # the row and its metadata

    _INSERT = """
        INSERT INTO sessions (id, request_id, create_digest, config, status, created_at_us, updated_at_us,
                              labels_checksum, checksum, config_checksum)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
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
        labels = dict(self._config.metadata)
        row = new_row(session_id, now_us)
        row.labels_checksum = labels_checksum((key, value, now_us) for key, value in labels.items())
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
                row.labels_checksum,
                row.sum_now(),
                config_checksum(self._config_bytes, b"", self._request_id, self._digest),
            ),
        )
        transaction.count_sessions(1)
        row.session_key = cursor.lastrowid or 0
        replace_metadata(transaction.connection, row.session_key, now_us, {}, labels)
        transaction.joined(row)
        return self._answer(session_id, now_us, already_existed=False)

    def _first_answer(self, connection: sqlite3.Connection) -> pb.CreateSessionResponse | None:
        named = None if self._chosen_id is None else find_session(connection, self._chosen_id)
        requested = None if self._request_id is None else find_requested(connection, self._request_id)
        row = named or requested
        if row is None:
            return None
        name = row.id if self._chosen_id is None else self._chosen_id
        reason = ErrorReason.ERROR_REASON_SESSION_ALREADY_EXISTS
        if row.archived_at_us is not None:
            detail = f"session {name!r} is archived; restore it, delete the archive, or choose another id"
            raise AlreadyExistsError("session", name, reason, detail)
        if requested is not None and requested.id != name:
            detail = f"the request_id belongs to another session than {name!r}; a new request needs an id of its own"
            raise AlreadyExistsError("session", name, reason, detail)
        if read_config(connection, row).create_digest != self._digest:
            raise AlreadyExistsError("session", name, reason)
        return self._answer(row.id, row.created_at_us, already_existed=True)

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

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id

    def apply(self, transaction: WriteTransaction) -> pb.DeleteSessionResponse:
        """See Operation. Raises NotFoundError."""
        row = transaction.session(self._session_id)
        remove_session(transaction, row)
        transaction.publish(row.session_key, Publication(gone=True))
        return pb.DeleteSessionResponse(
            deleted_messages=row.next_message,
            deleted_tool_calls=row.tool_calls,
            deleted_events=row.next_event - row.first_event,
        )


class ArchiveSession(Operation[admin_pb.ArchiveSessionResponse]):
    """Takes a session out of the live store; its rows stay where they are."""

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id

    def apply(self, transaction: WriteTransaction) -> admin_pb.ArchiveSessionResponse:
        """See Operation. Raises NotFoundError."""
        connection = transaction.connection
        row = find_archived(connection, self._session_id)
        if row is None:
            row = transaction.session(self._session_id)
            # What the transaction changed so far would be lost with the row that it forgets.
            transaction.write_rows()
            row.archived_at_us = transaction.now_us
            connection.execute(_SET_ARCHIVED, (row.archived_at_us, row.sum_now(), row.session_key))
            drop_copies(connection, row.session_key)
            transaction.forget(row.id)
            transaction.publish(row.session_key, Publication(gone=True, archived=True))
        return admin_pb.ArchiveSessionResponse(archive=archive_info(connection, row))


class RestoreSession(Operation[admin_pb.RestoreSessionResponse]):
    """Puts an archived session back into the live store."""

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id

    def apply(self, transaction: WriteTransaction) -> admin_pb.RestoreSessionResponse:
        """See Operation. Raises NotFoundError."""
        row = _archived_row(transaction.connection, self._session_id)
        row.archived_at_us = None
        transaction.connection.execute(_SET_ARCHIVED, (None, row.sum_now(), row.session_key))
        transaction.joined(row)
        return admin_pb.RestoreSessionResponse(session=row_info(transaction.connection, row))


class DeleteArchive(Operation[admin_pb.DeleteArchiveResponse]):
    """Removes an archived session and everything in it."""

    frees_room = True

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id

    def apply(self, transaction: WriteTransaction) -> admin_pb.DeleteArchiveResponse:
        """See Operation. Raises NotFoundError."""
        row = _archived_row(transaction.connection, self._session_id)
        remove_session(transaction, row)
        return admin_pb.DeleteArchiveResponse(deleted_events=row.next_event - row.first_event)


def _archived_row(connection: sqlite3.Connection, session_id: str) -> SessionRow:
    row = find_archived(connection, session_id)
    if row is None:
        raise NotFoundError.archive(session_id)
    return row
