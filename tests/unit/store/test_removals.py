"""Large sessions are deleted at once, and removed from the disk in pieces, with the writes of others in between."""

import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from sessiond.contract.limits import Limits
from sessiond.store.errors import CorruptedError, LimitReachedError, NotFoundError
from sessiond.store.protocol import SessionGoneError
from sessiond.store.sqlite import chores, removals, transaction
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.page_tokens import encode_token
from sessiond.store.sqlite.removals import RemovalChore
from sessiond.store.sqlite.session_operations import DeleteSession
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig
from tests.builders import append, commit, part, tool_call, user_message
from tests.faults.stored import database_faults
from tests.unit.store.sessions import create, listed, merged, submit

Delete = Callable[[SqliteStore], Awaitable[object]]

TABLES = ("sessions", "session_metadata", "event_ids", "event_types", "events", "messages", "tool_calls")
LABELLED = SessionConfig(system_prompt="p", metadata={"team": "a"})


class Steps:
    """How many pieces may go; all at first."""

    def __init__(self) -> None:
        self.left = -1
        self.done = 0

    async def take(self, store: SqliteStore, count: int = 1) -> None:
        """Has so many go."""
        self.left = count
        store._writer._wake.set()
        await until(lambda: not self.left or not store._writer._removal.is_due())
        self.left = 0


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Pieces of four rows, without pauses."""
    made = Steps()
    seconds_left, took = RemovalChore.seconds_left, RemovalChore.took

    def taken(self: RemovalChore, seconds: float) -> None:
        made.left -= 1
        made.done += 1
        took(self, 0)

    monkeypatch.setattr(removals, "REMOVED_AT_ONCE", 4)
    monkeypatch.setattr(RemovalChore, "seconds_left", lambda self: seconds_left(self) if made.left else 3600.0)
    monkeypatch.setattr(RemovalChore, "took", taken)
    return made


@pytest.fixture
async def held(steps: Steps, store: SqliteStore) -> SqliteStore:
    """A store with a large session, and one that stays; no piece goes before it is told to."""
    steps.left = 0
    await fill(store)
    await create(store, "kept", LABELLED)
    await submit(store, append(part(), "e0"), session_id="kept")
    return store


async def fill(store: SqliteStore, session_id: str = "s") -> None:
    """A session of all that there is."""
    await store.create_session(
        pb.CreateSessionRequest(session_id=session_id, request_id=f"made {session_id}", config=LABELLED)
    )
    await submit(
        store,
        *(append(part(str(number)), f"e{number}") for number in range(40)),
        *(pb.Mutation(append_message=user_message(f"m{number}")) for number in range(5)),
        *(pb.Mutation(create_tool_call=tool_call(f"c{number}")) for number in range(6)),
        session_id=session_id,
    )


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


async def removed(store: SqliteStore) -> None:
    """Returns when nothing is left of what was deleted."""
    await until(lambda: not store._writer._removal.is_due())


async def delete(store: SqliteStore) -> pb.DeleteSessionResponse:
    return await store.delete_session(pb.DeleteSessionRequest(session_id="s"))


async def delete_archive(store: SqliteStore) -> admin_pb.DeleteArchiveResponse:
    await store.archive_session(admin_pb.ArchiveSessionRequest(session_id="s"))
    return await store.delete_archive(admin_pb.DeleteArchiveRequest(session_id="s"))


def rows(data_dir: Path) -> list[int]:
    """How many there are in each table."""
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection:
        return [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]  # noqa: S608


def alter(data_dir: Path, *statements: str) -> None:
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


async def assert_gone(store: SqliteStore) -> None:
    """The session is in no answer."""
    assert ["kept"] == await listed(store, pb.ListSessionsRequest())
    assert ["kept"] == await listed(store, pb.ListSessionsRequest(filter={"metadata": {"team": "a"}}))
    for token in ("", encode_token(admin_pb.ListArchivesRequest(), 2**63 - 1, 2**63 - 1)):
        assert [] == list((await store.list_archives(admin_pb.ListArchivesRequest(page_token=token))).archives)
    for reading in (
        store.get_session(pb.GetSessionRequest(session_id="s")),
        store.get_events(pb.GetEventsRequest(session_id="s")),
        store.get_messages(pb.GetMessagesRequest(session_id="s")),
    ):
        with pytest.raises(NotFoundError, match="no session 's'"):
            await anext(reading)
    for call in (
        delete(store),
        store.submit(commit("s", append(part()))),
        store.open_feed("s"),
        store.archive_session(admin_pb.ArchiveSessionRequest(session_id="s")),
    ):
        with pytest.raises(NotFoundError, match="no session 's'"):
            await call
    for admin_call in (
        store.restore_session(admin_pb.RestoreSessionRequest(session_id="s")),
        store.delete_archive(admin_pb.DeleteArchiveRequest(session_id="s")),
    ):
        with pytest.raises(NotFoundError, match="'s'"):
            await admin_call


@pytest.mark.parametrize("way", [delete, delete_archive])
async def test_a_session_is_gone_whole_at_once(held: SqliteStore, steps: Steps, data_dir: Path, way: Delete) -> None:
    """Whatever of it is still on the disk: no answer has any of it, and nothing is wrong with the database."""
    response = await way(held)
    assert 40 == response.deleted_events  # type: ignore[attr-defined]
    pieces = 0
    while held._writer._removal.is_due():
        await assert_gone(held)
        assert [] == database_faults(data_dir)
        await steps.take(held)
        pieces += 1
    assert pieces > 20
    await assert_gone(held)
    assert [] == database_faults(data_dir)
    assert [1, 1, 0, 0, 1, 0, 0] == rows(data_dir)


async def test_the_answer_counts_all_of_it(held: SqliteStore) -> None:
    """As of a small one."""
    expected = pb.DeleteSessionResponse(deleted_events=40, deleted_messages=5, deleted_tool_calls=6)
    assert expected == await delete(held)


async def test_a_small_session_leaves_nothing(held: SqliteStore, data_dir: Path) -> None:
    """It goes in the transaction of its deletion."""
    await held.delete_session(pb.DeleteSessionRequest(session_id="kept"))
    assert not held._writer._removal.is_due()
    assert [1, 1, 40, 40, 40, 5, 6] == rows(data_dir)


async def test_many_small_sessions_are_large_together(held: SqliteStore, steps: Steps, data_dir: Path) -> None:
    """Of those that are deleted in one transaction no more goes there than of one; of the others each is a piece."""
    names = ["a", "b", "c", "d"]
    for name in names:
        await create(held, name, LABELLED)
        await submit(held, append(part(), "e0"), append(part(), "e1"), session_id=name)
    deletions = [held.delete_session(pb.DeleteSessionRequest(session_id=name)) for name in [*names, "s"]]
    assert [2, 2, 2, 2, 40] == [response.deleted_events for response in await asyncio.gather(*deletions)]
    assert ["kept"] == await listed(held, pb.ListSessionsRequest())
    assert [4, 1, 40, 40, 45, 5, 6] == rows(data_dir)
    assert [] == database_faults(data_dir)
    await steps.take(held, 100)
    assert [1, 1, 0, 0, 1, 0, 0] == rows(data_dir)


async def test_a_small_session_that_was_left_goes_in_one_piece(held: SqliteStore, steps: Steps, data_dir: Path) -> None:
    """And not table by table, as a large one."""
    for name in ("a", "b"):
        await create(held, name)
        await submit(held, *(append(part(), f"e{number}") for number in range(4)), session_id=name)
    await asyncio.gather(*(held.delete_session(pb.DeleteSessionRequest(session_id=name)) for name in ("a", "b")))
    assert 3 == rows(data_dir)[0]
    await steps.take(held)
    assert [2, 2, 40, 40, 41, 5, 6] == rows(data_dir)


async def test_another_session_of_the_same_ids_stays(held: SqliteStore, steps: Steps, data_dir: Path) -> None:
    """Those of the session, of the request that creates it, and of all that is in it are free at once."""
    before = await merged(held)
    await delete(held)
    await fill(held)
    await steps.take(held, 5)
    made = await merged(held)
    assert len(before.state.messages) == len(made.state.messages)
    await steps.take(held, 100)
    assert made == await merged(held)
    assert [2, 2, 40, 40, 41, 5, 6] == rows(data_dir)
    assert [] == database_faults(data_dir)


async def test_several_go_one_after_the_other(held: SqliteStore, steps: Steps, data_dir: Path) -> None:
    """Also where the second is deleted while the first is being removed."""
    await delete(held)
    await steps.take(held, 3)
    await fill(held)
    await delete_archive(held)
    await steps.take(held, 1000)
    assert [1, 1, 0, 0, 1, 0, 0] == rows(data_dir)


async def test_what_was_written_in_the_same_transaction_goes_too(held: SqliteStore, data_dir: Path) -> None:
    """The row that is left is as it was written last."""
    writes = [held.submit(commit("s", append(part(), f"late {number}"))) for number in range(5)]
    response = await held._writer.submit(DeleteSession("s"))
    assert all(write.done() for write in writes)
    assert 45 == response.deleted_events
    assert [] == database_faults(data_dir)


async def test_a_deletion_that_is_refused_for_what_others_wrote_counts_for_none(
    held: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits to be written before it may be damaged, and deleted later in the same transaction."""

    def refuse(*_: object) -> None:
        raise CorruptedError("the index of events by sequence")

    await create(held, "other")
    monkeypatch.setattr(transaction, "index_events", refuse)
    monkeypatch.setattr(removals, "REMOVED_AT_ONCE", 45)
    held._writer._groups._memory.sessions = 3
    writes: list[Awaitable[object]] = [
        held.submit(commit("other", *(append(part(), f"e{number}") for number in range(40)))),
        held._writer.submit(DeleteSession("s")),
        held._writer.submit(DeleteSession("other")),
    ]
    _, refused, _ = await asyncio.gather(*writes, return_exceptions=True)
    assert isinstance(refused, CorruptedError)
    assert {"s", "kept"} == {*await listed(held, pb.ListSessionsRequest())}
    assert 2 == held._writer._groups._memory.sessions


async def test_tails_learn_that_it_is_deleted(held: SqliteStore, steps: Steps) -> None:
    """Whether they wait or read, and not that it would be archived."""
    waiting, reading = await held.open_feed("s"), await held.open_feed("s")
    await waiting.read(39)
    await delete(held)
    await waiting.wait(60)
    await steps.take(held, 25)
    for feed, after in ((waiting, 39), (reading, 3)):
        with pytest.raises(SessionGoneError) as gone:
            await feed.read(after)
        assert not gone.value.archived
        feed.close()


async def test_a_read_under_way_ends(held: SqliteStore, steps: Steps) -> None:
    """It is not told that the session would be damaged."""
    await submit(held, *(append(part("x" * 100_000)) for _ in range(10)))
    reading = held.get_events(pb.GetEventsRequest(session_id="s"))
    await anext(reading)
    await delete(held)
    await steps.take(held, 25)
    with pytest.raises(NotFoundError, match="no session 's'"):
        async for _ in reading:
            pass


async def test_it_counts_for_no_limit(steps: Steps, data_dir: Path) -> None:
    """Neither of the daemon that deleted it nor of the next one."""
    steps.left = 0
    for other in ("a", "b"):
        store = await SqliteStore.open(data_dir, durability="normal", limits=Limits(max_sessions=1))
        await fill(store)
        with pytest.raises(LimitReachedError):
            await create(store, other)
        await delete(store)
        await create(store, other)
        await store.delete_session(pb.DeleteSessionRequest(session_id=other))
        await store.close()
    assert 2 == rows(data_dir)[0]


async def test_a_store_that_is_closed_goes_on_when_it_is_opened(
    held: SqliteStore, steps: Steps, data_dir: Path
) -> None:
    """Closing does not wait for it."""
    await delete(held)
    await steps.take(held, 7)
    left = rows(data_dir)
    await held.close()
    assert left == rows(data_dir)
    steps.left = -1
    again = await SqliteStore.open(data_dir, durability="normal")
    await removed(again)
    assert [1, 1, 0, 0, 1, 0, 0] == rows(data_dir)
    await assert_gone(again)
    await again.close()


@pytest.mark.parametrize("pieces", range(0, 36, 5))
async def test_what_a_kill_leaves_is_removed(
    held: SqliteStore, steps: Steps, data_dir: Path, tmp_path_factory: pytest.TempPathFactory, pieces: int
) -> None:
    """At the next start, between which pieces ever it came."""
    await delete(held)
    await steps.take(held, pieces)
    folder = tmp_path_factory.mktemp("killed")
    for name in (DATABASE_NAME, f"{DATABASE_NAME}-wal"):
        shutil.copy(data_dir / name, folder)
    steps.left = 0
    again = await SqliteStore.open(folder, durability="normal")
    await assert_gone(again)
    assert [] == database_faults(folder)
    await steps.take(again, 100)
    assert [1, 1, 0, 0, 1, 0, 0] == rows(folder)
    await again.close()


async def test_pieces_are_bounded_in_bytes(
    held: SqliteStore, steps: Steps, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row at least goes in each, and no more than reach the bound; few large ones make a large session, too."""
    monkeypatch.setattr(removals, "REMOVED_AT_ONCE", 1000)
    monkeypatch.setattr(removals, "REMOVED_BYTES", 250_000)
    await create(held, "large")
    await submit(held, *(append(part("x" * 100_000)) for _ in range(7)), session_id="large")
    await held.delete_session(pb.DeleteSessionRequest(session_id="large"))
    events = [rows(data_dir)[4]]
    while held._writer._removal.is_due():
        await steps.take(held)
        events.append(rows(data_dir)[4])
    assert [3, 3, 1] == [before - after for before, after in pairwise(events) if before > after]


async def test_damaged_rows_are_removed(held: SqliteStore, steps: Steps, data_dir: Path) -> None:
    """What stood in them is of no concern any more."""
    await delete(held)
    alter(
        data_dir,
        "UPDATE events SET payload = x'ff', event_id = CAST(x'ff' AS TEXT) WHERE sequence = 7",
        "UPDATE event_ids SET event_id = CAST(x'fe' AS TEXT) WHERE sequence = 8",
        "UPDATE messages SET checksum = 1",
        "UPDATE tool_calls SET error = CAST(x'ff' AS TEXT)",
        "UPDATE sessions SET checksum = 1, next_event = 3 WHERE id <> 'kept'",
        "DELETE FROM event_types WHERE sequence < 20",
    )
    await steps.take(held, 100)
    assert [1, 1, 0, 0, 1, 0, 0] == rows(data_dir)


async def test_one_that_cannot_be_removed_keeps_no_other(
    held: SqliteStore,
    steps: Steps,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told once, and tried again, also when the store was opened again; writes go on."""
    monkeypatch.setattr(chores, "FAILED_SECONDS", 0.01)
    alter(
        data_dir,
        "CREATE TRIGGER damage BEFORE DELETE ON events WHEN old.session_key = 1 AND old.sequence = 9"
        " BEGIN SELECT RAISE(ABORT, 'damaged'); END",
    )
    await delete(held)
    await fill(held)
    await delete(held)
    steps.left = -1
    held._writer._wake.set()
    await until(lambda: rows(data_dir)[0] == 2)
    await until(lambda: held._writer._removal.is_failing)
    tried = steps.done
    await until(lambda: steps.done > tried + 3)
    await submit(held, append(part()), session_id="kept")
    assert 1 == sum("is not removed from the disk yet" in message for message in caplog.messages)
    alter(data_dir, "DROP TRIGGER damage")
    await removed(held)
    assert [1, 1, 0, 0, 2, 0, 0] == rows(data_dir)


async def test_a_piece_that_cannot_even_begin_is_left_for_a_while(
    held: SqliteStore, steps: Steps, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The damage is no fault of the session of which the piece before was."""

    def refuse() -> None:
        raise CorruptedError("the database's file")

    await delete(held)
    await steps.take(held, 3)
    with monkeypatch.context() as patched:
        patched.setattr(held._writer._upkeep, "before_writing", refuse)
        steps.left = -1
        held._writer._wake.set()
        await until(lambda: not held._writer.state.possible)
        assert held._writer._removal.is_failing
        assert held._writer._removal.seconds_left() > 0
    held._writer._removal._not_before = 0
    held._writer._wake.set()
    await removed(held)
    assert [1, 1, 0, 0, 1, 0, 0] == rows(data_dir)


async def test_an_index_that_leads_to_another_session_removes_nothing_of_it(
    held: SqliteStore, steps: Steps, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody deleted that one."""
    monkeypatch.setattr(removals, "_NEXT", "SELECT session_key FROM sessions WHERE id = 'kept' AND session_key > ?")
    await delete(held)
    steps.left = -1
    held._writer._wake.set()
    await until(lambda: held._writer._removal.is_failing)
    assert ["kept"] == await listed(held, pb.ListSessionsRequest())
    assert [2, 1, 40, 40, 41, 5, 6] == rows(data_dir)


async def test_a_deletion_waits_for_the_room_on_a_full_disk(held: SqliteStore, steps: Steps, data_dir: Path) -> None:
    """There it is for the room that somebody deletes."""
    held._writer._is_full = True
    steps.left = -1
    await delete(held)
    assert [1, 1, 0, 0, 1, 0, 0] == rows(data_dir)


async def test_it_waits_no_longer_than_that_is_tried(held: SqliteStore, steps: Steps, data_dir: Path) -> None:
    """What was deleted is deleted; a store that is closed removes it the next time."""
    held._writer._is_full = True
    alter(data_dir, "CREATE TRIGGER damage BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'damaged'); END")
    steps.left = -1
    await delete(held)
    assert held._writer._removal.is_failing
    steps.left = 0
    held._writer._is_full = True
    held._writer._removal.is_failing = False
    await fill(held)
    waiting = asyncio.create_task(delete(held))
    await until(lambda: rows(data_dir)[1] == 1)
    await held.close()
    assert 40 == (await waiting).deleted_events
