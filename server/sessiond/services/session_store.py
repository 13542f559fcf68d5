"""The calls that mirror the store trait, the commits and the tails."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from sessiond.access.rights import Right
from sessiond.call_counts import CallCounts
from sessiond.contract.limits import Limits
from sessiond.contract.requests import check_request
from sessiond.contract.secrets import redact
from sessiond.draining import Draining
from sessiond.interceptors.access import current_caller
from sessiond.services.single_mutations import SingleMutations
from sessiond.services.tail_places import TailPlaces
from sessiond.services.write_stream import WriteStream
from sessiond.store.protocol import Store
from sessiond.tailing import Tail
from sessiond.turns import LARGE_BYTES, Turns
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1 import session_store_service_pb2_grpc as pb_grpc

__all__ = ["SessionStoreService"]

Context = grpc.aio.ServicerContext[Any, Any]
RequestT = TypeVar("RequestT", bound=Message)
AnswerT = TypeVar("AnswerT")


class SessionStoreService(SingleMutations, pb_grpc.SessionStoreServiceServicer):
    """See SessionStoreService in the protos for what each call promises."""

    def __init__(self, store: Store, limits: Limits, draining: Draining, counts: CallCounts, turns: Turns) -> None:
        super().__init__(store, limits)
        self._counts = counts
        self._draining = draining
        self._turns = turns
        self._tail_places = TailPlaces(limits.max_tails_per_client)

    async def CreateSession(  # noqa: N802, D102
        self, request: pb.CreateSessionRequest, context: Context
    ) -> pb.CreateSessionResponse:
        check_request(request, self._limits)
        response = await self._store.create_session(request)
        redact(response.session.config)
        return response

    async def GetSession(  # noqa: N802, D102
        self, request: pb.GetSessionRequest, context: Context
    ) -> AsyncIterator[pb.GetSessionResponse]:
        if request.include_secrets:
            current_caller().require(Right.WRITE, "include_secrets")
        async with aclosing(self._fragments(request, self._store.get_session)) as fragments:
            async for fragment in fragments:
                if not request.include_secrets and fragment.session.HasField("config"):
                    redact(fragment.session.config)
                yield fragment

    async def DeleteSession(  # noqa: N802, D102
        self, request: pb.DeleteSessionRequest, context: Context
    ) -> pb.DeleteSessionResponse:
        check_request(request, self._limits)
        return await self._store.delete_session(request)

    async def ListSessions(  # noqa: N802, D102
        self, request: pb.ListSessionsRequest, context: Context
    ) -> pb.ListSessionsResponse:
        check_request(request, self._limits)
        return await self._store.list_sessions(request)

    def GetMessages(  # noqa: N802, D102
        self, request: pb.GetMessagesRequest, context: Context
    ) -> AsyncIterator[pb.GetMessagesResponse]:
        return self._fragments(request, self._store.get_messages)

    async def ListMessages(  # noqa: N802, D102
        self, request: pb.ListMessagesRequest, context: Context
    ) -> pb.ListMessagesResponse:
        check_request(request, self._limits)
        return await self._store.list_messages(request)

    def GetPendingToolCalls(  # noqa: N802, D102
        self, request: pb.GetPendingToolCallsRequest, context: Context
    ) -> AsyncIterator[pb.GetPendingToolCallsResponse]:
        return self._fragments(request, self._store.get_pending_tool_calls)

    def GetEvents(  # noqa: N802, D102
        self, request: pb.GetEventsRequest, context: Context
    ) -> AsyncIterator[bytes]:
        return self._fragments(request, self._store.get_events)

    async def DeleteEventsBefore(  # noqa: N802, D102
        self, request: pb.DeleteEventsBeforeRequest, context: Context
    ) -> pb.DeleteEventsBeforeResponse:
        check_request(request, self._limits)
        return await self._store.delete_events_before(request)

    def _fragments(
        self, request: RequestT, read: Callable[[RequestT], AsyncGenerator[AnswerT, None]]
    ) -> AsyncGenerator[AnswerT, None]:
        check_request(request, self._limits)
        return self._by_turns(read(request))

    async def _by_turns(self, fragments: AsyncGenerator[AnswerT, None]) -> AsyncGenerator[AnswerT, None]:
        async with aclosing(fragments):
            with self._turns.small():
                first = await anext(fragments, None)
            if first is None:
                return
            if isinstance(first, bytes) and len(first) > LARGE_BYTES:
                await self._turns.take()
            yield first
            async for fragment in fragments:
                await self._turns.take()
                yield fragment

    def Write(  # noqa: N802, D102
        self, request_iterator: AsyncIterator[pb.WriteRequest], context: Context
    ) -> AsyncIterator[pb.WriteResponse]:
        return WriteStream(self._store, self._limits, self._draining, self._turns).responses(request_iterator)

    def TailEvents(  # noqa: N802, D102
        self, request: pb.TailEventsRequest, context: Context
    ) -> AsyncIterator[bytes]:
        check_request(request, self._limits)
        place = self._tail_places.place(current_caller().client)
        return Tail(self._store, request, self._draining, place, self._counts, self._turns).frames()
