"""The horizon of the labels: it advances by itself, some sessions at a time, and what is damaged of it is told."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite import horizon_advance, index_copies, label_horizon, label_walks, session_listing, writer
from sessiond.store.sqlite.checksums import checksum
from sessiond.store.sqlite.chores import FAILED_SECONDS
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.horizon_advance import HorizonChore
from sessiond.store.sqlite.label_horizon import LOWEST, Horizon, advance, count_hot, read_horizon
from sessiond.store.sqlite.migration_files import load_migrations
from sessiond.store.sqlite.migrations import migrate
from sessiond.store.sqlite.writer_memory import WriterMemory
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig
from tests.builders import append, commit, part, user_message
from tests.faults.stored import database_faults
from tests.unit.store.session_sums import sum_sessions_again
from tests.unit.store.sessions import create, listed, submit

UPDATED = pb.SessionOrder.SESSION_ORDER_UPDATED_AT
COUNT = pb.SessionOrder.SESSION_ORDER_MESSAGE_COUNT
HOT, AT_ONCE = 4, 2
LOWEST_ROW = (*LOWEST, checksum(LOWEST))
COPIES = "SELECT id, m.updated_at_us, m.message_count FROM sessions JOIN session_metadata m USING (session_key)"


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that some sessions are enough."""
    monkeypatch.setattr(session_listing, "SELECTIVE_MATCHES", 0)
    monkeypatch.setattr(index_copies, "COUNTED_SESSIONS", 0)
    monkeypatch.setattr(label_horizon, "HOT_SESSIONS", HOT)
    monkeypatch.setattr(label_horizon, "AT_ONCE", AT_ONCE)
    monkeypatch.setattr(label_horizon, "MOST_AT_ONCE", AT_ONCE)
    monkeypatch.setattr(horizon_advance, "HOT_SESSIONS", HOT)
    monkeypatch.setattr(horizon_advance, "AT_ONCE", AT_ONCE)


def by_label(order: pb.SessionOrder, value: str = "x") -> pb.ListSessionsRequest:
    return pb.ListSessionsRequest(order_by=order, filter={"metadata": {"kind": value}})


def read(data_dir: Path) -> tuple[Horizon, int]:
    """The horizon, and how many sessions are hot."""
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection:
        horizon = read_horizon(connection)
        return horizon, count_hot(connection, horizon, 1000)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def alter(data_dir: Path, statement: str) -> None:
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection, connection:
        connection.execute(statement)


async def fill(store: SqliteStore, sessions: int) -> None:
    """Sessions with a label; the more messages, the longer ago they were written to."""
    for number in range(sessions):
        await create(store, f"s{number:02}", SessionConfig(metadata={"kind": "x"}))
        messages = (pb.Mutation(append_message=user_message(f"m{each}")) for each in range(sessions - number))
        await submit(store, *messages, session_id=f"s{number:02}")


@pytest.fixture
async def cold(data_dir: Path) -> Path:
    """The folder of a store that is closed, with ten sessions, most of which are cold."""
    store = await SqliteStore.open(data_dir, durability="normal")
    await fill(store, 10)
    await until(lambda: read(data_dir)[1] < HOT + AT_ONCE)
    await store.close()
    assert [] == database_faults(data_dir)
    return data_dir


async def test_a_store_that_nobody_writes_to_catches_up(data_dir: Path) -> None:
    """After a migration every session is hot; lists are right from the start, and meanwhile."""
    store = await SqliteStore.open(data_dir, durability="normal")
    await fill(store, 30)
    await store.close()
    alter(data_dir, "UPDATE session_metadata SET updated_at_us = NULL, message_count = NULL")
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection, connection:
        connection.execute("UPDATE label_horizon SET updated_at_us = ?, session_key = ?, checksum = ?", LOWEST_ROW)
    store = await SqliteStore.open(data_dir, durability="normal")
    names = [f"s{number:02}" for number in range(30)]
    while read(data_dir)[1] >= HOT + AT_ONCE:
        assert names[::-1] == await listed(store, by_label(UPDATED))
        assert names == await listed(store, by_label(COUNT))
    assert names[::-1] == await listed(store, by_label(UPDATED))
    assert names == await listed(store, by_label(COUNT))
    assert HOT <= read(data_dir)[1]
    await store.close()
    assert [] == database_faults(data_dir)


async def test_an_advance_that_the_disk_does_not_take_is_told_before_anybody_writes(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And when it would, too."""
    monkeypatch.setattr(writer, "PROBE_SECONDS", 0.01)
    store = await SqliteStore.open(data_dir, durability="normal")
    await fill(store, 30)
    await store.close()
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection, connection:
        connection.execute("UPDATE label_horizon SET updated_at_us = ?, session_key = ?, checksum = ?", LOWEST_ROW)
    store = await SqliteStore.open(data_dir, durability="normal")
    # Before the writer has begun: nothing was waited for since it was made.
    (data_dir / DATABASE_NAME).rename(data_dir / "elsewhere")
    assert not await store.writing_change(known=True)
    (data_dir / "elsewhere").rename(data_dir / DATABASE_NAME)
    assert await store.writing_change(known=False)
    await store.close()


async def test_a_database_of_the_schema_before_is_taken_in(tmp_path: Path) -> None:
    """The step itself copies nothing, and what it finds is listed before the horizon comes to it, and after."""
    path = tmp_path / DATABASE_NAME
    migrate(path, load_migrations()[:5])
    with closing(sqlite3.connect(path)) as connection, connection:
        for key in range(1, 21):
            config = SessionConfig(metadata={"kind": "x"}).SerializeToString(deterministic=True)
            connection.execute(
                "INSERT INTO sessions (session_key, id, create_digest, config, status, created_at_us, updated_at_us,"
                " message_count) VALUES (?, ?, x'', ?, 1, ?, ?, ?)",
                (key, f"s{key:02}", config, key, 100 - key % 7, key % 3),
            )
            connection.execute("INSERT INTO session_metadata VALUES (?, 'kind', 'x', ?)", (key, key))
            total = checksum(("kind", "x", key))
            connection.execute("UPDATE sessions SET labels_checksum = ? WHERE session_key = ?", (total, key))
        sum_sessions_again(connection)
    migrate(path)
    with closing(sqlite3.connect(path)) as connection:
        assert {(None, None)} == {row[1:] for row in connection.execute(COPIES)}
        assert LOWEST == read_horizon(connection)
    store = await SqliteStore.open(tmp_path, durability="normal")
    keys = range(1, 21)
    expected = {
        UPDATED: sorted(keys, key=lambda key: (key % 7, -key)),
        COUNT: sorted(keys, key=lambda key: (-(key % 3), -key)),
    }
    for _ in range(2):
        for order, sorted_keys in expected.items():
            assert [f"s{key:02}" for key in sorted_keys] == await listed(store, by_label(order))
        await until(lambda: read(tmp_path)[1] < HOT + AT_ONCE)
    await store.close()


async def test_an_append_leaves_the_copies_alone(cold: Path) -> None:
    """It costs a cold session nothing, and the list has it at its new place."""
    with closing(sqlite3.connect(cold / DATABASE_NAME)) as connection:
        before = connection.execute(COPIES).fetchall()
    store = await SqliteStore.open(cold, durability="normal")
    await submit(store, append(part()), session_id="s00")
    with closing(sqlite3.connect(cold / DATABASE_NAME)) as connection:
        assert before == connection.execute(COPIES).fetchall()
    assert "s00" == (await listed(store, by_label(UPDATED)))[0]
    await store.close()


async def test_lists_by_messages_do_without_the_horizon_while_too_many_are_hot(
    cold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And are the same."""
    store = await SqliteStore.open(cold, durability="normal")
    right = await listed(store, by_label(COUNT))
    assert 10 == len(right)
    monkeypatch.setattr(label_walks, "MOST_HOT", 0)
    assert right == await listed(store, by_label(COUNT))
    await store.close()


def test_few_labels_end_a_transaction(cold: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that sessions with many labels do not make it long."""
    monkeypatch.setattr(label_horizon, "HOT_SESSIONS", 0)
    monkeypatch.setattr(label_horizon, "LABELS_AT_ONCE", 1)
    with closing(sqlite3.connect(cold / DATABASE_NAME)) as connection:
        before = count_hot(connection, read_horizon(connection), 1000)
        advance(connection)
        assert before - 1 == count_hot(connection, read_horizon(connection), 1000)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE label_horizon SET updated_at_us = updated_at_us + 1",
        "UPDATE label_horizon SET session_key = session_key + 1",
        "UPDATE label_horizon SET checksum = 0",
        "DELETE FROM label_horizon",
    ],
)
async def test_a_damaged_horizon_is_told_and_stops_no_write(cold: Path, damage: str) -> None:
    """Sessions that it says are cold would be missing from lists."""
    alter(cold, damage)
    assert ["sum: the horizon of the labels"] == database_faults(cold)
    store = await SqliteStore.open(cold, durability="normal")
    for number in range(HOT + AT_ONCE):
        await submit(store, append(part()), session_id=f"s{number:02}")
        await create(store, f"new{number}", SessionConfig(metadata={"kind": "x"}))
    for order in (UPDATED, COUNT):
        with pytest.raises(CorruptedError):
            await listed(store, by_label(order))
    assert 10 + HOT + AT_ONCE == len(await listed(store, pb.ListSessionsRequest(order_by=UPDATED)))
    await store.close()


@pytest.mark.parametrize(("column", "order"), [("updated_at_us", UPDATED), ("message_count", COUNT)])
async def test_a_copy_that_is_not_as_its_session_is_told(cold: Path, column: str, order: pb.SessionOrder) -> None:
    """By the list that is in its order, and by the check."""
    alter(cold, f"UPDATE session_metadata SET {column} = {column} + 1 WHERE session_key = 1")  # noqa: S608
    assert ["copy: labels of session s00"] == database_faults(cold)
    store = await SqliteStore.open(cold, durability="normal")
    with pytest.raises(CorruptedError):
        await listed(store, by_label(order))
    await store.close()


@pytest.mark.parametrize("session", ["s00", "s09"])
async def test_copies_that_are_missing_are_faults_of_cold_sessions_only(cold: Path, session: str) -> None:
    """Those of hot ones mean nothing."""
    alter(
        cold,
        "UPDATE session_metadata SET updated_at_us = NULL WHERE session_key ="  # noqa: S608 - our own name
        f" (SELECT session_key FROM sessions WHERE id = '{session}')",
    )
    assert (["copy: labels of session s00"] if session == "s00" else []) == database_faults(cold)


@pytest.mark.parametrize("order", [UPDATED, COUNT])
async def test_a_cold_session_of_which_only_the_labels_are_left_is_told(cold: Path, order: pb.SessionOrder) -> None:
    """A list by label goes from the labels to the sessions."""
    alter(cold, "DELETE FROM sessions WHERE id = 's00'")
    store = await SqliteStore.open(cold, durability="normal")
    with pytest.raises(CorruptedError):
        await listed(store, by_label(order))
    await store.close()


async def test_writes_go_on_where_the_horizon_cannot_advance(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried again after a while, and not at each write."""

    def broken(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("no")

    monkeypatch.setattr("sessiond.store.sqlite.transaction.advance", broken)
    store = await SqliteStore.open(data_dir, durability="normal")
    await fill(store, 10)
    assert 10 == len(await listed(store, by_label(UPDATED)))
    await store.submit(commit("s00", append(part())))
    await store.close()
    assert 1 == sum("the horizon of the labels stays where it is" in message for message in caplog.messages)


def test_it_takes_a_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each piece of work nothing is done for many times as long as it took."""
    now = 100.0
    monkeypatch.setattr("sessiond.store.sqlite.chores.time.monotonic", lambda: now)
    memory = WriterMemory(hot=HOT + AT_ONCE - 1)
    chore = HorizonChore(memory)
    assert not chore.is_due()
    memory.hot += 1
    assert chore.is_due()
    assert 0 == chore.seconds_left()
    chore.took(0.01)
    assert pytest.approx(0.19) == chore.seconds_left()
    chore.failed(CorruptedError("it"))
    assert FAILED_SECONDS == chore.seconds_left()
    now += FAILED_SECONDS
    assert 0 == chore.seconds_left()
