"""A server whose answers a test writes, for what a daemon does not do on demand."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import (
    SessionStoreServiceServicer,
    add_SessionStoreServiceServicer_to_server,
)

__all__ = ["ScriptedServer"]

WriteScript = Callable[[AsyncIterator[pb.WriteRequest], Any], AsyncIterator[pb.WriteResponse]]
AppendScript = Callable[[pb.AppendEventRequest], Awaitable[pb.AppendEventResponse]]


class ScriptedServer(SessionStoreServiceServicer):
    """Write and AppendEvent as the test has them; `calls` names those that came, in order."""

    def __init__(self, write: WriteScript, append_event: AppendScript | None = None) -> None:
        self._write = write
        self._append_event = append_event
        self.calls: list[str] = []

    async def Write(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.WriteRequest], context: Any
    ) -> AsyncIterator[pb.WriteResponse]:
        self.calls.append("Write")
        async for response in self._write(request_iterator, context):
            yield response

    async def AppendEvent(  # noqa: N802
        self, request: pb.AppendEventRequest, context: Any
    ) -> pb.AppendEventResponse:
        self.calls.append("AppendEvent")
        if self._append_event is None:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "nothing was to come by this call")
        assert self._append_event is not None
        return await self._append_event(request)

    @asynccontextmanager
    async def serving(self, folder: Path) -> AsyncIterator[str]:
        """Serves, and tells the address."""
        address = f"unix:{folder / 'scripted.sock'}"
        server = grpc.aio.server()
        add_SessionStoreServiceServicer_to_server(self, server)
        server.add_insecure_port(address)
        await server.start()
        try:
            yield address
        finally:
            await server.stop(None)
