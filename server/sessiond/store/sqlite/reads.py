"""The reads whose size the store does not bound, as streams of fragments.

Each fragment is one short piece of work on a reader; nothing is held in the database while a client takes it.
"""

from collections.abc import AsyncGenerator
from pathlib import Path

from sessiond.contract.encoded_events import encode_events
from sessiond.contract.limits import DEFAULT_PAGE_SIZE, MAX_SEQUENCE
from sessiond.store.sqlite.connection import ReaderPool
from sessiond.store.sqlite.event_walks import EventWalk
from sessiond.store.sqlite.message_reads import message_bounds, read_messages
from sessiond.store.sqlite.page_tokens import decode_token, encode_token, not_answered
from sessiond.store.sqlite.session_reads import SessionSnapshot, read_session
from sessiond.store.sqlite.tool_call_reads import read_pending_tool_calls
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.message_pb2 import StoredMessage
from sessionstore.v1.session_pb2 import Session, SessionState

__all__ = ["StreamingReads"]


class StreamingReads:
    """The reading half of the engine."""

    def __init__(self, readers: ReaderPool, *, temporary: Path) -> None:
        self._readers = readers
        self._temporary = temporary
        """A folder for what has to be set aside while it is answered."""

    async def get_session(self, request: pb.GetSessionRequest) -> AsyncGenerator[pb.GetSessionResponse, None]:
        """See Store."""
        snapshot = await self._readers.run(
            lambda connection: read_session(
                connection, request.session_id, self._temporary, omit_content=request.omit_content
            ),
            SessionSnapshot.close,
            long=True,
        )
        try:
            yield pb.GetSessionResponse(session=snapshot.header)
            for fragment in snapshot.approval_fragments():
                yield pb.GetSessionResponse(session=fragment)
            if request.omit_content:
                return
            pages = self._messages(
                request.session_id, snapshot.session_key, after=-1, before=snapshot.next_message, limit=None
            )
            async for messages in pages:
                yield pb.GetSessionResponse(session=Session(state=SessionState(messages=messages)))
            for fragment in snapshot.tool_call_fragments():
                yield pb.GetSessionResponse(session=fragment)
        finally:
            snapshot.close()

    async def get_messages(self, request: pb.GetMessagesRequest) -> AsyncGenerator[pb.GetMessagesResponse, None]:
        """See Store."""
        session_key, before = await self._readers.run(lambda connection: message_bounds(connection, request.session_id))
        after = request.after_sequence if request.HasField("after_sequence") else -1
        limit = request.limit if request.HasField("limit") else None
        async for messages in self._messages(request.session_id, session_key, after=after, before=before, limit=limit):
            yield pb.GetMessagesResponse(messages=messages)

    async def list_messages(self, request: pb.ListMessagesRequest) -> pb.ListMessagesResponse:
        """See Store."""
        begun = decode_token(request, request.page_token, 2) if request.page_token else None
        session_key, before = await self._readers.run(lambda connection: message_bounds(connection, request.session_id))
        # Another session may have the id by now, and its messages are not the rest of those of the first.
        if begun is not None and not (begun[0] == session_key and 0 <= begun[1] < before):
            raise not_answered()
        after = -1 if begun is None else begun[1]
        limit = request.page_size or DEFAULT_PAGE_SIZE
        response = pb.ListMessagesResponse()
        async for messages in self._messages(request.session_id, session_key, after=after, before=before, limit=limit):
            response.messages.extend(messages)
            break
        if response.messages and response.messages[-1].sequence + 1 < before:
            response.next_page_token = encode_token(request, session_key, response.messages[-1].sequence)
        return response

    async def _messages(
        self, session_id: str, session_key: int, *, after: int, before: int, limit: int | None
    ) -> AsyncGenerator[list[StoredMessage], None]:
        cursor = after
        remaining = MAX_SEQUENCE if limit is None else limit
        while remaining and cursor + 1 < before:
            page = await self._readers.run(
                lambda connection, cursor=cursor, remaining=remaining: read_messages(  # type: ignore[misc]
                    connection, session_id, session_key, after=cursor, before=before, limit=remaining
                ),
                long=True,
            )
            if not page:
                return
            yield page
            cursor = page[-1].sequence
            remaining -= len(page)

    async def get_pending_tool_calls(
        self, request: pb.GetPendingToolCallsRequest
    ) -> AsyncGenerator[pb.GetPendingToolCallsResponse, None]:
        """See Store."""
        session_key, _ = await self._readers.run(lambda connection: message_bounds(connection, request.session_id))
        after_key = 0
        while True:
            page, after_key = await self._readers.run(
                lambda connection, after_key=after_key: read_pending_tool_calls(  # type: ignore[misc]
                    connection,
                    request.session_id,
                    session_key,
                    after_key=after_key,
                    include_unfinished=request.include_unfinished,
                ),
                long=True,
            )
            if not page:
                return
            yield pb.GetPendingToolCallsResponse(tool_calls=page)

    async def get_events(self, request: pb.GetEventsRequest) -> AsyncGenerator[bytes, None]:
        """See Store."""
        walk = EventWalk.of(request)
        remaining = request.limit if request.HasField("limit") else MAX_SEQUENCE
        while not walk.is_over:
            taken = (await self._readers.run(walk.next_fragment, long=walk.is_long))[:remaining]
            remaining -= len(taken)
            if taken:
                yield encode_events(taken)
            if not remaining:
                return
