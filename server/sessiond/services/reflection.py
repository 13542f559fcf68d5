"""Server reflection, whose calls end when the daemon stops; those of the library wait for their clients.

Source: the gRPC server reflection protocol, grpc.reflection.v1alpha.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar

import grpc
from grpc_reflection.v1alpha import reflection_pb2_grpc
from grpc_reflection.v1alpha._async import ReflectionServicer

__all__ = ["add_reflection"]

T = TypeVar("T")


class _EndingReflection:
    def __init__(self, services: Sequence[str], draining: asyncio.Event) -> None:
        self._library: Any = ReflectionServicer(services)
        self._draining = draining

    def ServerReflectionInfo(  # noqa: N802 - the protocol's name
        self, requests: AsyncIterator[Any], context: Any
    ) -> AsyncIterator[Any]:
        """Answers what comes before the server stops, and then ends in good order."""
        answers: AsyncIterator[Any] = self._library.ServerReflectionInfo(_until(self._draining, requests), context)
        return answers


def add_reflection(services: Sequence[str], draining: asyncio.Event, server: grpc.aio.Server) -> None:
    """Lets clients ask a server for its services, until it is `draining`."""
    servicer = _EndingReflection(services, draining)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]


async def _until(end: asyncio.Event, items: AsyncIterator[T]) -> AsyncIterator[T]:
    """What comes until an event is set."""
    ended = asyncio.ensure_future(end.wait())
    try:
        while True:
            coming = asyncio.ensure_future(anext(items))
            try:
                await asyncio.wait((coming, ended), return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    return
                yield coming.result()
            except StopAsyncIteration:
                return
            finally:
                coming.cancel()
    finally:
        ended.cancel()
