"""What another program may do to the database of a running store: read it for long, lock it, write to it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sessiond.store.errors import NotFoundError, StorageUnavailableError
from sessiond.store.sqlite import connection, upkeep, writer
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, collect, commit, event_fragments, part

PATIENCE_SECONDS = 20
"""A write that waits for the other program waits for longer."""

TEXT = "x" * 4000


@pytest.fixture
async def store(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteStore]:
    """An open store with one session, and a log that is short as soon as anything is."""
    monkeypatch.setattr(writer, "PROBE_SECONDS", 0.01)
    monkeypatch.setattr(upkeep, "CHECKPOINT_FRAMES", 20)
    monkeypatch.setattr(upkeep, "RESTART_FRAMES", 40)
    monkeypatch.setattr(upkeep, "READER_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(connection, "LOCK_PATIENCE_SECONDS", 0.2)
    opened = await SqliteStore.open(data_dir, durability="normal")
    await opened.create_session(pb.CreateSessionRequest(session_id="s"))
    yield opened
    await opened.close()


@pytest.fixture
def other(store: SqliteStore, data_dir: Path) -> Iterator[sqlite3.Connection]:
    """What the other program has open."""
    with closing(sqlite3.connect(data_dir / DATABASE_NAME, isolation_level=None)) as opened:
        yield opened


async def append_event(store: SqliteStore, text: str, event_id: str | None = None) -> int:
    """Appends an event and returns its sequence."""
    response = await store.submit(commit("s", append(part(text), event_id)))
    return response.results[0].append_event.sequence


async def count_events(store: SqliteStore) -> int:
    """How many events are read of the session."""
    request = pb.GetEventsRequest(session_id="s")
    return len(await collect(event_fragments(store.get_events(request)), "events"))


def log_bytes(data_dir: Path) -> int:
    """How large the log is."""
    return (data_dir / f"{DATABASE_NAME}-wal").stat().st_size


async def test_who_reads_for_long_holds_up_no_writes(
    store: SqliteStore, other: sqlite3.Connection, data_dir: Path
) -> None:
    """As a copy of a large database does. The log grows meanwhile, and begins anew when the reader has left."""
    other.execute("BEGIN")
    assert (1,) == other.execute("SELECT count(*) FROM sessions").fetchone()
    async with asyncio.timeout(PATIENCE_SECONDS):
        for number in range(100):
            assert number == await append_event(store, TEXT)
    other.execute("COMMIT")
    grown = log_bytes(data_dir)
    assert grown > 100 * len(TEXT)
    for _ in range(200):
        await append_event(store, TEXT)
    assert log_bytes(data_dir) < 1.5 * grown


async def test_a_lock_of_another_program_refuses_writes_until_it_is_gone(
    store: SqliteStore, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what is in the way; reads go on, the health tells, and what comes back is stored."""
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailableError, match="another program"):
        await append_event(store, "refused")
    assert not await store.writing_change(known=True)
    assert 0 == await count_events(store)
    other.execute("ROLLBACK")
    assert await store.writing_change(known=False)
    assert 0 == await append_event(store, "taken")


async def test_what_another_program_deleted_is_not_written_to(store: SqliteStore, other: sqlite3.Connection) -> None:
    """The store remembers its sessions, and does not acknowledge an event of one that is no longer there."""
    await append_event(store, "first")
    for table in ("events", "event_ids", "event_types", "sessions"):
        other.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    with pytest.raises(NotFoundError):
        await append_event(store, "lost")


async def test_events_that_another_program_took_away_are_not_taken_for_stored(
    store: SqliteStore, other: sqlite3.Connection
) -> None:
    """The ids of the newest are in memory; a repeat of one that is gone is told as damage, and not as a repeat."""
    await append_event(store, "first", "a")
    other.execute("DELETE FROM events")
    with pytest.raises(Exception, match="damaged"):
        await append_event(store, "first", "a")


async def test_what_the_store_writes_itself_is_remembered(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each group of writes would read its sessions anew."""
    await append_event(store, "first")
    remembered = store._writer._groups._memory.rows["s"]
    await append_event(store, TEXT)
    await count_events(store)
    await append_event(store, "last")
    assert remembered is store._writer._groups._memory.rows["s"]
