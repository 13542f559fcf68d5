"""The single writes of the client, which ride one stream and answer as if each were a call of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from sessionstore import AsyncSessionStore, SessionStore, errors
from sessionstore.commit_stream import CommitStream
from sessionstore.single_writes import MAX_STREAMED_BYTES
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import Event
from sessionstore.v1.message_pb2 import Message
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from sessionstore.v1.tool_pb2 import TOOL_CALL_STATUS_COMPLETED, TOOL_CALL_STATUS_EXECUTING, ToolCall
from tests.builders import append, commit, part, result, tool_call, user_message
from tests.integration.client.scripted_server import ScriptedServer
from tests.integration.conftest import DaemonUnderTest

Write = Callable[[AsyncSessionStore], Coroutine[Any, Any, Any]]


def outcome(sequence: int) -> pb.CommitOutcome:
    appended = pb.MutationResult(append_event=pb.AppendEventResponse(sequence=sequence))
    return pb.CommitOutcome(result=pb.CommitResponse(results=[appended]))


async def texts(client: AsyncSessionStore, session_id: str) -> list[str]:
    return [event.event.message_part.content async for event in client.get_events(session_id)]


@pytest.fixture
async def filled(client: AsyncSessionStore) -> AsyncSessionStore:
    """A client of a daemon with a session that has one of everything."""
    await client.create_session(session_id="s")
    await client.append_event("s", part("first"), event_id="e")
    await client.append_message("s", user_message("m"))
    await client.create_tool_call("s", tool_call("c"))
    await client.create_tool_call("s", tool_call("done"))
    done = pb.ToolCallUpdate(tool_call_id="done", status=TOOL_CALL_STATUS_COMPLETED, result=result("r"))
    await client.update_tool_call("s", done)
    return client


BACK = pb.ToolCallUpdate(tool_call_id="done", status=TOOL_CALL_STATUS_EXECUTING)

REFUSED: dict[str, tuple[Write, Callable[[Any], Coroutine[Any, Any, Any]]]] = {
    "no session": (
        lambda client: client.append_event("nowhere", part()),
        lambda stub: stub.AppendEvent(pb.AppendEventRequest(session_id="nowhere", event=part())),
    ),
    "an event without a kind": (
        lambda client: client.append_event("s", Event()),
        lambda stub: stub.AppendEvent(pb.AppendEventRequest(session_id="s", event=Event())),
    ),
    "an event id that is taken": (
        lambda client: client.append_event("s", part("other"), event_id="e"),
        lambda stub: stub.AppendEvent(pb.AppendEventRequest(session_id="s", event=part("other"), event_id="e")),
    ),
    "another last event": (
        lambda client: client.append_event("s", part(), expected_last_sequence=7),
        lambda stub: stub.AppendEvent(
            pb.AppendEventRequest(session_id="s", event=part(), event_id="new", expected_last_sequence=7)
        ),
    ),
    "events where none were expected": (
        lambda client: client.commit("s", [append(part())], expect_no_events=True),
        lambda stub: stub.Commit(commit("s", append(part(), "new"), expect_no_events=True)),
    ),
    "a commit of nothing": (
        lambda client: client.commit("s", []),
        lambda stub: stub.Commit(commit("s")),
    ),
    "a message without an id": (
        lambda client: client.append_message("s", Message()),
        lambda stub: stub.AppendMessage(pb.AppendMessageRequest(session_id="s", message=Message())),
    ),
    "a message id that is taken": (
        lambda client: client.append_message("s", user_message("m", "other")),
        lambda stub: stub.AppendMessage(pb.AppendMessageRequest(session_id="s", message=user_message("m", "other"))),
    ),
    "a tool call without an id": (
        lambda client: client.create_tool_call("s", ToolCall(name="grep")),
        lambda stub: stub.CreateToolCall(pb.CreateToolCallRequest(session_id="s", tool_call=ToolCall(name="grep"))),
    ),
    "a step that a tool call cannot take": (
        lambda client: client.update_tool_call("s", BACK),
        lambda stub: stub.UpdateToolCall(pb.UpdateToolCallRequest(session_id="s", update=BACK)),
    ),
    "too much metadata": (
        lambda client: client.update_session("s", pb.SessionUpdate(set_metadata={"k": "v" * 70_000})),
        lambda stub: stub.UpdateSession(
            pb.UpdateSessionRequest(session_id="s", update=pb.SessionUpdate(set_metadata={"k": "v" * 70_000}))
        ),
    ),
    "an unknown head": (
        lambda client: client.update_active_message_id("s", "nobody"),
        lambda stub: stub.UpdateActiveMessageId(pb.UpdateActiveMessageIdRequest(session_id="s", message_id="nobody")),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refusal_is_that_of_the_plain_call(
    filled: AsyncSessionStore, daemon: DaemonUnderTest, case: str
) -> None:
    """The same exception, with the same text, reason, facts and names of fields."""
    ridden, plain = REFUSED[case]
    with pytest.raises(errors.SessionStoreError) as raised:
        await ridden(filled)
    async with grpc.aio.insecure_channel(daemon.address, [("grpc.default_authority", "localhost")]) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await plain(SessionStoreServiceStub(channel))
    expected = errors.error_from_call(refused.value)
    assert (type(expected), str(expected), vars(expected)) == (
        type(raised.value),
        str(raised.value),
        vars(raised.value),
    )


async def test_each_kind_of_write_has_the_answer_of_its_call(filled: AsyncSessionStore) -> None:
    """Appends, creations and updates answer what a call of their own answers."""
    appended = await filled.append_event("s", part("second"), event_id="f", expected_last_sequence=0)
    repeated = await filled.append_event("s", part("second"), event_id="f")
    assert (appended.sequence, appended.already_existed, repeated.sequence, repeated.already_existed) == (
        1,
        False,
        1,
        True,
    )
    message = await filled.append_message("s", user_message("n"))
    assert (message.sequence, message.HasField("stored_at")) == (1, True)
    assert (await filled.create_tool_call("s", tool_call("c"))).already_existed
    update = pb.ToolCallUpdate(tool_call_id="c", status=TOOL_CALL_STATUS_EXECUTING)
    assert TOOL_CALL_STATUS_EXECUTING == (await filled.update_tool_call("s", update)).status
    renamed = await filled.update_session("s", pb.SessionUpdate(set_metadata={"k": "v"}))
    assert (renamed.session.id, dict(renamed.session.metadata)) == ("s", {"k": "v"})
    assert isinstance(await filled.update_active_message_id("s", "m"), pb.UpdateActiveMessageIdResponse)
    committed = await filled.commit("s", [append(part()), append(part())])
    assert [one.append_event.sequence for one in committed.results] == [2, 3]


async def test_writes_that_come_together_are_sent_together(tmp_path: Path) -> None:
    """One stream for all, and one request for up to 32 that wait; each caller has its own answer."""
    sizes = []

    async def write(requests: AsyncIterator[pb.WriteRequest], context: Any) -> AsyncIterator[pb.WriteResponse]:
        answered = 0
        async for request in requests:
            sizes.append(len(request.commits))
            yield pb.WriteResponse(outcomes=[outcome(answered + n) for n in range(len(request.commits))])
            answered += len(request.commits)

    server = ScriptedServer(write)
    async with server.serving(tmp_path) as address, AsyncSessionStore(address) as client:
        alone = await client.append_event("s", part())
        together = await asyncio.gather(*(client.append_event("s", part()) for _ in range(50)))
    assert [alone.sequence, *(one.sequence for one in together)] == list(range(51))
    assert (sizes, server.calls) == ([1, 32, 18], ["Write"])


async def test_a_cancelled_caller_harms_no_other(tmp_path: Path) -> None:
    """The answers of the others stay theirs; what was not sent yet is never sent."""
    answer, sent = asyncio.Event(), []

    async def write(requests: AsyncIterator[pb.WriteRequest], context: Any) -> AsyncIterator[pb.WriteResponse]:
        async for request in requests:
            contents = [one.mutations[0].append_event.event.message_part.content for one in request.commits]
            sent.extend(contents)
            await answer.wait()
            yield pb.WriteResponse(outcomes=[outcome(int(content)) for content in contents])

    async with ScriptedServer(write).serving(tmp_path) as address, AsyncSessionStore(address) as client:
        calls = [asyncio.create_task(client.append_event("s", part(str(number)))) for number in range(5)]
        while not sent:
            await asyncio.sleep(0.001)
        calls[1].cancel()
        unsent = asyncio.create_task(client.append_event("s", part("100")))
        asyncio.get_running_loop().call_soon(unsent.cancel)
        with pytest.raises(asyncio.CancelledError):
            await unsent
        last = asyncio.create_task(client.append_event("s", part("5")))
        answer.set()
        answers = await asyncio.gather(*calls, last, return_exceptions=True)
    assert isinstance(answers.pop(1), asyncio.CancelledError)
    assert [0, 2, 3, 4, 5] == [one.sequence for one in answers if isinstance(one, pb.AppendEventResponse)]
    assert sent == ["0", "1", "2", "3", "4", "5"]


async def test_what_a_broken_stream_did_not_answer_is_called_for(tmp_path: Path) -> None:
    """A write whose stream broke is made as a call of its own, with the same id; the next opens a stream again."""
    seen: list[str] = []

    async def write(requests: AsyncIterator[pb.WriteRequest], context: Any) -> AsyncIterator[pb.WriteResponse]:
        request = await anext(requests)
        seen.extend(one.mutations[0].append_event.event_id for one in request.commits)
        yield pb.WriteResponse(outcomes=[outcome(0)])
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "that is enough")

    async def append_event(request: pb.AppendEventRequest) -> pb.AppendEventResponse:
        seen.append(request.event_id)
        return pb.AppendEventResponse(sequence=1)

    server = ScriptedServer(write, append_event)
    async with server.serving(tmp_path) as address, AsyncSessionStore(address) as client:
        for _ in range(2):
            answers = await asyncio.gather(*(client.append_event("s", part(), event_id=name) for name in "ab"))
            assert [0, 1] == [one.sequence for one in answers]
    assert (["a", "b", "b"] * 2, ["Write", "AppendEvent"] * 2) == (seen, server.calls)


async def test_a_server_that_answers_too_much_is_not_believed(tmp_path: Path) -> None:
    """Outcomes that nobody waits for break the stream, and the write after them is made as a call."""

    async def write(requests: AsyncIterator[pb.WriteRequest], context: Any) -> AsyncIterator[pb.WriteResponse]:
        async for _ in requests:
            yield pb.WriteResponse(outcomes=[outcome(5), outcome(6)])

    async def append_event(request: pb.AppendEventRequest) -> pb.AppendEventResponse:
        return pb.AppendEventResponse(sequence=1)

    async with ScriptedServer(write, append_event).serving(tmp_path) as address, AsyncSessionStore(address) as client:
        assert (await client.append_event("s", part())).sequence == 1


async def test_a_large_write_does_not_hold_up_the_others(tmp_path: Path) -> None:
    """What is larger than a request of the stream is a call of its own."""

    async def write(requests: AsyncIterator[pb.WriteRequest], context: Any) -> AsyncIterator[pb.WriteResponse]:
        async for _ in requests:
            yield pb.WriteResponse(outcomes=[outcome(0)])

    async def append_event(request: pb.AppendEventRequest) -> pb.AppendEventResponse:
        return pb.AppendEventResponse(sequence=1)

    server = ScriptedServer(write, append_event)
    async with server.serving(tmp_path) as address, AsyncSessionStore(address) as client:
        await client.append_event("s", part("x" * MAX_STREAMED_BYTES))
    assert server.calls == ["AppendEvent"]


async def test_appends_of_many_tasks_across_restarts_take_effect_once(
    daemon: DaemonUnderTest, client: AsyncSessionStore
) -> None:
    """Whatever was under way as the daemon stopped is stored once, with the sequence that its caller was told."""
    await client.create_session(session_id="s")
    appended: dict[str, int] = {}
    restarted = False

    async def append_until_restarted(name: int) -> None:
        number = 0
        while not restarted:
            text = f"{name}-{number}"
            appended[text] = (await client.append_event("s", part(text))).sequence
            number += 1

    async with asyncio.TaskGroup() as appenders:
        for name in range(8):
            appenders.create_task(append_until_restarted(name))
        for _ in range(2):
            before = len(appended)
            while len(appended) < before + 50:
                await asyncio.sleep(0.001)
            await daemon.stop()
            await daemon.start()
        restarted = True
    assert {text: sequence for sequence, text in enumerate(await texts(client, "s"))} == appended


async def test_an_idle_stream_ends_by_itself(daemon: DaemonUnderTest, client: AsyncSessionStore) -> None:
    """A client that is forgotten holds no stream for ever; one that writes again opens another."""
    await client.create_session(session_id="s")
    async with grpc.aio.insecure_channel(daemon.address, [("grpc.default_authority", "localhost")]) as channel:
        stub: Any = SessionStoreServiceStub(channel)
        stream = CommitStream(stub.Write, timeout_seconds=30, idle_seconds=0.01)
        assert (await stream.submit(commit("s", append(part())))).HasField("result")
        while stream.accepts:
            await asyncio.sleep(0.001)
        await stream.finish()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("commit stream")]


async def test_a_closed_client_leaves_nothing_running(daemon: DaemonUnderTest) -> None:
    """Closing ends the stream and its tasks; a write under way is cancelled, and a later one told."""
    client = AsyncSessionStore(daemon.address)
    await client.create_session(session_id="s")
    await client.append_event("s", part())
    under_way = asyncio.create_task(client.append_event("s", part()))
    await asyncio.sleep(0)
    await client.close()
    with pytest.raises(asyncio.CancelledError):
        await under_way
    with pytest.raises(errors.SessionStoreError, match="closed"):
        await client.append_event("s", part())
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("commit stream")]


async def test_a_client_that_is_closed_before_a_write_began_leaves_nothing_behind(daemon: DaemonUnderTest) -> None:
    """Neither the stream, which a timer would hold for ever, nor its call."""
    client = AsyncSessionStore(daemon.address, timeout_seconds=60)
    write = asyncio.ensure_future(client.append_event("s", part()))
    await asyncio.sleep(0)
    stream = client._writes._stream
    assert stream is not None
    await client.close()
    await asyncio.gather(write, return_exceptions=True)
    assert stream._timer.cancelled()
    assert stream._call.done()
    assert not stream._unsent


async def test_many_threads_share_a_blocking_client(daemon: DaemonUnderTest) -> None:
    """Each thread has the answers to its own writes."""

    def append_from_threads() -> list[int]:
        with SessionStore(daemon.address) as client, ThreadPoolExecutor(16) as pool:
            client.create_session(session_id="s")
            return [one.sequence for one in pool.map(lambda n: client.append_event("s", part(str(n))), range(400))]

    sequences = await asyncio.to_thread(append_from_threads)
    async with AsyncSessionStore(daemon.address) as client:
        stored = await texts(client, "s")
    assert [str(number) for number in range(400)] == [stored[sequence] for sequence in sequences]
