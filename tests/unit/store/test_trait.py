"""The six behaviours of the original store, by their names."""

from sessiond.store.sqlite.engine import SqliteStore
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import LocalWorkspace, Session, SessionConfig, SessionStatus, Workspace
from sessionstore.v1.tool_pb2 import ToolCallStatus
from tests.builders import (
    append,
    collect,
    commit,
    complete,
    event_fragments,
    failed,
    part,
    result,
    tool_call,
    user_message,
)


async def merged(store: SqliteStore, session_id: str) -> Session:
    session = Session()
    async for fragment in store.get_session(pb.GetSessionRequest(session_id=session_id)):
        session.MergeFrom(fragment.session)
    return session


async def last_model(store: SqliteStore, session_id: str) -> str | None:
    (info,) = (await store.list_sessions(pb.ListSessionsRequest())).sessions
    assert session_id == info.id
    return info.last_model if info.HasField("last_model") else None


async def test_create_and_get(store: SqliteStore) -> None:
    """A new session has an id, its configuration, the status inactive, and one time for created and updated."""
    config = SessionConfig(
        workspace=Workspace(local=LocalWorkspace(path="/home/me")), system_prompt="be kind", metadata={"a": "b"}
    )
    created = (await store.create_session(pb.CreateSessionRequest(config=config))).session
    session = await merged(store, created.id)
    assert len(created.id) == 36
    assert config == session.config
    assert session.status == SessionStatus.SESSION_STATUS_INACTIVE
    assert session.created_at == session.updated_at == created.created_at


async def test_message_operations(store: SqliteStore) -> None:
    """Messages are numbered from 0 and read in order, after a sequence or from the start."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    for index in range(3):
        response = await store.submit(commit("s", pb.Mutation(append_message=user_message(f"m{index}"))))
        assert index == response.results[0].append_message.sequence
    everything = await collect(store.get_messages(pb.GetMessagesRequest(session_id="s")), "messages")
    after_first = await collect(store.get_messages(pb.GetMessagesRequest(session_id="s", after_sequence=0)), "messages")
    assert [stored.message.id for stored in everything] == ["m0", "m1", "m2"]
    assert [stored.sequence for stored in after_first] == [1, 2]


async def test_tool_call_operations(store: SqliteStore) -> None:
    """A completed call is no longer pending, and is read back with its result."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    await store.submit(commit("s", pb.Mutation(create_tool_call=tool_call("c1"))))
    await store.submit(commit("s", pb.Mutation(create_tool_call=tool_call("c2"))))
    pending = pb.GetPendingToolCallsRequest(session_id="s")
    before = await collect(store.get_pending_tool_calls(pending), "tool_calls")
    update = pb.ToolCallUpdate(
        tool_call_id="c1", status=ToolCallStatus.TOOL_CALL_STATUS_COMPLETED, result=result("found")
    )
    await store.submit(commit("s", pb.Mutation(update_tool_call=update)))
    after = await collect(store.get_pending_tool_calls(pending), "tool_calls")
    first, second = (await merged(store, "s")).state.tool_calls
    assert [state.tool_call.id for state in before] == ["c1", "c2"]
    assert [state.tool_call.id for state in after] == ["c2"]
    assert (first.result.external.payload, first.kind) == ("found", "external")
    assert first.HasField("completed_at")
    assert second.status == ToolCallStatus.TOOL_CALL_STATUS_PENDING_APPROVAL


async def test_event_streaming(store: SqliteStore) -> None:
    """The first sequence is 0; after 0 there is nothing; from the beginning there is one event."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    response = await store.submit(commit("s", append(part())))
    after = await collect(
        event_fragments(store.get_events(pb.GetEventsRequest(session_id="s", after_sequence=0))), "events"
    )
    everything = await collect(event_fragments(store.get_events(pb.GetEventsRequest(session_id="s"))), "events")
    assert response.results[0].append_event.sequence == 0
    assert after == []
    assert [part()] == [stored.event for stored in everything]


async def test_listing_with_limit(store: SqliteStore) -> None:
    """A limit bounds the list, which begins with the newest session."""
    for index in range(5):
        await store.create_session(pb.CreateSessionRequest(session_id=f"s{index}"))
    response = await store.list_sessions(pb.ListSessionsRequest(limit=2))
    assert [session.id for session in response.sessions] == ["s4", "s3"]
    assert response.next_page_token == ""


async def test_last_model(store: SqliteStore) -> None:
    """None, then the completed message's, then the failed tool call's, then unchanged by an event without a model."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    seen = [await last_model(store, "s")]
    for event in (complete("opus"), failed("haiku"), part()):
        await store.submit(commit("s", append(event)))
        seen.append(await last_model(store, "s"))
    assert seen == [None, "opus", "haiku", "haiku"]
