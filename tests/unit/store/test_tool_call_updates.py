"""Tool calls: from status to status, their results, and the list of those that wait."""

import sqlite3
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.contract.limits import FRAGMENT_BYTES, Limits
from sessiond.store.errors import CorruptedError, IllegalTransitionError, NotFoundError, TooLargeError
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.tool_pb2 import BashResult, ToolCall, ToolCallState, ToolCallStats, ToolCallStatus, ToolResult
from tests.builders import collect, result, tool_call
from tests.unit.store.sessions import create, merged, submit

PENDING = ToolCallStatus.TOOL_CALL_STATUS_PENDING_APPROVAL
APPROVED = ToolCallStatus.TOOL_CALL_STATUS_APPROVED
DENIED = ToolCallStatus.TOOL_CALL_STATUS_DENIED
EXECUTING = ToolCallStatus.TOOL_CALL_STATUS_EXECUTING
COMPLETED = ToolCallStatus.TOOL_CALL_STATUS_COMPLETED
FAILED = ToolCallStatus.TOOL_CALL_STATUS_FAILED
NAMES = {
    PENDING: "pending_approval",
    APPROVED: "approved",
    DENIED: "denied",
    EXECUTING: "executing",
    COMPLETED: "completed",
    FAILED: "failed",
}
LEGAL = {
    PENDING: {APPROVED, DENIED, EXECUTING, COMPLETED, FAILED},
    APPROVED: {EXECUTING, DENIED, COMPLETED, FAILED},
    EXECUTING: {COMPLETED, FAILED},
    DENIED: set(),
    COMPLETED: set(),
    FAILED: set(),
}


@pytest.fixture(autouse=True)
async def call(store: SqliteStore) -> None:
    await create(store)
    await submit(store, pb.Mutation(create_tool_call=tool_call("c")))


async def update(store: SqliteStore, call_id: str = "c", **fields: object) -> pb.UpdateToolCallResponse:
    change = pb.ToolCallUpdate(tool_call_id=call_id, **fields)  # type: ignore[arg-type]
    (answer,) = await submit(store, pb.Mutation(update_tool_call=change))
    return answer.update_tool_call


async def state(store: SqliteStore) -> ToolCallState:
    (found,) = (await merged(store)).state.tool_calls
    return found


async def waiting(store: SqliteStore, **fields: object) -> list[str]:
    request = pb.GetPendingToolCallsRequest(session_id="s", **fields)  # type: ignore[arg-type]
    return [found.tool_call.id for found in await collect(store.get_pending_tool_calls(request), "tool_calls")]


@pytest.mark.parametrize("to_status", NAMES)
@pytest.mark.parametrize("from_status", NAMES)
async def test_only_legal_transitions_are_made(
    store: SqliteStore, from_status: ToolCallStatus, to_status: ToolCallStatus
) -> None:
    """A legal change is made, the same status again is a repeat, anything else names both and changes nothing."""
    await update(store, status=from_status)
    before = await merged(store)
    if to_status in LEGAL[from_status]:
        answer = await update(store, status=to_status)
        assert to_status == answer.status == (await state(store)).status
    elif to_status == from_status:
        assert (await update(store, status=to_status)).status == to_status
        assert before == await merged(store)
    else:
        with pytest.raises(IllegalTransitionError, match="tool call 'c'") as caught:
            await update(store, status=to_status)
        assert (NAMES[from_status], NAMES[to_status]) == (
            caught.value.metadata["from_status"],
            caught.value.metadata["to_status"],
        )
        assert before == await merged(store)


async def test_the_time_of_a_change_may_be_the_writers(store: SqliteStore) -> None:
    """Where the writer names the time, that becomes started_at and completed_at; a repeat moves neither."""
    started, ended, later = Timestamp(seconds=1000, nanos=1500), Timestamp(seconds=2000), Timestamp(seconds=3000)
    await update(store, status=EXECUTING, changed_at=started)
    await update(store, status=COMPLETED, changed_at=ended)
    answer = await update(store, status=COMPLETED, changed_at=later)
    found = await state(store)
    assert (Timestamp(seconds=1000, nanos=1000), ended) == (found.started_at, found.completed_at)
    assert (found.started_at, found.completed_at) == (answer.started_at, answer.completed_at)


async def test_approval_and_denial_set_no_time(store: SqliteStore) -> None:
    """A call that never ran neither began nor ended."""
    await update(store, status=APPROVED)
    await update(store, status=DENIED)
    found = await state(store)
    assert (found.status, found.HasField("started_at"), found.HasField("completed_at")) == (DENIED, False, False)


async def test_an_error_alone_keeps_its_text_and_the_status(store: SqliteStore) -> None:
    """Without the status the call is not failed, but its kind says that there was an error."""
    await update(store, status=EXECUTING)
    await update(store, error="first try timed out")
    found = await state(store)
    assert (found.status, found.kind, found.error) == (EXECUTING, "error", "first try timed out")


async def test_an_empty_error_is_an_error(store: SqliteStore) -> None:
    """Absent and empty differ."""
    await update(store, status=FAILED, error="")
    found = await state(store)
    assert (found.kind, found.HasField("error"), found.error) == ("error", True, "")


async def test_a_result_names_the_kind_and_is_kept_beside_an_error(store: SqliteStore) -> None:
    """The kind is the result's type; an error that comes with a result names it instead, and both are kept."""
    bash = ToolResult(bash=BashResult(stdout="half", exit_code=1, command="make"))
    await update(store, status=EXECUTING, result=bash)
    running = await state(store)
    await update(store, status=FAILED, error="boom", result=result("rest"))
    ended = await state(store)
    assert (running.kind, running.result) == ("bash", bash)
    assert (ended.kind, ended.error, ended.result) == ("error", "boom", result("rest"))


async def test_stats_are_kept_and_replaced(store: SqliteStore) -> None:
    """What was measured comes back whole, empty measurements included."""
    first = ToolCallStats(output="", json_output='{"a":1}', success=True, execution_time_ms=5, metadata={"k": "v"})
    await update(store, stats=first)
    kept = (await state(store)).stats
    await update(store, stats=ToolCallStats())
    emptied = await state(store)
    assert first == kept
    assert (emptied.HasField("stats"), emptied.stats) == (True, ToolCallStats())


async def test_parts_that_are_not_named_are_left_alone(store: SqliteStore) -> None:
    """An update changes what it names and nothing else."""
    await update(store, result=result("r"), stats=ToolCallStats(success=True))
    await update(store, status=EXECUTING)
    found = await state(store)
    assert (found.result, found.stats.success, found.kind) == (result("r"), True, "external")


async def test_a_final_call_takes_no_new_content(store: SqliteStore) -> None:
    """Neither result, error nor stats of an ended call change; what it has may be sent again, in part too."""
    await update(store, status=COMPLETED, result=result("r"))
    before = await merged(store)
    for change in ({"result": result("x")}, {"error": "x"}, {"stats": ToolCallStats()}):
        with pytest.raises(IllegalTransitionError, match="other content"):
            await update(store, **change)
    await update(store, status=COMPLETED)
    await update(store, result=result("r"))
    assert before == await merged(store)


async def test_everything_of_a_call_together_is_bounded(data_dir: Path) -> None:
    """Call, result, error and stats fit into one answer, whichever comes last; a refusal changes nothing."""
    store = await SqliteStore.open(data_dir, limits=Limits(max_item_bytes=1000))
    await create(store, "small")

    async def change(**fields: object) -> None:
        mutation = pb.Mutation(update_tool_call=pb.ToolCallUpdate(tool_call_id="c", **fields))  # type: ignore[arg-type]
        await submit(store, mutation, session_id="small")

    call = ToolCall(id="c", name="n", parameters_json=f'"{"p" * 300}"')
    await submit(store, pb.Mutation(create_tool_call=call), session_id="small")
    await change(result=result("r" * 300))
    await change(error="é" * 100)
    before = await merged(store, "small")
    for fields in ({"stats": ToolCallStats(output="s" * 300)}, {"error": "é" * 250}, {"result": result("r" * 600)}):
        with pytest.raises(TooLargeError) as caught:
            await change(**fields)
        assert caught.value.limit_bytes == 1000 < caught.value.size_bytes
        assert before == await merged(store, "small")
    await change(result=result(""))
    await change(stats=ToolCallStats(output="s" * 300))
    await store.close()


async def test_those_that_wait_come_in_the_order_of_their_creation(store: SqliteStore) -> None:
    """Changes of status move no call; unfinished ones are listed on demand."""
    for name in ("z", "a", "m", "b"):
        await submit(store, pb.Mutation(create_tool_call=tool_call(name)))
    await update(store, "a", status=EXECUTING)
    await update(store, "m", status=APPROVED)
    await update(store, "b", status=DENIED)
    assert await waiting(store) == ["c", "z"]
    assert await waiting(store, include_unfinished=True) == ["c", "z", "a", "m"]


async def fill(store: SqliteStore, count: int) -> None:
    for index in range(count):
        call = ToolCall(id=f"big{index}", name="n", parameters_json=f'"{"x" * (FRAGMENT_BYTES // 2)}"')
        await submit(store, pb.Mutation(create_tool_call=call))


async def test_calls_that_wait_come_in_fragments(store: SqliteStore) -> None:
    """However large they are together, no fragment is larger than one of them or the limit."""
    await fill(store, 5)
    request = pb.GetPendingToolCallsRequest(session_id="s")
    fragments = [fragment async for fragment in store.get_pending_tool_calls(request)]
    assert [2, 1, 1, 1, 1] == [len(fragment.tool_calls) for fragment in fragments]
    assert await waiting(store) == ["c", *(f"big{index}" for index in range(5))]


@pytest.mark.parametrize("archived", [False, True])
async def test_calls_of_a_session_that_goes_while_they_are_read_are_not_found(
    store: SqliteStore, archived: bool
) -> None:
    """A read never passes off a part as the whole."""
    await fill(store, 5)
    fragments = store.get_pending_tool_calls(pb.GetPendingToolCallsRequest(session_id="s"))
    await anext(fragments)
    if archived:
        await store.archive_session(admin_pb.ArchiveSessionRequest(session_id="s"))
    else:
        await store.delete_session(pb.DeleteSessionRequest(session_id="s"))
    with pytest.raises(NotFoundError, match="no session 's'"):
        async for _ in fragments:
            pass


async def test_a_damaged_call_is_told(store: SqliteStore, data_dir: Path) -> None:
    """The list of those that wait names the call that cannot be read."""
    connection = sqlite3.connect(data_dir / DATABASE_NAME)
    with connection:
        connection.execute("UPDATE tool_calls SET payload = x'0AFF'")
    connection.close()
    with pytest.raises(CorruptedError, match="tool call 'c' is damaged"):
        await waiting(store)
    with pytest.raises(CorruptedError, match="tool call 'c' is damaged"):
        await submit(store, pb.Mutation(create_tool_call=tool_call("c")))
