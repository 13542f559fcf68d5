"""Commits are applied whole or not at all, and fail alone."""

import asyncio

import pytest

from sessiond.store.errors import (
    AlreadyExistsError,
    DrainingError,
    IllegalTransitionError,
    NotFoundError,
    StorageFullError,
    TooLargeError,
)
from sessiond.store.sqlite.engine import SqliteStore
from sessiond.store.sqlite.transaction import WriteTransaction
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import Session
from sessionstore.v1.tool_pb2 import ToolCallStatus
from tests.builders import append, collect, commit, complete, event_fragments, part, result, tool_call, user_message


@pytest.fixture(autouse=True)
async def session(store: SqliteStore) -> None:
    await store.create_session(pb.CreateSessionRequest(session_id="s"))


async def merged(store: SqliteStore) -> Session:
    session = Session()
    async for fragment in store.get_session(pb.GetSessionRequest(session_id="s")):
        session.MergeFrom(fragment.session)
    return session


def move(status: ToolCallStatus, **more: object) -> pb.Mutation:
    return pb.Mutation(update_tool_call=pb.ToolCallUpdate(tool_call_id="c", status=status, **more))  # type: ignore[arg-type]


async def test_a_refused_mutation_undoes_its_whole_commit(store: SqliteStore) -> None:
    """Neither rows nor counters nor the last model show a commit that was refused."""
    await store.submit(commit("s", append(complete("before"))))
    before = await merged(store)
    with pytest.raises(NotFoundError):
        await store.submit(
            commit(
                "s",
                pb.Mutation(append_message=user_message("m")),
                append(complete("after")),
                pb.Mutation(create_tool_call=tool_call("c")),
                pb.Mutation(set_active_message=pb.ActiveMessageUpdate(message_id="missing")),
            )
        )
    after = await merged(store)
    response = await store.submit(commit("s", append(part())))
    assert before == after
    assert (response.results[0].append_event.sequence, response.results[0].append_event.position) == (1, 2)


async def test_commits_of_one_group_fail_alone(store: SqliteStore) -> None:
    """Of commits that wait together, those before and after a refused one are applied, in order."""
    missing = pb.Mutation(update_tool_call=pb.ToolCallUpdate(tool_call_id="missing"))
    waiting = [
        store.submit(commit("s", append(part("a")), append(part("b")))),
        store.submit(commit("s", append(part("lost")), missing)),
        store.submit(commit("missing", append(part("lost")))),
        store.submit(commit("s", append(part("c")))),
    ]
    await asyncio.wait(waiting)
    stored = await collect(event_fragments(store.get_events(pb.GetEventsRequest(session_id="s"))), "events")
    assert [type(None), NotFoundError, NotFoundError, type(None)] == [type(done.exception()) for done in waiting]
    assert [(item.sequence, item.event.message_part.content) for item in stored] == [(0, "a"), (1, "b"), (2, "c")]


async def test_a_later_mutation_sees_an_earlier_one(store: SqliteStore) -> None:
    """A commit may create a tool call and settle it, append a message and select it."""
    await store.submit(
        commit(
            "s",
            pb.Mutation(append_message=user_message("m")),
            pb.Mutation(set_active_message=pb.ActiveMessageUpdate(message_id="m")),
            pb.Mutation(create_tool_call=tool_call("c")),
            move(ToolCallStatus.TOOL_CALL_STATUS_COMPLETED, result=result("r")),
        )
    )
    state = (await merged(store)).state
    assert (state.active_message_id, state.tool_calls[0].status) == ("m", ToolCallStatus.TOOL_CALL_STATUS_COMPLETED)


async def test_the_active_message_is_cleared(store: SqliteStore) -> None:
    """An update without an id clears the selection."""
    await store.submit(
        commit(
            "s",
            pb.Mutation(append_message=user_message("m")),
            pb.Mutation(set_active_message=pb.ActiveMessageUpdate(message_id="m")),
        )
    )
    await store.submit(commit("s", pb.Mutation(set_active_message=pb.ActiveMessageUpdate())))
    assert not (await merged(store)).state.HasField("active_message_id")


async def test_an_unforeseen_failure_fails_alone(store: SqliteStore) -> None:
    """When one operation breaks in a way that nobody foresaw, the others of its group are applied all the same."""

    class Broken:
        atomic = True
        size_bytes = 0
        frees_room = False

        def apply(self, transaction: WriteTransaction) -> None:
            transaction.connection.execute("DELETE FROM sessions")
            raise ZeroDivisionError

    first = store.submit(commit("s", append(part("a"))))
    broken = store._writer.submit(Broken())
    last = store.submit(commit("s", append(part("b"))))
    await asyncio.gather(first, broken, last, return_exceptions=True)
    assert isinstance(broken.exception(), ZeroDivisionError)
    assert [done.result().results[0].append_event.sequence for done in (first, last)] == [0, 1]


async def test_what_a_full_database_refused_leaves_no_trace_in_the_counters(store: SqliteStore) -> None:
    """The sequences of a group that could not be written are given to the next one, in the order of positions."""
    await store.submit(commit("s", append(part("before"))))
    connection = store._writer._connection
    await connection.run(lambda writing: writing.execute("PRAGMA max_page_count = 1").fetchone())
    refused = [store.submit(commit("s", append(part("x" * 100_000)))) for _ in range(3)]
    errors = await asyncio.gather(*refused, return_exceptions=True)
    await connection.run(lambda writing: writing.execute("PRAGMA max_page_count = 1073741823").fetchone())
    response = await store.submit(commit("s", append(part("after"))))
    assert [StorageFullError] * 3 == [type(error) for error in errors]
    assert 1 == response.results[0].append_event.sequence
    assert response.results[0].append_event.position > 1


async def test_a_write_that_is_cancelled_in_the_queue_is_dropped(store: SqliteStore) -> None:
    """What the writer has not taken yet can be taken back."""
    dropped = store.submit(commit("s", append(part("dropped"))))
    dropped.cancel()
    response = await store.submit(commit("s", append(part("kept"))))
    assert response.results[0].append_event.sequence == 0


async def test_close_applies_what_was_submitted_and_refuses_the_rest(store: SqliteStore) -> None:
    """A closing store loses nothing that it took."""
    submitted = [store.submit(commit("s", append(part(str(index))))) for index in range(50)]
    await store._writer.drain()
    assert list(range(50)) == [done.result().results[0].append_event.sequence for done in submitted]
    with pytest.raises(DrainingError):
        store.submit(commit("s", append(part())))


async def test_tool_call_times_and_kind_follow_its_status(store: SqliteStore) -> None:
    """Executing sets started_at, completed and failed set completed_at, a result or an error sets the kind."""
    await store.submit(commit("s", pb.Mutation(create_tool_call=tool_call("c"))))
    (created,) = (await merged(store)).state.tool_calls
    await store.submit(commit("s", move(ToolCallStatus.TOOL_CALL_STATUS_EXECUTING)))
    (executing,) = (await merged(store)).state.tool_calls
    await store.submit(commit("s", move(ToolCallStatus.TOOL_CALL_STATUS_FAILED, error="boom")))
    (failed,) = (await merged(store)).state.tool_calls
    assert (
        created.kind,
        created.HasField("started_at"),
        created.HasField("completed_at"),
    ) == ("external", False, False)
    assert (executing.HasField("started_at"), executing.HasField("completed_at")) == (True, False)
    assert (failed.kind, failed.error, failed.HasField("completed_at")) == ("error", "boom", True)


async def test_the_same_update_again_is_a_repeat(store: SqliteStore) -> None:
    """A final tool call takes the very update that ended it again, and nothing else."""
    await store.submit(commit("s", pb.Mutation(create_tool_call=tool_call("c"))))
    end = move(ToolCallStatus.TOOL_CALL_STATUS_COMPLETED, result=result("r"))
    first = await store.submit(commit("s", end))
    again = await store.submit(commit("s", end))
    assert first.results == again.results
    for other in (
        move(ToolCallStatus.TOOL_CALL_STATUS_COMPLETED, result=result("other")),
        move(ToolCallStatus.TOOL_CALL_STATUS_EXECUTING),
        pb.Mutation(update_tool_call=pb.ToolCallUpdate(tool_call_id="c", error="late")),
    ):
        with pytest.raises(IllegalTransitionError) as caught:
            await store.submit(commit("s", other))
        assert caught.value.metadata["from_status"] == "completed"


async def test_an_empty_update_changes_nothing(store: SqliteStore) -> None:
    """An update with nothing but the id leaves the session as it was."""
    await store.submit(commit("s", pb.Mutation(create_tool_call=tool_call("c"))))
    before = await merged(store)
    await store.submit(commit("s", pb.Mutation(update_tool_call=pb.ToolCallUpdate(tool_call_id="c"))))
    assert before == await merged(store)


async def test_a_tool_call_with_its_result_fits_into_one_answer(store: SqliteStore) -> None:
    """Call, result and error together are bounded, so that they can always be read back."""
    call = tool_call("c")
    call.parameters_json = f'"{"x" * 2_000_000}"'
    await store.submit(commit("s", pb.Mutation(create_tool_call=call)))
    with pytest.raises(TooLargeError):
        await store.submit(commit("s", move(ToolCallStatus.TOOL_CALL_STATUS_COMPLETED, result=result("x" * 2_000_000))))


async def test_the_same_message_id_twice_in_a_commit_is_one_message(store: SqliteStore) -> None:
    """A commit repeats itself like any other."""
    message = pb.Mutation(append_message=user_message("m"))
    response = await store.submit(commit("s", message, message))
    assert [item.append_message.already_existed for item in response.results] == [False, True]
    with pytest.raises(AlreadyExistsError):
        await store.submit(commit("s", pb.Mutation(append_message=user_message("m", "other")), append(part())))
