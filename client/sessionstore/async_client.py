"""The client for asyncio."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self

import grpc

from sessionstore.address import default_address
from sessionstore.admin import AdminCalls
from sessionstore.arguments import check_timeout, checked_types, expectation_of
from sessionstore.channel import client_channel, translated
from sessionstore.credentials import Credentials
from sessionstore.errors import DeadlineExceededError
from sessionstore.identifiers import fresh_id
from sessionstore.items import Items
from sessionstore.reopening import Reopening
from sessionstore.single_writes import SingleWrites
from sessionstore.tailing import Tail
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import Event, StoredEvent
from sessionstore.v1.message_pb2 import Message, StoredMessage
from sessionstore.v1.session_pb2 import Session, SessionConfig, SessionInfo
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from sessionstore.v1.tool_pb2 import ToolCall, ToolCallState
from sessionstore.writing import WritePipeline, name_events

__all__ = ["DEFAULT_TIMEOUT_SECONDS", "AsyncSessionStore"]

DEFAULT_TIMEOUT_SECONDS = 30.0


class AsyncSessionStore(AdminCalls):
    """A client of the daemon, for asyncio.

    Connects at the first call, and lives on the event loop of that; it may be made before, also where none runs. In a
    process that was forked, a client from before the fork, and each client where one had connected by then, says that
    it cannot be used.

    Every call but the streams has the deadline `timeout_seconds`, and so has every fragment of a streamed read; the
    time that the caller takes between fragments does not count. Tails have none, they notice a dead server by its
    missing heartbeats. Whatever may be repeated safely is repeated while the server cannot be reached, until the
    deadline if it has answered this client before, and else for a few tries; the client chooses ids where the caller
    did not, so that writes may be. Made once are `ping`, `delete_session`, `restore_session` and `delete_archive`, and
    a streamed read that has begun.

    Writes made at the same time, from many tasks, travel together over one stream. Each has an answer of its own, and
    is harmed by no other; which of them is applied first is not promised.

    All methods raise the exceptions of `sessionstore.errors`. A call that is cancelled or runs into its deadline may
    have taken effect or not; the same call with the same ids settles it. A value that the protocol has no room for,
    such as a negative sequence, is a ValueError, and nothing is sent.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        credentials: Credentials | None = None,
    ) -> None:
        """Makes a client. Raises ValueError for an address, a timeout or credentials that cannot be.

        Args:
            address: `unix:PATH`, `HOST:PORT` or `tls:HOST:PORT`; by default SESSIOND_ADDRESS, else the daemon's own
                default.
            timeout_seconds: The deadline of a call with all its tries, more than 0 and at most 10^9.
            credentials: What to show; by default what `Credentials.from_environment` finds.
        """
        check_timeout(timeout_seconds)
        self.address = address or default_address()
        credentials = credentials or Credentials.from_environment(self.address)
        self._renews_token = credentials.renews_token
        self._channel = client_channel(self.address, credentials)
        super().__init__(self._channel, timeout_seconds)
        self._stub: Any = SessionStoreServiceStub(self._channel)
        self._writes = SingleWrites(self._stub, self._repeating, timeout_seconds=timeout_seconds)

    async def __aenter__(self) -> Self:
        """Nothing happens before the first call."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the client."""
        await self.close()

    async def close(self) -> None:
        """Closes the connection. Calls under way are cancelled, as gRPC does it: their tasks get CancelledError.

        May be called again, and where the event loop of the first call is over. In a process that was forked nothing
        is done, since all of it is the parent's.
        """
        is_open = self._channel.is_open_here()
        self._repeating.stop()
        if is_open:
            self._repeating.cancel()
            await self._writes.close()
        await self._channel.close()

    async def create_session(
        self, config: SessionConfig | None = None, *, session_id: str | None = None, request_id: str | None = None
    ) -> pb.CreateSessionResponse:
        """Creates a session; the server chooses the id when none is given."""
        if session_id is None and request_id is None:
            request_id = fresh_id()
        request = pb.CreateSessionRequest(config=config, session_id=session_id, request_id=request_id)
        return await self._unary(self._stub.CreateSession, request)

    async def get_session(
        self, session_id: str, *, omit_content: bool = False, include_secrets: bool = False
    ) -> Session:
        """A whole session, as one snapshot; without messages and tool calls when `omit_content` is set.

        The credentials in its configuration are redacted unless `include_secrets` is set, which needs the right to
        write.
        """
        session = Session()
        request = pb.GetSessionRequest(
            session_id=session_id, omit_content=omit_content, include_secrets=include_secrets
        )
        async with aclosing(self._fragments(self._stub.GetSession, request, "session")) as fragments:
            async for fragment in fragments:
                session.MergeFrom(fragment)
        return session

    async def update_session(self, session_id: str, update: pb.SessionUpdate) -> pb.UpdateSessionResponse:
        """Changes the configuration, status or approvals of a session."""
        return await self._writes.mutate(
            pb.CommitRequest(session_id=session_id, mutations=[pb.Mutation(update_session=update)]),
            self._stub.UpdateSession,
            lambda sent: pb.UpdateSessionRequest(session_id=session_id, update=sent.update_session),
        )

    async def delete_session(self, session_id: str) -> pb.DeleteSessionResponse:
        """Removes a session and everything in it."""
        return await self._once(self._stub.DeleteSession, pb.DeleteSessionRequest(session_id=session_id))

    def list_sessions(
        self,
        *,
        filter: pb.SessionFilter | None = None,  # noqa: A002 - the name of the field
        order_by: pb.SessionOrder | None = None,
        ascending: bool = False,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int = 0,
    ) -> Items[SessionInfo]:
        """The sessions that match, over all pages."""
        request = pb.ListSessionsRequest(
            filter=filter, order_by=order_by, ascending=ascending, limit=limit, offset=offset, page_size=page_size
        )
        return Items(self._pages(self._stub.ListSessions, request, "sessions"))

    async def list_sessions_page(self, request: pb.ListSessionsRequest) -> pb.ListSessionsResponse:
        """One page of sessions."""
        return await self._unary(self._stub.ListSessions, request)

    async def append_message(self, session_id: str, message: Message) -> pb.AppendMessageResponse:
        """Appends a message, whose id the caller chose."""
        return await self._writes.mutate(
            pb.CommitRequest(session_id=session_id, mutations=[pb.Mutation(append_message=message)]),
            self._stub.AppendMessage,
            lambda sent: pb.AppendMessageRequest(session_id=session_id, message=sent.append_message),
        )

    def get_messages(
        self, session_id: str, *, after_sequence: int | None = None, limit: int | None = None
    ) -> Items[StoredMessage]:
        """The messages of a session, in order."""
        request = pb.GetMessagesRequest(session_id=session_id, after_sequence=after_sequence, limit=limit)
        return Items(self._fragments(self._stub.GetMessages, request, "messages"))

    async def list_messages_page(self, request: pb.ListMessagesRequest) -> pb.ListMessagesResponse:
        """One page of messages."""
        return await self._unary(self._stub.ListMessages, request)

    async def create_tool_call(self, session_id: str, tool_call: ToolCall) -> pb.CreateToolCallResponse:
        """Creates a tool call that waits for approval."""
        return await self._writes.mutate(
            pb.CommitRequest(session_id=session_id, mutations=[pb.Mutation(create_tool_call=tool_call)]),
            self._stub.CreateToolCall,
            lambda sent: pb.CreateToolCallRequest(session_id=session_id, tool_call=sent.create_tool_call),
        )

    async def update_tool_call(self, session_id: str, update: pb.ToolCallUpdate) -> pb.UpdateToolCallResponse:
        """Changes a tool call."""
        return await self._writes.mutate(
            pb.CommitRequest(session_id=session_id, mutations=[pb.Mutation(update_tool_call=update)]),
            self._stub.UpdateToolCall,
            lambda sent: pb.UpdateToolCallRequest(session_id=session_id, update=sent.update_tool_call),
        )

    def get_pending_tool_calls(self, session_id: str, *, include_unfinished: bool = False) -> Items[ToolCallState]:
        """The tool calls that wait for approval; with `include_unfinished` also those approved or executing."""
        request = pb.GetPendingToolCallsRequest(session_id=session_id, include_unfinished=include_unfinished)
        return Items(self._fragments(self._stub.GetPendingToolCalls, request, "tool_calls"))

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
        expectation = expectation_of(expected_last_sequence, expect_no_events=expect_no_events)
        if event_id is None:
            event_id = fresh_id()
        commit = pb.CommitRequest(session_id=session_id, **expectation)
        # Filled in where it belongs: each message that is given to the constructor of another is copied once more.
        append = commit.mutations.add().append_event
        append.event.CopyFrom(event)
        append.event_id = event_id
        return await self._writes.mutate(
            commit,
            self._stub.AppendEvent,
            lambda sent: pb.AppendEventRequest(
                session_id=session_id, event=sent.append_event.event, event_id=event_id, **expectation
            ),
        )

    def get_events(
        self,
        session_id: str,
        *,
        after_sequence: int | None = None,
        before_sequence: int | None = None,
        limit: int | None = None,
        types: Iterable[str] = (),
        descending: bool = False,
        skip_trimmed: bool = False,
    ) -> Items[StoredEvent]:
        """The stored events of a session, oldest or newest first."""
        request = pb.GetEventsRequest(
            session_id=session_id,
            after_sequence=after_sequence,
            before_sequence=before_sequence,
            limit=limit,
            types=checked_types(types),
            descending=descending,
            skip_trimmed=skip_trimmed,
        )
        return Items(self._fragments(self._stub.GetEvents, request, "events"))

    async def delete_events_before(self, session_id: str, before_sequence: int) -> pb.DeleteEventsBeforeResponse:
        """Deletes the events before a sequence."""
        request = pb.DeleteEventsBeforeRequest(session_id=session_id, before_sequence=before_sequence)
        return await self._unary(self._stub.DeleteEventsBefore, request)

    async def update_active_message_id(
        self, session_id: str, message_id: str | None
    ) -> pb.UpdateActiveMessageIdResponse:
        """Sets the message that heads the selected branch, or clears it."""
        mutation = pb.Mutation(set_active_message=pb.ActiveMessageUpdate(message_id=message_id))
        return await self._writes.mutate(
            pb.CommitRequest(session_id=session_id, mutations=[mutation]),
            self._stub.UpdateActiveMessageId,
            lambda _: pb.UpdateActiveMessageIdRequest(session_id=session_id, message_id=message_id),
        )

    async def commit(
        self,
        session_id: str,
        mutations: Iterable[pb.Mutation],
        *,
        expected_last_sequence: int | None = None,
        expect_no_events: bool = False,
    ) -> pb.CommitResponse:
        """Applies mutations all at once or not at all.

        Raises SequenceConflictError when the newest event is not the expected one. Events without an id get one, so
        that the commit can be repeated; the mutations of the caller stay as they are.
        """
        expectation = expectation_of(expected_last_sequence, expect_no_events=expect_no_events)
        request = pb.CommitRequest(session_id=session_id, mutations=mutations, **expectation)  # copies the mutations
        name_events(request.mutations)
        return await self._writes.commit(request)

    def write(self, commits: AsyncIterable[pb.CommitRequest] | Iterable[pb.CommitRequest]) -> Items[pb.CommitOutcome]:
        """Applies many commits without waiting for each answer, and yields their outcomes in order.

        A commit that is refused does not stop the others; `error_from_status` makes an exception of its error. When the
        stream breaks it is opened again, and what has no outcome is sent again with the same ids; after
        `timeout_seconds` without a server that raises ServerUnavailableError, and after as long without an outcome
        DeadlineExceededError. The commits are taken as they come, up to a bounded number and size ahead of the
        outcomes; an iterable that is not asynchronous must not block.
        """
        reopening = Reopening(self._timeout, self._repeating, renews_token=self._renews_token)
        pipeline = WritePipeline(self._stub.Write, commits, reopening, timeout_seconds=self._timeout)
        return Items(pipeline.outcomes())

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
            types=checked_types(types),
            skip_trimmed=skip_trimmed,
            no_follow=not follow,
            heartbeat_interval_seconds=heartbeat_interval_seconds,
        )
        if after_sequence is not None and from_now:
            raise ValueError("a tail starts after_sequence or from_now, not both")
        if after_sequence is not None:
            request.after_sequence = after_sequence
        elif from_now:
            request.from_now = True
        reopening = Reopening(give_up_after_seconds, self._repeating, renews_token=self._renews_token)
        return Tail(self._stub.TailEvents, request, reopening)

    async def _fragments(self, method: Any, request: Any, field: str) -> AsyncGenerator[Any, None]:
        call: Any = None

        async def begin(_: float) -> Any:
            # No deadline of gRPC's own: it would also count the time in which the caller looks at what it got.
            nonlocal call
            call = method(request)
            return await call.read()

        try:
            with translated():
                # What has begun is not repeated: the caller has seen some of it.
                fragment = await self._repeating.repeat(begin, self._timeout)
                while fragment is not grpc.aio.EOF:
                    yield getattr(fragment, field)
                    fragment = await self._next_fragment(call)
        finally:
            if call is not None:
                call.cancel()

    async def _next_fragment(self, call: Any) -> Any:
        try:
            async with asyncio.timeout(self._timeout):
                return await call.read()
        except TimeoutError as error:
            raise DeadlineExceededError(
                f"the server sent nothing for {self._timeout:g} seconds", code=grpc.StatusCode.DEADLINE_EXCEEDED
            ) from error
