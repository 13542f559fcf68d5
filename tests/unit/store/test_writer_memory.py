"""What the writer remembers between transactions."""

import pytest

from sessiond.store.errors import NotFoundError
from sessiond.store.sqlite import writer_memory
from sessiond.store.sqlite.engine import SqliteStore
from sessionstore.v1 import admin_service_pb2 as admin_pb
from tests.builders import append, commit, part
from tests.unit.store.sessions import create, info


async def ten_sessions(store: SqliteStore) -> list[str]:
    """The ids of ten empty sessions."""
    names = [f"s{number}" for number in range(10)]
    for name in names:
        await create(store, name)
    return names


async def test_sessions_that_were_dropped_from_memory_go_on_where_they_were(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many sessions are written in turn, each has its own numbers, and few are held."""
    monkeypatch.setattr(writer_memory, "MAX_ROWS", 3)
    names = await ten_sessions(store)
    rounds = [
        [(await store.submit(commit(name, append(part())))).results[0].append_event.sequence for name in names]
        for _ in range(3)
    ]
    assert [[0] * 10, [1] * 10, [2] * 10] == rounds
    assert 3 == len(store._writer._memory.rows)


async def test_repeats_are_recognized_of_sessions_whose_ids_were_dropped_from_memory(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many sessions are written in turn, the ids of few are held, and those are the newest."""
    monkeypatch.setattr(writer_memory, "MAX_SESSIONS_WITH_IDS", 3)
    names = await ten_sessions(store)
    for number in range(2):
        for name in names:
            await store.submit(commit(name, append(part(), f"e{number}")))
    assert 3 == len(store._writer._memory.recent_ids)
    for name in names:
        for number in range(2):
            (repeated,) = (await store.submit(commit(name, append(part(), f"e{number}")))).results
            assert (True, number) == (repeated.append_event.already_existed, repeated.append_event.sequence)
    memory = store._writer._memory
    assert [memory.rows[name].session_key for name in names[-3:]] == list(memory.recent_ids)


async def test_an_archived_session_is_not_written_from_memory(store: SqliteStore) -> None:
    """What is archived, deleted and restored in between is what the next write sees."""
    await create(store)
    await store.submit(commit("s", append(part())))
    await store.archive_session(admin_pb.ArchiveSessionRequest(session_id="s"))
    with pytest.raises(NotFoundError):
        await store.submit(commit("s", append(part())))
    await store.restore_session(admin_pb.RestoreSessionRequest(session_id="s"))
    await store.submit(commit("s", append(part())))
    assert 1 == (await info(store)).last_event_sequence
