"""The health that the daemon tells: it serves as long as it takes writes."""

import asyncio
from collections.abc import Sequence

from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

from sessiond.store.protocol import Store

__all__ = ["StoreHealth"]


class StoreHealth:
    """Says NOT_SERVING while the store cannot be written, and when the daemon stops. Reads are answered all the same.

    Source: the gRPC health checking protocol, grpc.health.v1.
    """

    def __init__(self, store: Store, services: Sequence[str]) -> None:
        """`services` are the names that may be asked for; the empty one is the whole server."""
        self.servicer = HealthServicer()
        self._store = store
        self._services = services
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins with a store that can be written."""
        await self._tell(serving=True)
        self._following = asyncio.create_task(self._follow(), name="sessiond health")

    async def stop(self) -> None:
        """Says NOT_SERVING from now on."""
        if self._following is not None:
            self._following.cancel()
            # Not its cancellation, but our own, is to end the caller.
            await asyncio.gather(self._following, return_exceptions=True)
        await self.servicer.enter_graceful_shutdown()

    async def _follow(self) -> None:
        serving = True
        while True:
            serving = await self._store.writing_change(serving)
            await self._tell(serving=serving)

    async def _tell(self, *, serving: bool) -> None:
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for service in self._services:
            await self.servicer.set(service, status)
