"""The calls that look after a store, and the question whether it serves."""

from collections.abc import AsyncGenerator
from typing import Any

from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

from sessionstore.authorized_channel import AuthorizedChannel
from sessionstore.items import Items
from sessionstore.loop_channel import LoopChannel
from sessionstore.repeating import Repeating
from sessionstore.v1 import admin_service_pb2 as pb
from sessionstore.v1.admin_service_pb2_grpc import AdminServiceStub

__all__ = ["AdminCalls"]

_SERVING = 1


class AdminCalls:
    """The part of the client that looks after the store."""

    def __init__(self, channel: LoopChannel | AuthorizedChannel, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._repeating = Repeating()
        self._admin: Any = AdminServiceStub(channel)
        self._health: Any = HealthStub(channel)  # type: ignore[arg-type]  # it asks for no more than we have

    async def ping(self) -> bool:
        """Whether the server says that it serves. Raises ServerUnavailableError when it does not answer.

        Who asks wants to know how it is now: this call is made once. A server that came back may be missed for up to
        two seconds, in which gRPC does not connect again.
        """
        response = await self._once(self._health.Check, HealthCheckRequest())
        return bool(response.status == _SERVING)

    async def get_server_info(self) -> pb.GetServerInfoResponse:
        """Which server this is, which store it serves, and its limits."""
        return await self._unary(self._admin.GetServerInfo, pb.GetServerInfoRequest())

    async def get_server_metrics(self) -> pb.GetServerMetricsResponse:
        """What the server is doing, has in use, and did since it started; needs the right of an administrator."""
        return await self._unary(self._admin.GetServerMetrics, pb.GetServerMetricsRequest())

    async def archive_session(self, session_id: str) -> pb.ArchiveSessionResponse:
        """Takes a session out of the live store and keeps it whole."""
        return await self._unary(self._admin.ArchiveSession, pb.ArchiveSessionRequest(session_id=session_id))

    async def restore_session(self, session_id: str) -> pb.RestoreSessionResponse:
        """Puts an archived session back."""
        return await self._once(self._admin.RestoreSession, pb.RestoreSessionRequest(session_id=session_id))

    def list_archives(self, *, page_size: int = 0) -> Items[pb.ArchiveInfo]:
        """The archived sessions, newest archive first, over all pages."""
        request = pb.ListArchivesRequest(page_size=page_size)
        return Items(self._pages(self._admin.ListArchives, request, "archives"))

    async def delete_archive(self, session_id: str) -> pb.DeleteArchiveResponse:
        """Removes an archived session and everything in it."""
        return await self._once(self._admin.DeleteArchive, pb.DeleteArchiveRequest(session_id=session_id))

    async def _unary(self, method: Any, request: Any) -> Any:
        """For what may be repeated: reads, writes with ids, and updates that write the same values again."""
        return await self._repeating.repeat(lambda seconds: method(request, timeout=seconds), self._timeout)

    async def _once(self, method: Any, request: Any) -> Any:
        """For the others: a repeat would be answered NOT_FOUND for what the first try had done."""
        return await self._repeating.once(lambda seconds: method(request, timeout=seconds), self._timeout)

    async def _pages(self, method: Any, request: Any, field: str) -> AsyncGenerator[Any, None]:
        while True:
            response = await self._unary(method, request)
            yield getattr(response, field)
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token
