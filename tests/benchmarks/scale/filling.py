"""Fills a database by plain sqlite3 with the rows that the daemon would have written, only sooner."""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import chain, islice, starmap
from pathlib import Path
from random import Random
from uuid import UUID

from sessiond.contract.items import event_type
from sessiond.store.sqlite.checksums import checksum, event_checksum
from sessiond.store.sqlite.label_horizon import LOWEST, advance
from sessiond.store.sqlite.migrations import migrate
from sessiond.store.sqlite.session_configs import config_checksum
from sessiond.store.sqlite.session_metadata import labels_checksum
from sessiond.store.sqlite.session_rows import new_row
from sessiond.store.sqlite.transaction import POSITIONS_AT_ONCE
from tests.benchmarks.events import EVENT
from tests.benchmarks.scale.contents import COMPLETE, Contents, FilledSession

__all__ = ["fill"]

SESSIONS_A_COMMIT = 1000
ROWS_A_COMMIT = 100_000

_SESSION = """
    INSERT INTO sessions (session_key, id, create_digest, config, status, created_at_us, updated_at_us,
                          next_message, next_event, message_count, last_model, unindexed_from, stored_bytes,
                          labels_checksum, checksum, config_checksum)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_METADATA = "INSERT INTO session_metadata (session_key, key, value, created_at_us) VALUES (?, ?, ?, ?)"
_MESSAGE = "INSERT INTO messages (session_key, sequence, id, stored_at_us, payload, checksum) VALUES (?, ?, ?, ?, ?, ?)"
_EVENT = """
    INSERT INTO events (position, session_key, sequence, commit_index, stored_at_us, type, event_id, payload, checksum)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INDEX = """
    INSERT INTO event_ids (session_key, event_id, sequence)
    SELECT session_key, event_id, sequence FROM events ORDER BY session_key, event_id;
    INSERT INTO event_types (session_key, type, sequence)
    SELECT session_key, type, sequence FROM events ORDER BY session_key, type, sequence;
"""
_POSITION = "UPDATE store_counters SET value = ? WHERE name = 'next_position'"

Row = tuple[object, ...]


def fill(path: Path, contents: Contents) -> None:
    """Makes a database with the daemon's own schema, and the contents in it."""
    migrate(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        # Nobody has to find anything after a power cut; the end puts everything onto the disk.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -200000")
        for first in range(0, contents.sessions, SESSIONS_A_COMMIT):
            numbers = range(first, min(first + SESSIONS_A_COMMIT, contents.sessions))
            sessions = [(number + 1, contents.session(number)) for number in numbers]
            for statement, rows in ((_SESSION, _session_rows), (_METADATA, _metadata_rows), (_MESSAGE, _message_rows)):
                _insert(connection, statement, chain.from_iterable(starmap(rows, sessions)))
        _insert(connection, _EVENT, _event_rows(contents))
        connection.executescript(_INDEX)
        _cool(connection)
        blocks = -(-contents.sessions * contents.events // POSITIONS_AT_ONCE)
        connection.execute(_POSITION, (blocks * POSITIONS_AT_ONCE + 1,))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cool(connection: sqlite3.Connection) -> None:
    """Has all turn cold but the newest, as they are some seconds after a daemon wrote them."""
    connection.execute("BEGIN IMMEDIATE")
    before = LOWEST
    while before != (horizon := advance(connection)[0]):
        before = horizon
    connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, statement: str, rows: Iterator[Row]) -> None:
    while batch := list(islice(rows, ROWS_A_COMMIT)):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(statement, batch)
        connection.execute("COMMIT")


def _session_rows(key: int, session: FilledSession) -> Iterator[Row]:
    config = session.config.SerializeToString(deterministic=True)
    row = new_row(session.id, session.created_at_us)
    row.updated_at_us, row.status, row.last_model = session.updated_at_us, session.status, session.model
    row.next_message = row.message_count = session.messages
    row.next_event = row.unindexed_from = session.events
    row.stored_bytes = sum(session.message(sequence).ByteSize() for sequence in range(session.messages))
    row.stored_bytes += (session.events - 1) * EVENT.ByteSize() + COMPLETE[session.model].ByteSize()
    row.labels_checksum = labels_checksum(label[1:] for label in _metadata_rows(key, session))
    digest = hashlib.sha256(config).digest()
    yield (
        *(key, session.id, digest, config, session.status),
        *(session.created_at_us, session.updated_at_us),
        *(session.messages, session.events, session.messages, session.model, session.events, row.stored_bytes),
        *(row.labels_checksum, row.sum_now(), config_checksum(config, b"", None, digest)),
    )


def _metadata_rows(key: int, session: FilledSession) -> Iterator[tuple[int, str, str, int]]:
    for name, value in session.config.metadata.items():
        yield key, name, value, session.created_at_us


def _message_rows(key: int, session: FilledSession) -> Iterator[Row]:
    for sequence in range(session.messages):
        message = session.message(sequence)
        payload = message.SerializeToString(deterministic=True)
        values = key, sequence, message.id, session.created_at_us
        yield *values, payload, checksum(values, payload)


def _event_rows(contents: Contents) -> Iterator[Row]:
    # Encoded once: there are millions of them and few different ones.
    usual = event_type(EVENT), EVENT.SerializeToString(deterministic=True)
    last = {name: (event_type(each), each.SerializeToString(deterministic=True)) for name, each in COMPLETE.items()}
    random = Random(contents.sessions)
    for position, (number, sequence) in enumerate(contents.in_order_of_events(), 1):
        kind, payload = last[contents.model(number)] if sequence == contents.events - 1 else usual
        event_id = str(UUID(int=random.getrandbits(128), version=4))
        values = position, number + 1, sequence, 0, contents.stored_at_us(position), kind, event_id, payload
        yield *values, event_checksum(*values)
