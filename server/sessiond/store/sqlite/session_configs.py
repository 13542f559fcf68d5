"""The configuration of a session, with the approvals given while it ran and the request that created it."""

import sqlite3
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from sessiond.contract.decode_errors import check_memory
from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite.checksums import checksum
from sessiond.store.sqlite.errors import reading
from sessiond.store.sqlite.session_rows import SessionRow
from sessionstore.v1.session_pb2 import Session, SessionConfig

__all__ = ["StoredConfig", "config_checksum", "read_config", "write_config"]

_SELECT = """
    SELECT config, approvals, request_id, create_digest, config_checksum FROM sessions WHERE session_key = ?
"""
_UPDATE = "UPDATE sessions SET config = ?, approvals = ?, config_checksum = ? WHERE session_key = ?"


@dataclass(frozen=True, slots=True)
class StoredConfig:
    """What is stored beside the counters of a session.

    Attributes:
        config: As it is now.
        approvals: A session of which only the approvals are set.
        request_id: What the client chose for the request that created the session.
        create_digest: The SHA-256 of the configuration in that request.
    """

    config: SessionConfig
    approvals: Session
    request_id: str | None
    create_digest: bytes


def config_checksum(config: bytes, approvals: bytes, request_id: str | None, create_digest: bytes) -> int:
    """The sum of what is stored beside the counters."""
    return checksum((request_id,), config, approvals, create_digest)


def read_config(connection: sqlite3.Connection, row: SessionRow) -> StoredConfig:
    """Reads it. Raises CorruptedError."""
    *stored, stored_sum = connection.execute(_SELECT, (row.session_key,)).fetchone()
    config, approvals, request_id, create_digest = stored
    try:
        with reading():
            if stored_sum != config_checksum(*stored):
                raise CorruptedError(f"the configuration of session {row.id!r}")
            decoded = SessionConfig.FromString(config), Session.FromString(approvals)
            return StoredConfig(*decoded, request_id, create_digest)
    except DecodeError as error:
        check_memory(error)
        raise CorruptedError(f"the configuration of session {row.id!r}") from error


def write_config(connection: sqlite3.Connection, row: SessionRow, stored: StoredConfig) -> None:
    """Writes it over what was there."""
    encoded = (
        stored.config.SerializeToString(deterministic=True),
        stored.approvals.SerializeToString(deterministic=True),
    )
    total = config_checksum(*encoded, stored.request_id, stored.create_digest)
    connection.execute(_UPDATE, (*encoded, total, row.session_key))
