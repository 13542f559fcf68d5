"""A client by the generated stubs alone, which repeats nothing by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from sessionstore.v1.tool_pb2 import ToolCall
from tests.builders import append, collect, commit, part

__all__ = ["Caller", "caller"]

WAIT_SECONDS = 30

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Caller:
    """Calls a daemon, and tells refusals as text."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.stub: Any = SessionStoreServiceStub(channel)
        self._health: Any = health_pb2_grpc.HealthStub(channel)

    async def refusal(self, call: Any) -> str:
        """The status and the reason of a call that must fail."""
        try:
            await call
        except grpc.aio.AioRpcError as error:
            details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
            info = ErrorInfo()
            next(detail for detail in Status.FromString(details).details if detail.Is(info.DESCRIPTOR)).Unpack(info)
            return f"{error.code().name} {info.reason}"
        return "nothing"

    async def create(self, session_id: str) -> None:
        """Creates a session."""
        await self.stub.CreateSession(pb.CreateSessionRequest(session_id=session_id))

    async def append(self, session_id: str, event_id: str, text: str = "x") -> int:
        """Appends an event and returns its sequence."""
        response = await self.stub.Commit(commit(session_id, append(part(text), event_id)))
        return int(response.results[0].append_event.sequence)

    async def delete(self, session_id: str) -> None:
        """Deletes a session."""
        await self.stub.DeleteSession(pb.DeleteSessionRequest(session_id=session_id))

    async def trim(self, session_id: str, before: int) -> None:
        """Deletes the events before a sequence."""
        await self.stub.DeleteEventsBefore(pb.DeleteEventsBeforeRequest(session_id=session_id, before_sequence=before))

    async def event_ids(self, session_id: str) -> list[str]:
        """The ids of all events of a session."""
        events = await collect(self.stub.GetEvents(pb.GetEventsRequest(session_id=session_id)), "events")
        return [event.event_id for event in events]

    async def create_tool_call(self, session_id: str, call_id: str, size: int) -> None:
        """Creates a tool call of so many bytes."""
        call = ToolCall(id=call_id, name="n", parameters_json=f'"{"x" * size}"')
        await self.stub.CreateToolCall(pb.CreateToolCallRequest(session_id=session_id, tool_call=call))

    async def tool_call_ids(self, session_id: str) -> list[str]:
        """The ids of all tool calls of a session, which is read whole."""
        sessions = self.stub.GetSession(pb.GetSessionRequest(session_id=session_id))
        return [state.tool_call.id async for part in sessions for state in part.session.state.tool_calls]

    async def fill(self, session_id: str, text: str) -> list[str]:
        """Appends a text until there is no room for it; returns the ids that were acknowledged."""
        acknowledged: list[str] = []
        while True:
            name = f"{session_id}-{len(text)}-{len(acknowledged)}"
            refused = await self.refusal(self.append(session_id, name, text))
            if refused == "RESOURCE_EXHAUSTED STORAGE_FULL":
                return acknowledged
            if refused != "nothing":
                raise AssertionError(refused)
            acknowledged.append(name)

    async def wait_for_health(self, *, serving: bool) -> None:
        """Waits until the daemon says that it serves, or that it does not."""
        async with asyncio.timeout(WAIT_SECONDS):
            async for response in self._health.Watch(health_pb2.HealthCheckRequest()):
                if response.status == (SERVING if serving else NOT_SERVING):
                    return


@asynccontextmanager
async def caller(address: str) -> AsyncIterator[Caller]:
    """A client that is connected."""
    async with grpc.aio.insecure_channel(address) as channel:
        yield Caller(channel)
