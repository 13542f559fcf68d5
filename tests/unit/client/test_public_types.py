"""The public types, as a strict type checker sees them; running it proves only that the names exist."""

from collections.abc import AsyncIterator, Iterator
from typing import assert_type

from sessionstore import AsyncSessionStore, BlockingItems, BlockingTail, Items, SessionStore, Tail
from sessionstore.errors import HistoryTrimmedError, SequenceConflictError, SessionDeletedError, SessionStoreError
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.admin_service_pb2 import ArchiveInfo, GetServerInfoResponse, GetServerMetricsResponse
from sessionstore.v1.event_pb2 import Event, StoredEvent
from sessionstore.v1.message_pb2 import Message, StoredMessage
from sessionstore.v1.session_pb2 import Session, SessionConfig, SessionInfo
from sessionstore.v1.tool_pb2 import ToolCall, ToolCallState


async def asynchronous() -> None:
    """The asyncio client takes plain ids and generated messages, and answers generated messages."""
    async with AsyncSessionStore("unix:/run/s.sock", timeout_seconds=5) as store:
        assert_type(store, AsyncSessionStore)
        assert_type(await store.create_session(SessionConfig(), request_id="r"), pb.CreateSessionResponse)
        assert_type(await store.get_session("s", omit_content=True), Session)
        assert_type(store.list_sessions(limit=1), Items[SessionInfo])
        async for message in store.get_messages("s", after_sequence=1):
            assert_type(message, StoredMessage)
        async with store.get_events("s", types=["custom"]) as events:
            assert_type([event async for event in events], list[StoredEvent])
        assert_type(await store.append_event("s", Event(), expected_last_sequence=1), pb.AppendEventResponse)
        assert_type(await store.commit("s", [pb.Mutation()]), pb.CommitResponse)
        assert_type(store.write([pb.CommitRequest()]), Items[pb.CommitOutcome])
        async with store.tail("s", from_now=True) as tail:
            assert_type(tail, Tail)
            assert_type(tail.last_sequence, int | None)
            iterator: AsyncIterator[StoredEvent] = tail
            assert_type(await anext(iterator), StoredEvent)
        assert_type(await store.ping(), bool)
        assert_type(await store.get_server_info(), GetServerInfoResponse)
        assert_type(await store.get_server_metrics(), GetServerMetricsResponse)


def blocking() -> None:
    """The blocking client has the same parameters and the same answers."""
    with SessionStore("unix:/run/s.sock") as store:
        assert_type(store, SessionStore)
        assert_type(store.create_session(session_id="s"), pb.CreateSessionResponse)
        assert_type(store.get_session("s"), Session)
        assert_type(store.append_message("s", Message()), pb.AppendMessageResponse)
        assert_type(store.create_tool_call("s", ToolCall()), pb.CreateToolCallResponse)
        assert_type(store.get_pending_tool_calls("s"), BlockingItems[ToolCallState])
        assert_type(store.list_archives(), BlockingItems[ArchiveInfo])
        sessions: Iterator[SessionInfo] = store.list_sessions(ascending=True)
        assert_type(next(sessions), SessionInfo)
        assert_type(list(store.write([pb.CommitRequest()])), list[pb.CommitOutcome])
        with store.tail("s", after_sequence=4) as tail:
            assert_type(tail, BlockingTail)
            assert_type(next(tail), StoredEvent)
        store.get_session(7)  # type: ignore[arg-type]
        store.get_session("s", omit=True)  # type: ignore[call-arg]
        store.tail("s", from_then=True)  # type: ignore[call-arg]


def exceptions(error: SessionStoreError) -> None:
    """What the exceptions carry has types."""
    assert_type(error.metadata, dict[str, str])
    assert_type(error.retry_after_seconds, float | None)
    if isinstance(error, SequenceConflictError):
        assert_type(error.actual, int | None)
    if isinstance(error, HistoryTrimmedError):
        assert_type(error.first_available_sequence, int | None)
    if isinstance(error, SessionDeletedError):
        assert_type(error.archived, bool)


def test_the_public_names_exist() -> None:
    """The functions above are for the type checker; their names resolve when this module loads."""
    assert [callable(checked) for checked in (asynchronous, blocking, exceptions)] == [True] * 3
