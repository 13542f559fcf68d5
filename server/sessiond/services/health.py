"""The health that the daemon tells: it serves as long as it takes writes.

Source: the gRPC health checking protocol, grpc.health.v1.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Literal

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from sessiond.store.errors import DrainingError
from sessiond.store.protocol import Store

__all__ = ["StoreHealth"]

_MESSAGES: Any = health_pb2  # of which the types that are published lack some
_SERVING, _NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
_SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class _Health(health_pb2_grpc.HealthServicer):
    """Tells the status of services.

    That of the library holds a lock while it writes to one who watches, so that one who takes nothing keeps all others
    from being told, and the server from stopping; and it never ends its streams.
    """

    def __init__(self, services: Sequence[str]) -> None:
        self._services = services
        self._serving = True
        self._ending = False
        self._watching: set[asyncio.Event] = set()
        """Set when there may be something to tell; one for each who watches."""

    async def Check(  # noqa: N802 - the protocol's name
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> health_pb2.HealthCheckResponse:
        """NOT_FOUND for a service that this server does not have."""
        status = self._status_of(request.service)
        if status == _SERVICE_UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, "this server has no such service")
        return health_pb2.HealthCheckResponse(status=status)

    async def List(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The status of every service."""
        statuses = {
            service: health_pb2.HealthCheckResponse(status=self._status_of(service)) for service in self._services
        }
        return _MESSAGES.HealthListResponse(statuses=statuses)

    async def Watch(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> AsyncGenerator[health_pb2.HealthCheckResponse, None]:
        """Goes on until the client leaves or the server stops, which is UNAVAILABLE."""
        told = None
        changed = asyncio.Event()
        self._watching.add(changed)
        try:
            while True:
                # What is on its way while the status changes is not the last word.
                status = self._status_of(request.service)
                if status != told:
                    told = status
                    yield health_pb2.HealthCheckResponse(status=status)
                elif self._ending:
                    raise DrainingError
                else:
                    await changed.wait()
                    changed.clear()
        finally:
            self._watching.discard(changed)

    def tell(self, *, serving: bool) -> None:
        """Tells everybody who watches whether the server serves, unless it has ended."""
        if not self._ending:
            self._serving = serving
            self._wake()

    def end(self) -> None:
        """Tells everybody who watches that the server does not serve, and ends their calls."""
        self.tell(serving=False)
        self._ending = True
        self._wake()

    def _status_of(self, service: str) -> Literal[1, 2, 3]:
        if service not in self._services:
            return _SERVICE_UNKNOWN
        return _SERVING if self._serving else _NOT_SERVING

    def _wake(self) -> None:
        for changed in self._watching:
            changed.set()


class StoreHealth:
    """Says NOT_SERVING while the store cannot be written, and when the daemon stops.

    Reads are answered all the same.
    """

    def __init__(self, store: Store, services: Sequence[str]) -> None:
        """`services` are the names that may be asked for; the empty one is the whole server."""
        self.servicer = _Health(services)
        self._store = store
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins with a store that can be written."""
        self._following = asyncio.create_task(self._follow(), name="sessiond health")

    async def stop(self) -> None:
        """Says NOT_SERVING from now on, and ends the calls that watch, for which a stop would wait.

        It does not wait for them: who takes nothing is never told.
        """
        if self._following is not None:
            self._following.cancel()
            # Not its cancellation, but our own, is to end the caller.
            await asyncio.gather(self._following, return_exceptions=True)
        self.servicer.end()

    async def _follow(self) -> None:
        serving = True
        while True:
            serving = await self._store.writing_change(serving)
            self.servicer.tell(serving=serving)
