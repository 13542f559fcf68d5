"""The floors: a server that does nothing, and plain sqlite3 with the same rows and the same durability."""

import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import perf_counter

from sessiond.store.sqlite.engine import DATABASE_NAME
from sessiond.store.sqlite.event_index import index_events
from sessiond.store.sqlite.migrations import migrate
from tests.benchmarks.child import running, until_said
from tests.benchmarks.events import EVENT

__all__ = ["NOOP", "RawCommits", "executemany_rate", "noop_server", "row_read_rate"]

NOOP = "no-op gRPC server"


@asynccontextmanager
async def noop_server(folder: Path) -> AsyncIterator[str]:
    """The address of a server that does nothing."""
    address, log = f"unix:{folder}/noop.sock", folder / "noop.log"
    async with running([sys.executable, "-m", "tests.benchmarks.noop_server", address], log) as process:
        await until_said(process, "ready", log)
        yield address


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        yield connection
    finally:
        connection.close()


class RawCommits:
    """Plain sqlite3 that commits one row at a time, each synced to the disk."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._payload = EVENT.SerializeToString()
        connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, payload BLOB)")

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> "Iterator[RawCommits]":
        """In a new database."""
        with _opened(path) as connection:
            yield cls(connection)

    def commit(self) -> None:
        """One row, on the disk when this returns."""
        self._connection.execute("INSERT INTO rows (payload) VALUES (?)", (self._payload,))

    def rate(self, box_seconds: float) -> float:
        """Commits a second."""
        began, done = perf_counter(), 0
        while perf_counter() < began + box_seconds:
            self.commit()
            done += 1
        return done / (perf_counter() - began)


def executemany_rate(path: Path, batches: list[list[str]]) -> float:
    """Rows a second into the daemon's own schema, a transaction for each batch of event ids."""
    migrate(path)
    with _opened(path) as connection:
        connection.execute(
            "INSERT INTO sessions (id, create_digest, config, status, created_at_us, updated_at_us)"
            " VALUES ('s', x'', x'', 1, 0, 0)"
        )
        columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(events)")]
        payload, kind = EVENT.SerializeToString(), EVENT.WhichOneof("kind")
        values = {"session_key": 1, "stored_at_us": 1_700_000_000_000_000, "type": kind, "payload": payload}
        insert = (
            "INSERT INTO events (position, sequence, commit_index, event_id, session_key, stored_at_us, type, payload,"
            " checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1234567890)"
        )
        fixed = tuple(values[name] for name in ("session_key", "stored_at_us", "type", "payload"))
        if len(columns) != 9:
            raise RuntimeError("the table of events has other columns now; let the floor write the same rows")
        began, first = perf_counter(), 0
        for batch in batches:
            rows = [(first + n + 1, first + n, n, event_id, *fixed) for n, event_id in enumerate(batch)]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(insert, rows)
            index_events(connection, 1, range(first, first + len(batch)))
            connection.execute("COMMIT")
            first += len(batch)
        return first / (perf_counter() - began)


def row_read_rate(data_dir: Path, count: int) -> float:
    """Rows a second that plain sqlite3 reads, in order, from the daemon's own database."""
    with sqlite3.connect(f"file:{data_dir / DATABASE_NAME}?mode=ro", uri=True) as connection:
        began = perf_counter()
        rows = connection.execute("SELECT * FROM events ORDER BY session_key, sequence LIMIT ?", (count,))
        found = sum(1 for _ in rows)
        elapsed = perf_counter() - began
    connection.close()
    return found / elapsed
