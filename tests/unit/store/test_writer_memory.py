"""What the writer remembers between transactions."""

import pytest

from sessiond.store.errors import NotFoundError
from sessiond.store.sqlite import writer_memory
from sessiond.store.sqlite.engine import SqliteStore
from sessiond.store.sqlite.newest_ids import NEWEST
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part, tool_call, user_message
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
    assert 3 == len(store._writer._groups._memory.rows)


async def test_repeats_are_recognized_of_sessions_whose_ids_were_dropped_from_memory(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many sessions are written in turn, the ids of few are held, and those are the newest."""
    monkeypatch.setattr(writer_memory, "MAX_SESSIONS_WITH_IDS", 3)
    names = await ten_sessions(store)
    for number in range(2):
        for name in names:
            await store.submit(commit(name, append(part(), f"e{number}")))
    assert 3 == len(store._writer._groups._memory.recent_ids)
    for name in names:
        for number in range(2):
            (repeated,) = (await store.submit(commit(name, append(part(), f"e{number}")))).results
            assert (True, number) == (repeated.append_event.already_existed, repeated.append_event.sequence)
    memory = store._writer._groups._memory
    assert [memory.rows[name].session_key for name in names[-3:]] == list(memory.recent_ids)


@pytest.mark.parametrize("sessions", [1, 10])
async def test_repeats_are_recognized_whether_their_ids_are_in_memory_or_not(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, sessions: int
) -> None:
    """Messages and tool calls, the newest and older ones; the ids of few are held."""
    monkeypatch.setattr(writer_memory, "MAX_SESSIONS_WITH_IDS", 3)
    names = (await ten_sessions(store))[:sessions]
    items = [(user_message(str(number)), tool_call(str(number))) for number in range(NEWEST + 2)]
    for is_repeat in (False, True):
        for message, call in items:
            for name in names:
                mutations = pb.Mutation(append_message=message), pb.Mutation(create_tool_call=call)
                results = (await store.submit(commit(name, *mutations))).results
                assert is_repeat == results[0].append_message.already_existed
                assert is_repeat == results[1].create_tool_call.already_existed
                assert int(message.id) == results[0].append_message.sequence
    memory = store._writer._groups._memory
    for ids in (memory.newest_messages, memory.newest_tool_calls):
        assert min(sessions, 3) == len(ids)
        assert {NEWEST} == {len(held) for held in ids.values()}


async def test_what_was_undone_is_no_repeat(store: SqliteStore) -> None:
    """A message of a commit that was refused is stored when it comes again."""
    await create(store)
    message = pb.Mutation(append_message=user_message("m"))
    missing = pb.Mutation(set_active_message=pb.ActiveMessageUpdate(message_id="missing"))
    with pytest.raises(NotFoundError):
        await store.submit(commit("s", message, missing))
    (result,) = (await store.submit(commit("s", message))).results
    assert (False, 0) == (result.append_message.already_existed, result.append_message.sequence)


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
