"""The health that the daemon tells: it serves as long as it takes writes."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

from sessiond.store.protocol import Store

__all__ = ["StoreHealth"]


LAST_WORD_SECONDS = 1.0
"""So long those who watch have to take the last answer."""


class _EndingHealth(HealthServicer):
    """Ends its streams, which those of the library never do."""

    def __init__(self) -> None:
        super().__init__()
        self._ending = False
        self._watching: set[asyncio.Task[None]] = set()

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Any) -> None:  # noqa: N802
        """Goes on until the client leaves or the server stops, which is UNAVAILABLE."""
        last_word: Any = _LastWord(context, self)
        watching = asyncio.create_task(super().Watch(request, last_word), name="sessiond health watch")
        self._watching.add(watching)
        try:
            # Not awaited itself: its end is not a cancellation of this call.
            await asyncio.wait([watching])
            if self._ending:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the server is shutting down; watch its successor")
            watching.result()
        finally:
            watching.cancel()
            self._watching.discard(watching)

    async def end(self) -> None:
        """Tells everybody who watches that the server does not serve, and ends their calls."""
        self._ending = True
        await self.enter_graceful_shutdown()
        if self._watching:
            await asyncio.wait(self._watching, timeout=LAST_WORD_SECONDS)
        for watching in self._watching:
            watching.cancel()

    @property
    def ending(self) -> bool:
        """Whether what is said now is the last word."""
        return self._ending


class _LastWord:
    """The context of a stream that ends with what it says while the server stops."""

    def __init__(self, context: Any, servicer: _EndingHealth) -> None:
        self._context = context
        self._servicer = servicer

    async def write(self, response: health_pb2.HealthCheckResponse) -> None:
        await self._context.write(response)
        # That it serves, which was on its way when the end began, is not.
        if self._servicer.ending and response.status != health_pb2.HealthCheckResponse.SERVING:
            raise asyncio.CancelledError


class StoreHealth:
    """Says NOT_SERVING while the store cannot be written, and when the daemon stops. Reads are answered all the same.

    Source: the gRPC health checking protocol, grpc.health.v1.
    """

    def __init__(self, store: Store, services: Sequence[str]) -> None:
        """`services` are the names that may be asked for; the empty one is the whole server."""
        self.servicer = _EndingHealth()
        self._store = store
        self._services = services
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins with a store that can be written."""
        await self._tell(serving=True)
        self._following = asyncio.create_task(self._follow(), name="sessiond health")

    async def stop(self) -> None:
        """Says NOT_SERVING from now on, and ends the calls that watch, for which a stop would wait."""
        if self._following is not None:
            self._following.cancel()
            # Not its cancellation, but our own, is to end the caller.
            await asyncio.gather(self._following, return_exceptions=True)
        await self.servicer.end()

    async def _follow(self) -> None:
        serving = True
        while True:
            serving = await self._store.writing_change(serving)
            await self._tell(serving=serving)

    async def _tell(self, *, serving: bool) -> None:
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for service in self._services:
            await self.servicer.set(service, status)
