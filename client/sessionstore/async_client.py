"""The client for asyncio."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self

from sessionstore.address import default_address
from sessionstore.admin import AdminCalls
from sessionstore.channel import open_channel, translated
from sessionstore.identifiers import fresh_id
from sessionstore.tailing import Tail
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import Event, StoredEvent
from sessionstore.v1.message_pb2 import Message, StoredMessage
from sessionstore.v1.session_pb2 import Session, SessionConfig, SessionInfo
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from sessionstore.v1.tool_pb2 import ToolCall, ToolCallState
from sessionstore.writing import WritePipeline, named_events

__all__ = ["DEFAULT_TIMEOUT_SECONDS", "AsyncSessionStore"]

DEFAULT_TIMEOUT_SECONDS = 30.0


class AsyncSessionStore(AdminCalls):
    """A client of the daemon, for asyncio.

    Connects at the first call. Every unary call has the deadline `timeout_seconds`, and every stream of reads as long
    for all of it as `stream_timeout_seconds`; tails have none, they notice a dead server by its missing heartbeats.
    Whatever may be repeated safely is repeated when the server cannot be reached for a moment; the client chooses ids
    where the caller did not, so that writes may be.

    All methods raise the exceptions of `sessionstore.errors`. A call that is cancelled or runs into its deadline may
    have taken effect or not; the same call with the same ids settles it.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        stream_timeout_seconds: float | None = 600.0,
    ) -> None:
        """Args: `address` is `unix:PATH` or `HOST:PORT`; by default SESSIOND_ADDRESS, else the daemon's own default."""
        self.address = address or default_address()
        self._channel = open_channel(self.address)
        super().__init__(self._channel, timeout_seconds)
        self._stub: Any = SessionStoreServiceStub(self._channel)
        self._stream_timeout = stream_timeout_seconds

    async def __aenter__(self) -> Self:
        """Nothing happens before the first call."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the client."""
        await self.close()

    async def close(self) -> None:
        """Closes the connection; calls under way fail."""
        await self._channel.close()

    async def create_session(
        self, config: SessionConfig | None = None, *, session_id: str | None = None, request_id: str | None = None
    ) -> pb.CreateSessionResponse:
        """Creates a session; the server chooses the id when none is given."""
        if session_id is None and request_id is None:
            request_id = fresh_id()
        request = pb.CreateSessionRequest(config=config, session_id=session_id, request_id=request_id)
        return await self._unary(self._stub.CreateSession, request)

    async def get_session(self, session_id: str, *, omit_content: bool = False) -> Session:
        """A whole session, as one snapshot; without messages and tool calls when `omit_content` is set."""
        session = Session()
        request = pb.GetSessionRequest(session_id=session_id, omit_content=omit_content)
        async for fragment in self._stream(self._stub.GetSession, request):
            session.MergeFrom(fragment.session)
        return session

    async def update_session(self, session_id: str, update: pb.SessionUpdate) -> pb.UpdateSessionResponse:
        """Changes the configuration, status or approvals of a session."""
        request = pb.UpdateSessionRequest(session_id=session_id, update=update)
        return await self._unary(self._stub.UpdateSession, request)

    async def delete_session(self, session_id: str) -> pb.DeleteSessionResponse:
        """Removes a session and everything in it."""
        return await self._unary(self._stub.DeleteSession, pb.DeleteSessionRequest(session_id=session_id))

    async def list_sessions(
        self,
        *,
        filter: pb.SessionFilter | None = None,  # noqa: A002 - the name of the field
        order_by: pb.SessionOrder | None = None,
        ascending: bool = False,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int = 0,
    ) -> AsyncGenerator[SessionInfo, None]:
        """The sessions that match, over all pages."""
        request = pb.ListSessionsRequest(
            filter=filter, order_by=order_by, ascending=ascending, limit=limit, offset=offset, page_size=page_size
        )
        while True:
            response = await self.list_sessions_page(request)
            for session in response.sessions:
                yield session
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    async def list_sessions_page(self, request: pb.ListSessionsRequest) -> pb.ListSessionsResponse:
        """One page of sessions."""
        return await self._unary(self._stub.ListSessions, request)

    async def append_message(self, session_id: str, message: Message) -> pb.AppendMessageResponse:
        """Appends a message, whose id the caller chose."""
        request = pb.AppendMessageRequest(session_id=session_id, message=message)
        return await self._unary(self._stub.AppendMessage, request)

    async def get_messages(
        self, session_id: str, *, after_sequence: int | None = None, limit: int | None = None
    ) -> AsyncGenerator[StoredMessage, None]:
        """The messages of a session, in order."""
        request = pb.GetMessagesRequest(session_id=session_id, after_sequence=after_sequence, limit=limit)
        async for fragment in self._stream(self._stub.GetMessages, request):
            for message in fragment.messages:
                yield message

    async def list_messages_page(self, request: pb.ListMessagesRequest) -> pb.ListMessagesResponse:
        """One page of messages."""
        return await self._unary(self._stub.ListMessages, request)

    async def create_tool_call(self, session_id: str, tool_call: ToolCall) -> pb.CreateToolCallResponse:
        """Creates a tool call that waits for approval."""
        request = pb.CreateToolCallRequest(session_id=session_id, tool_call=tool_call)
        return await self._unary(self._stub.CreateToolCall, request)

    async def update_tool_call(self, session_id: str, update: pb.ToolCallUpdate) -> pb.UpdateToolCallResponse:
        """Changes a tool call."""
        request = pb.UpdateToolCallRequest(session_id=session_id, update=update)
        return await self._unary(self._stub.UpdateToolCall, request)

    async def get_pending_tool_calls(
        self, session_id: str, *, include_unfinished: bool = False
    ) -> AsyncGenerator[ToolCallState, None]:
        """The tool calls that wait for approval; with `include_unfinished` also those approved or executing."""
        request = pb.GetPendingToolCallsRequest(session_id=session_id, include_unfinished=include_unfinished)
        async for fragment in self._stream(self._stub.GetPendingToolCalls, request):
            for tool_call in fragment.tool_calls:
                yield tool_call

    async def append_event(
        self,
        session_id: str,
        event: Event,
        *,
        event_id: str | None = None,
        expected_last_sequence: int | None = None,
        expect_no_events: bool = False,
    ) -> pb.AppendEventResponse:
        """Appends an event; raises SequenceConflictError when the newest event is not the expected one."""
        request = pb.AppendEventRequest(
            session_id=session_id,
            event=event,
            event_id=fresh_id() if event_id is None else event_id,
            expected_last_sequence=expected_last_sequence,
            expect_no_events=expect_no_events or None,
        )
        return await self._unary(self._stub.AppendEvent, request)

    async def get_events(
        self,
        session_id: str,
        *,
        after_sequence: int | None = None,
        before_sequence: int | None = None,
        limit: int | None = None,
        types: Iterable[str] = (),
        descending: bool = False,
        skip_trimmed: bool = False,
    ) -> AsyncGenerator[StoredEvent, None]:
        """The stored events of a session, oldest or newest first."""
        request = pb.GetEventsRequest(
            session_id=session_id,
            after_sequence=after_sequence,
            before_sequence=before_sequence,
            limit=limit,
            types=types,
            descending=descending,
            skip_trimmed=skip_trimmed,
        )
        async for fragment in self._stream(self._stub.GetEvents, request):
            for event in fragment.events:
                yield event

    async def delete_events_before(self, session_id: str, before_sequence: int) -> pb.DeleteEventsBeforeResponse:
        """Deletes the events before a sequence."""
        request = pb.DeleteEventsBeforeRequest(session_id=session_id, before_sequence=before_sequence)
        return await self._unary(self._stub.DeleteEventsBefore, request)

    async def update_active_message_id(
        self, session_id: str, message_id: str | None
    ) -> pb.UpdateActiveMessageIdResponse:
        """Sets the message that heads the selected branch, or clears it."""
        request = pb.UpdateActiveMessageIdRequest(session_id=session_id, message_id=message_id)
        return await self._unary(self._stub.UpdateActiveMessageId, request)

    async def commit(
        self,
        session_id: str,
        mutations: Iterable[pb.Mutation],
        *,
        expected_last_sequence: int | None = None,
        expect_no_events: bool = False,
    ) -> pb.CommitResponse:
        """Applies mutations all at once or not at all."""
        request = pb.CommitRequest(
            session_id=session_id,
            mutations=named_events(mutations),
            expected_last_sequence=expected_last_sequence,
            expect_no_events=expect_no_events or None,
        )
        return await self._unary(self._stub.Commit, request)

    async def write(
        self, commits: AsyncIterable[pb.CommitRequest] | Iterable[pb.CommitRequest]
    ) -> AsyncGenerator[pb.CommitOutcome, None]:
        """Applies many commits without waiting for each answer, and yields their outcomes in order.

        A commit that is refused does not stop the others; `error_from_status` makes an exception of its error. When the
        stream breaks it is opened again, and what has no outcome is sent again with the same ids; after
        `timeout_seconds` without a server that raises ServerUnavailableError.
        """
        pipeline = WritePipeline(self._stub.Write, commits, give_up_after_seconds=self._timeout)
        async with aclosing(pipeline.outcomes()) as outcomes:
            async for outcome in outcomes:
                yield outcome

    def tail(
        self,
        session_id: str,
        *,
        after_sequence: int | None = None,
        from_now: bool = False,
        types: Iterable[str] = (),
        skip_trimmed: bool = False,
        follow: bool = True,
        heartbeat_interval_seconds: int = 0,
        give_up_after_seconds: float | None = None,
    ) -> Tail:
        """The events of a session, from the beginning, after a sequence, or from now on; see Tail."""
        request = pb.TailEventsRequest(
            session_id=session_id,
            types=types,
            skip_trimmed=skip_trimmed,
            no_follow=not follow,
            heartbeat_interval_seconds=heartbeat_interval_seconds,
        )
        if after_sequence is not None:
            request.after_sequence = after_sequence
        elif from_now:
            request.from_now = True
        return Tail(self._stub.TailEvents, request, give_up_after_seconds=give_up_after_seconds)

    async def _stream(self, method: Any, request: Any) -> AsyncGenerator[Any, None]:
        with translated():
            call = method(request, timeout=self._stream_timeout)
            try:
                async for fragment in call:
                    yield fragment
            finally:
                call.cancel()
