"""What the writer does when the files are gone, cut short or damaged, and how the log is kept short."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from sessiond.store.errors import CorruptedError, OutOfMemoryError, StorageUnavailableError
from sessiond.store.sqlite import appends, event_reads, upkeep, writer
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.inspection import inspect_database
from sessiond.store.sqlite.log_file import LogFile
from sessiond.store.sqlite.migrations import migrate
from sessiond.store.sqlite.reserve import Reserve
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, collect, commit, event_fragments, part

LOG_NAME = f"{DATABASE_NAME}-wal"


@pytest.fixture
async def store(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteStore]:
    """An open store with one session, which looks often whether writing is possible again."""
    monkeypatch.setattr(writer, "PROBE_SECONDS", 0.01)
    opened = await SqliteStore.open(data_dir, durability="normal")
    await opened.create_session(pb.CreateSessionRequest(session_id="s"))
    yield opened
    await opened.close()


async def append_event(store: SqliteStore, text: str, session_id: str = "s") -> int:
    """Appends an event and returns its sequence."""
    response = await store.submit(commit(session_id, append(part(text))))
    return response.results[0].append_event.sequence


async def events_of(store: SqliteStore, session_id: str) -> list[object]:
    """The events of a session, read from the first on."""
    request = pb.GetEventsRequest(session_id=session_id)
    return await collect(event_fragments(store.get_events(request)), "events")


@pytest.mark.parametrize("name", [DATABASE_NAME, LOG_NAME])
async def test_nothing_is_acknowledged_that_nobody_will_find(store: SqliteStore, data_dir: Path, name: str) -> None:
    """Files that are moved away while the store runs refuse writes; back in their place they take them."""
    (data_dir / name).rename(data_dir / "elsewhere")
    with pytest.raises(StorageUnavailableError, match="put them back"):
        await append_event(store, "refused")
    assert not await store.writing_change(known=True)
    assert [] == await events_of(store, "s")
    (data_dir / "elsewhere").rename(data_dir / name)
    assert await store.writing_change(known=False)
    assert 0 == await append_event(store, "taken")


@pytest.mark.parametrize("version", [3, 130])
async def test_a_damaged_number_that_forbids_writing_is_told_as_damage(data_dir: Path, version: int) -> None:
    """SQLite takes the file for one of a newer kind, which it only reads, and says no more than that."""
    await (await SqliteStore.open(data_dir, durability="normal")).close()
    with (data_dir / DATABASE_NAME).open("r+b") as database:
        database.seek(18)
        database.write(bytes([version]))
    store = await SqliteStore.open(data_dir, durability="normal")
    with pytest.raises(CorruptedError, match="database"):
        await store.create_session(pb.CreateSessionRequest(session_id="s"))
    assert not await store.writing_change(known=True)
    listed = await store.list_sessions(pb.ListSessionsRequest())
    assert [] == list(listed.sessions)
    await store.close()


async def test_a_database_that_never_was_open_is_refused_as_damaged_by_the_same(data_dir: Path) -> None:
    """It is not in the mode yet in which it would be read without writing to it. `sessiond check` finds it, too."""
    migrate(data_dir / DATABASE_NAME)
    with (data_dir / DATABASE_NAME).open("r+b") as database:
        database.seek(18)
        database.write(b"\x03")
    with pytest.raises(CorruptedError, match="forbids writing, is damaged"):
        await SqliteStore.open(data_dir, durability="normal")
    assert ["integrity: the head of the database forbids writing"] == list(inspect_database(data_dir / DATABASE_NAME))


LOOK_AROUND = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
print(*database.execute("SELECT count(*) FROM sessions").fetchone())
database.close()
"""


async def look_around(data_dir: Path) -> bytes:
    """What somebody does who looks at the database with another program, and leaves."""
    command = sys.executable, "-c", LOOK_AROUND, data_dir / DATABASE_NAME
    looking = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    printed, _ = await looking.communicate()
    return printed


async def test_another_program_that_looks_at_the_database_leaves_the_log(store: SqliteStore, data_dir: Path) -> None:
    """It would end it if our locks were gone, which closing any descriptor of the database's file takes away."""
    assert b"1\n" == await look_around(data_dir)
    assert (data_dir / LOG_NAME).exists()
    assert 0 == await append_event(store, "taken")


async def test_to_look_why_writing_is_forbidden_leaves_the_locks(store: SqliteStore, data_dir: Path) -> None:
    """The head of the database is read while it is open."""
    assert store._writer._upkeep._log.head.may_be_written()
    assert b"1\n" == await look_around(data_dir)
    assert 0 == await append_event(store, "taken")


@pytest.mark.parametrize("name", [DATABASE_NAME, LOG_NAME])
async def test_files_in_the_place_of_ours_are_not_taken_for_them(store: SqliteStore, data_dir: Path, name: str) -> None:
    """A copy that somebody puts there is another file."""
    path = data_dir / name
    copy = path.read_bytes()
    path.unlink()
    path.write_bytes(copy)
    with pytest.raises(StorageUnavailableError):
        await append_event(store, "refused")


def copied(data_dir: Path) -> Path:
    """A copy of the database as it is now, as somebody makes one who wants to go back to it later."""
    copy = data_dir / "copy"
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as database:
        database.execute("VACUUM INTO ?", (str(copy),))
    return copy


@pytest.mark.parametrize("is_copied", [True, False])
async def test_the_log_of_a_database_that_was_replaced_is_not_taken_for_that_of_the_other(
    store: SqliteStore, data_dir: Path, is_copied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever puts a copy in the place of the database and restarts finds the copy, as the refusal says."""
    await append_event(store, "in the copy")
    copy = copied(data_dir)
    for number in range(100):
        await append_event(store, f"{number:0>4}" * 500)
    (data_dir / DATABASE_NAME).rename(data_dir / "before")
    copy.rename(data_dir / DATABASE_NAME)
    if not is_copied:
        monkeypatch.setattr(upkeep.Upkeep, "_empty_log", Mock(return_value=False))
    await store.close()
    again = await SqliteStore.open(data_dir, durability="normal")
    assert 1 == len(await events_of(again, "s"))
    await again.close()
    assert [] == list(inspect_database(data_dir / DATABASE_NAME))
    # Nothing of what was acknowledged is lost to whoever wants the other one back.
    kept = data_dir / f"{LOG_NAME}.replaced"
    assert is_copied != kept.exists()
    (data_dir / "before").rename(data_dir / DATABASE_NAME)
    if kept.exists():
        kept.rename(data_dir / LOG_NAME)
    first = await SqliteStore.open(data_dir, durability="normal")
    assert 101 == len(await events_of(first, "s"))
    await first.close()


@pytest.mark.parametrize("is_removed", [False, True])
async def test_a_restart_begins_anew_where_the_database_was_taken_away(
    store: SqliteStore, data_dir: Path, is_removed: bool
) -> None:
    """As the refusal of the writes says; the database has everything, wherever it is now."""
    for number in range(100):
        await append_event(store, f"{number:0>4}" * 500)
    elsewhere = data_dir / "elsewhere"
    (data_dir / DATABASE_NAME).rename(elsewhere)
    with pytest.raises(StorageUnavailableError, match="restart the server, which begins with those that are there"):
        await append_event(store, "refused")
    if is_removed:
        elsewhere.unlink()
    await store.close()
    migrate(data_dir / DATABASE_NAME)
    again = await SqliteStore.open(data_dir, durability="normal")
    assert [] == list((await again.list_sessions(pb.ListSessionsRequest())).sessions)
    await again.close()
    if not is_removed:
        elsewhere.rename(data_dir / DATABASE_NAME)
        first = await SqliteStore.open(data_dir, durability="normal")
        assert 100 == len(await events_of(first, "s"))
        await first.close()


async def test_no_log_that_was_kept_takes_the_place_of_another(
    store: SqliteStore, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is the only one with what was acknowledged in its time."""
    earlier = data_dir / f"{LOG_NAME}.replaced"
    earlier.write_bytes(b"earlier")
    await append_event(store, "x")
    log = (data_dir / LOG_NAME).read_bytes()
    copied(data_dir).rename(data_dir / DATABASE_NAME)
    monkeypatch.setattr(upkeep.Upkeep, "_empty_log", Mock(return_value=False))
    await store.close()
    assert (b"earlier", log) == (earlier.read_bytes(), (data_dir / f"{LOG_NAME}.replaced.1").read_bytes())


async def test_each_damaged_log_is_kept_once(store: SqliteStore, data_dir: Path) -> None:
    """Of the second one, too, a start that says that it is kept says the truth; and it may be made again and again."""
    told, logs = [], []
    for name in ("first", "second"):
        await append_event(store, name)
        logs.append((data_dir / LOG_NAME).read_bytes())
        told += [store._writer._upkeep._keep_log() for _ in range(2)]
    names = [f"{LOG_NAME}.damaged", f"{LOG_NAME}.damaged.1"]
    assert [f"is kept as {name}" for name in names for _ in range(2)] == told
    assert logs == [(data_dir / name).read_bytes() for name in names]


async def test_a_database_that_is_cut_short_takes_no_writes(store: SqliteStore, data_dir: Path) -> None:
    """What was in it is gone; writing on would hide that."""
    os.truncate(data_dir / DATABASE_NAME, 4096)
    with pytest.raises(CorruptedError, match="cut short"):
        await append_event(store, "refused")
    assert not await store.writing_change(known=True)


async def test_what_was_cut_away_is_not_read_as_nothing(store: SqliteStore, data_dir: Path) -> None:
    """A session whose events are gone with the end of the file is damaged, and not empty."""
    for number in range(200):
        await append_event(store, f"{number:0>4}" * 500)
    await store.close()
    again = await SqliteStore.open(data_dir, durability="normal")
    try:
        os.truncate(data_dir / DATABASE_NAME, (data_dir / DATABASE_NAME).stat().st_size // 2)
        with pytest.raises(CorruptedError):
            await events_of(again, "s")
    finally:
        await again.close()


async def test_a_read_that_fails_tells_why_it_did(store: SqliteStore) -> None:
    """Also when the failure has ended its transaction: what is done about that must not hide it."""

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        raise StorageUnavailableError

    with pytest.raises(StorageUnavailableError):
        await store._readers.run(fail)


async def test_a_write_that_finds_no_memory_leaves_nothing(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused as a whole, whatever it had written already, and can be repeated."""
    both = commit("s", append(part("a"), "a"), append(part("b"), "b"))
    with monkeypatch.context() as patched:
        patched.setattr(appends, "set_us", Mock(side_effect=[None, MemoryError]))
        with pytest.raises(OutOfMemoryError):
            await store.submit(both)
    assert [] == await events_of(store, "s")
    assert [0, 1] == [result.append_event.sequence for result in (await store.submit(both)).results]
    assert store._writer.state.possible


@pytest.mark.parametrize("error", [MemoryError(), OSError(5, "Input/output error")])
async def test_what_is_done_after_a_commit_fails_no_write(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Each is answered once and stored once, and the next ones are taken: a checkpoint is tried again later."""
    asked, tried = iter([error]), iter([error])
    monkeypatch.setattr(upkeep, "CHECKPOINT_FRAMES", 0)
    store._writer._upkeep._due_frames = 0

    def failing(at: Callable[..., Any], errors: Iterator[Exception]) -> Callable[..., Any]:
        def fail(self: upkeep.Upkeep, *arguments: Any) -> Any:
            for first in errors:
                raise first
            return at(self, *arguments)

        return fail

    monkeypatch.setattr(LogFile, "size", failing(LogFile.size, asked))
    together = [store.submit(commit("s", append(part(str(number))))) for number in range(3)]
    assert [0, 1, 2] == [(await each).results[0].append_event.sequence for each in together]
    monkeypatch.setattr(upkeep.Upkeep, "_checkpoint", failing(upkeep.Upkeep._checkpoint, tried))
    assert [3, 4, 5] == [await append_event(store, "later") for _ in range(3)]
    assert 6 == len(await events_of(store, "s"))
    assert [] == [*asked, *tried]


@pytest.mark.parametrize("error", [MemoryError(), CorruptedError("the database")])
async def test_a_group_whose_commit_is_not_sure_is_not_applied_again(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """It may be stored, and is answered as unknown; so it is stored once."""
    errors = iter([error])

    def after_commit(_: upkeep.Upkeep) -> None:
        for first in errors:
            raise first

    monkeypatch.setattr(upkeep.Upkeep, "after_commit", after_commit)
    together = [store.submit(commit("s", append(part(str(number))))) for number in range(3)]
    answers = await asyncio.gather(*together, return_exceptions=True)
    assert [StorageUnavailableError] * 3 == [type(answer) for answer in answers]
    assert 3 == await append_event(store, "later")
    assert 4 == len(await events_of(store, "s"))


async def test_what_nobody_foresaw_ends_a_write_and_not_the_writer(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Else whoever writes next would wait for ever."""
    publish = store._writer._publish
    monkeypatch.setattr(store._writer, "_publish", Mock(side_effect=LookupError("unforeseen")))
    with pytest.raises(LookupError):
        await append_event(store, "unanswered")
    monkeypatch.setattr(store._writer, "_publish", publish)
    assert 1 == await append_event(store, "answered")
    assert "unforeseen" in caplog.text


@pytest.mark.parametrize("step", ["taken", "written"])
async def test_what_nobody_foresaw_between_groups_does_not_end_the_writer(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    """As where there is no memory for a moment: nobody sees that its task is over, and all writes wait for it."""
    errors = iter([MemoryError("unforeseen")])
    usual = getattr(store._writer._gathering, step)

    def fail(*arguments: object) -> None:
        for first in errors:
            raise first
        usual(*arguments)

    monkeypatch.setattr(store._writer._gathering, step, fail)
    appending = [asyncio.create_task(append_event(store, str(number))) for number in range(2)]
    await asyncio.wait([store._writer._task, appending[1]], return_when=asyncio.FIRST_COMPLETED)
    assert not store._writer._task.done()
    assert [0, 1] == [await each for each in appending]
    assert [] == [*errors]
    assert "unforeseen" in caplog.text


async def test_a_read_that_finds_no_memory_says_so(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored is not taken for damaged."""
    await append_event(store, "x")
    with monkeypatch.context() as patched:
        patched.setattr(event_reads, "encode_stored_event", Mock(side_effect=MemoryError))
        with pytest.raises(OutOfMemoryError):
            await events_of(store, "s")
    assert 1 == len(await events_of(store, "s"))


async def test_damage_in_one_session_refuses_only_its_own_writes(store: SqliteStore, data_dir: Path) -> None:
    """The others of the same group are applied."""
    for number in range(200):
        await append_event(store, f"{number:0>4}" * 500)
    await store.create_session(pb.CreateSessionRequest(session_id="other"))
    await store.close()
    _damage(data_dir)
    again = await SqliteStore.open(data_dir, durability="normal")
    try:
        trim = again.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=150))
        results = await asyncio.gather(trim, append_event(again, "taken", "other"), return_exceptions=True)
        assert isinstance(results[0], CorruptedError)
        assert 0 == results[1]
        with pytest.raises(CorruptedError):
            await events_of(again, "s")
        assert 1 == len(await events_of(again, "other"))
        assert again._writer.state.possible
    finally:
        await again.close()


def _damage(data_dir: Path) -> None:
    """Overwrites a page of the session's events."""
    path = data_dir / DATABASE_NAME
    page = path.read_bytes().index(b"0100" * 100) // 4096
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\xff" * 4096)


async def test_the_log_is_kept_short(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its content goes to the database's file each time that it has grown enough, and it begins anew."""
    monkeypatch.setattr(upkeep, "CHECKPOINT_FRAMES", 20)
    store = await SqliteStore.open(data_dir, durability="normal")
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    for _ in range(100):
        await append_event(store, "x" * 4000)
    assert (data_dir / LOG_NAME).stat().st_size < 100 * 4096
    assert (data_dir / DATABASE_NAME).stat().st_size > 100 * 4096
    await store.close()


async def test_a_log_that_was_left_is_written_again_at_the_start(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a daemon left that died after a failed sync may be nowhere but with the operating system."""
    store = await SqliteStore.open(data_dir)
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    left = [(data_dir / name, (data_dir / name).read_bytes()) for name in (DATABASE_NAME, LOG_NAME)]
    await store.close()
    for path, content in left:
        path.write_bytes(content)
    synced: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").readlink()))
    migrate(data_dir / DATABASE_NAME)
    assert [data_dir / LOG_NAME] == synced


async def test_room_is_kept_for_deletions(data_dir: Path) -> None:
    """A file takes it, and is of that size again after each start."""
    for _ in range(2):
        store = await SqliteStore.open(data_dir, reserve=Reserve(data_dir, 2 * 1024 * 1024))
        assert 2 * 1024 * 1024 == (data_dir / "reserve").stat().st_size
        await store.close()
