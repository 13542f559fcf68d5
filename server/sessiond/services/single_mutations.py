"""The unary writes: each does what a commit of one mutation would."""

from typing import Any

import grpc

from sessiond.contract.limits import Limits
from sessiond.contract.requests import check_request
from sessiond.store.protocol import Store
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["SingleMutations"]

Context = grpc.aio.ServicerContext[Any, Any]


class SingleMutations:
    """The part of the service that changes sessions."""

    def __init__(self, store: Store, limits: Limits) -> None:
        self._store = store
        self._limits = limits

    async def Commit(  # noqa: N802, D102
        self, request: pb.CommitRequest, context: Context
    ) -> pb.CommitResponse:
        check_request(request, self._limits)
        return await self._store.submit(request)

    async def UpdateSession(  # noqa: N802, D102
        self, request: pb.UpdateSessionRequest, context: Context
    ) -> pb.UpdateSessionResponse:
        check_request(request, self._limits)
        result = await self._mutate(request.session_id, pb.Mutation(update_session=request.update))
        return result.update_session

    async def AppendMessage(  # noqa: N802, D102
        self, request: pb.AppendMessageRequest, context: Context
    ) -> pb.AppendMessageResponse:
        check_request(request, self._limits)
        result = await self._mutate(request.session_id, pb.Mutation(append_message=request.message))
        return result.append_message

    async def CreateToolCall(  # noqa: N802, D102
        self, request: pb.CreateToolCallRequest, context: Context
    ) -> pb.CreateToolCallResponse:
        check_request(request, self._limits)
        result = await self._mutate(request.session_id, pb.Mutation(create_tool_call=request.tool_call))
        return result.create_tool_call

    async def UpdateToolCall(  # noqa: N802, D102
        self, request: pb.UpdateToolCallRequest, context: Context
    ) -> pb.UpdateToolCallResponse:
        check_request(request, self._limits)
        result = await self._mutate(request.session_id, pb.Mutation(update_tool_call=request.update))
        return result.update_tool_call

    async def UpdateActiveMessageId(  # noqa: N802, D102
        self, request: pb.UpdateActiveMessageIdRequest, context: Context
    ) -> pb.UpdateActiveMessageIdResponse:
        check_request(request, self._limits)
        update = pb.ActiveMessageUpdate(message_id=request.message_id if request.HasField("message_id") else None)
        result = await self._mutate(request.session_id, pb.Mutation(set_active_message=update))
        return result.set_active_message

    async def AppendEvent(  # noqa: N802, D102
        self, request: pb.AppendEventRequest, context: Context
    ) -> pb.AppendEventResponse:
        check_request(request, self._limits)
        return await self._store.append_event(request)

    async def _mutate(self, session_id: str, mutation: pb.Mutation) -> pb.MutationResult:
        response = await self._store.submit(pb.CommitRequest(session_id=session_id, mutations=[mutation]))
        return response.results[0]
