"""What the store holds at most: refused beyond it, and free again when something is deleted."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from sessiond.contract.limits import Limits
from sessiond.store.errors import AlreadyExistsError, LimitReachedError, OutOfMemoryError, TooLargeError
from sessiond.store.sqlite.engine import SqliteStore
from sessiond.store.sqlite.transaction import WriteTransaction
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import Event
from sessionstore.v1.session_pb2 import SESSION_STATUS_ACTIVE, SessionConfig
from sessionstore.v1.tool_pb2 import TOOL_CALL_STATUS_DENIED, TOOL_CALL_STATUS_EXECUTING
from tests.builders import append, commit, part, result, tool_call, user_message
from tests.unit.store.sessions import create, info, listed, submit


async def limited(data_dir: Path, **limits: int) -> SqliteStore:
    """A store with limits of its own."""
    return await SqliteStore.open(data_dir, durability="normal", limits=Limits(**limits))


def named(event: Event, event_id: str) -> pb.Mutation:
    """An event with an id."""
    return pb.Mutation(append_event=pb.EventAppend(event=event, event_id=event_id))


async def test_no_session_is_created_beyond_the_limit(data_dir: Path) -> None:
    """The refusal names the limit; a repeat of what was created is answered all the same; a deletion makes room."""
    store = await limited(data_dir, max_sessions=2)
    await create(store, "a")
    await create(store, "b")
    with pytest.raises(LimitReachedError, match="2 sessions") as refused:
        await create(store, "c")
    assert {"limit": "max_sessions", "limit_value": "2"} == refused.value.metadata
    assert (await store.create_session(pb.CreateSessionRequest(session_id="b"))).already_existed
    with pytest.raises(AlreadyExistsError):
        await create(store, "b", SessionConfig(metadata={"k": "v"}))
    await store.delete_session(pb.DeleteSessionRequest(session_id="a"))
    await create(store, "c")
    with pytest.raises(LimitReachedError):
        await create(store, "d")
    await store.close()


async def test_archived_sessions_count_until_they_are_deleted(data_dir: Path) -> None:
    """An archive takes as much room as a session."""
    store = await limited(data_dir, max_sessions=1)
    await create(store, "a")
    await store.archive_session(admin_pb.ArchiveSessionRequest(session_id="a"))
    with pytest.raises(LimitReachedError):
        await create(store, "b")
    await store.delete_archive(admin_pb.DeleteArchiveRequest(session_id="a"))
    await create(store, "b")
    await store.close()


async def test_sessions_are_counted_anew_after_a_restart(data_dir: Path) -> None:
    """What an earlier daemon stored counts, also when it had no limit."""
    store = await limited(data_dir)
    for session_id in ("a", "b", "c"):
        await create(store, session_id)
    await store.close()
    store = await limited(data_dir, max_sessions=2)
    with pytest.raises(LimitReachedError):
        await create(store, "d")
    assert ["c", "b", "a"] == await listed(store, pb.ListSessionsRequest())
    await store.close()


async def test_sessions_are_counted_once_however_often_one_is_refused(data_dir: Path) -> None:
    """With very many sessions the count takes long, and everybody's writes wait for it."""
    store = await limited(data_dir, max_sessions=2)
    await create(store, "a")
    await create(store, "b")
    await store.close()
    store = await limited(data_dir, max_sessions=2)
    statements: list[str] = []
    await store._writer._connection.run(lambda connection: connection.set_trace_callback(statements.append))
    for _ in range(3):
        with pytest.raises(LimitReachedError):
            await create(store, "c")
    assert 1 == sum("count(*) FROM sessions" in statement for statement in statements)
    await store.delete_session(pb.DeleteSessionRequest(session_id="a"))
    await create(store, "c")
    with pytest.raises(LimitReachedError):
        await create(store, "d")
    await store.close()


async def test_a_session_of_a_group_that_failed_is_not_counted(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not there, and leaves its place to another one."""
    store = await limited(data_dir, max_sessions=2)
    await create(store, "a")
    with monkeypatch.context() as patched:
        patched.setattr(WriteTransaction, "write_rows", Mock(side_effect=MemoryError))
        with pytest.raises(OutOfMemoryError):
            await create(store, "b")
    await create(store, "c")
    with pytest.raises(LimitReachedError):
        await create(store, "d")
    await store.close()


async def test_no_event_is_appended_beyond_the_limit(data_dir: Path) -> None:
    """Other writes go on, a repeat is answered as the first time, and deleting the oldest events makes room."""
    store = await limited(data_dir, max_events_per_session=2)
    await create(store)
    await submit(store, named(part(), "first"), append(part()))
    with pytest.raises(LimitReachedError, match="'s' may hold 2 events") as refused:
        await submit(store, append(part()))
    assert {"limit": "max_events_per_session", "limit_value": "2"} == refused.value.metadata
    (repeated,) = await submit(store, named(part(), "first"))
    assert repeated.append_event.already_existed
    assert 0 == repeated.append_event.sequence
    with pytest.raises(AlreadyExistsError):
        await submit(store, named(part("another"), "first"))
    await store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=1))
    (appended,) = await submit(store, append(part()))
    assert 2 == appended.append_event.sequence
    await store.close()


async def test_a_commit_that_crosses_the_limit_is_refused_whole(data_dir: Path) -> None:
    """The events that would have fitted are not stored, and other sessions are not concerned."""
    store = await limited(data_dir, max_events_per_session=2)
    await create(store)
    await create(store, "t")
    crossing = store.submit(commit("s", append(part()), append(part()), append(part())))
    beside = store.submit(commit("t", append(part()), append(part())))
    with pytest.raises(LimitReachedError):
        await crossing
    assert 2 == len((await beside).results)
    assert not (await info(store)).HasField("last_event_sequence")
    (appended,) = await submit(store, append(part()))
    assert 0 == appended.append_event.sequence
    await store.close()


async def test_no_session_grows_beyond_its_bytes(data_dir: Path) -> None:
    """All that is stored counts; repeats are answered, what adds nothing goes on, and a trim makes room."""
    event, call = part("x" * 100), tool_call("c")
    outcome = pb.ToolCallUpdate(tool_call_id="c", result=result("r" * 200))
    message = user_message("m", "y" * 100)
    limit = event.ByteSize() + call.ByteSize() + message.ByteSize()
    store = await limited(data_dir, max_bytes_per_session=limit)
    await create(store)
    await create(store, "other")
    kept = named(event, "e"), pb.Mutation(create_tool_call=call), pb.Mutation(append_message=message)
    await submit(store, *kept)
    for refused in (
        append(part()),
        pb.Mutation(append_message=user_message("n")),
        pb.Mutation(create_tool_call=tool_call("d")),
        pb.Mutation(update_tool_call=outcome),
    ):
        with pytest.raises(LimitReachedError, match=f"may hold {limit} bytes") as error:
            await submit(store, refused)
        assert {"limit": "max_bytes_per_session", "limit_value": str(limit)} == error.value.metadata
    for mutation in kept:
        await submit(store, mutation)
    await submit(
        store, pb.Mutation(update_tool_call=pb.ToolCallUpdate(tool_call_id="c", status=TOOL_CALL_STATUS_EXECUTING))
    )
    await submit(store, append(part()), session_id="other")
    await store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=1))
    await submit(store, append(part("x" * 50)))
    await store.close()
    store = await limited(data_dir, max_bytes_per_session=limit)
    with pytest.raises(LimitReachedError):
        await submit(store, append(event))
    await store.close()


async def test_what_a_larger_limit_let_in_can_be_changed_as_long_as_it_does_not_grow(data_dir: Path) -> None:
    """A tool call can be settled, and a session become active, after a start with smaller limits."""
    store = await limited(data_dir)
    await create(store, "s", SessionConfig(system_prompt="x" * 2000, metadata={"k": "v" * 200}))
    for tool_call_id in ("c", "d"):
        await submit(store, pb.Mutation(create_tool_call=tool_call(tool_call_id, "x" * 2000)))
    await store.close()
    store = await limited(data_dir, max_item_bytes=1024, max_metadata_bytes=100)
    settled = pb.ToolCallUpdate(tool_call_id="c", status=TOOL_CALL_STATUS_DENIED)
    await submit(store, pb.Mutation(update_tool_call=settled))
    active = pb.SessionUpdate(status=SESSION_STATUS_ACTIVE, set_metadata={"k": "w" * 200})
    await submit(store, pb.Mutation(update_session=active))
    assert {"k": "w" * 200} == (await info(store, "s")).metadata
    labelled = pb.SessionUpdate(set_metadata={"k": "w" * 201, "l": ""}, config=SessionConfig())
    growing = pb.ToolCallUpdate(tool_call_id="d", status=TOOL_CALL_STATUS_EXECUTING, result=result("r"))
    for field, more in (
        ("update.set_metadata", pb.Mutation(update_session=labelled)),
        ("update", pb.Mutation(update_session=pb.SessionUpdate(add_approved_tools=["bash"]))),
        ("update", pb.Mutation(update_tool_call=growing)),
    ):
        with pytest.raises(TooLargeError) as refused:
            await submit(store, more)
        assert field == refused.value.field
    await store.close()
