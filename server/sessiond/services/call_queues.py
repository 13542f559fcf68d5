"""Which calls gRPC lets in by a queue of their own.

gRPC lets the calls of each method that is registered with it in one after the other, each a few turns of the event
loop after the one before, and all other calls by one more queue. For each call that comes it goes through all of its
queues, so that many of them make every call dearer.
"""

from typing import Any

import grpc

__all__ = ["QUEUED_APART", "CallQueues"]

QUEUED_APART = frozenset({"Write", "TailEvents", "AppendEvent", "Commit", "GetEvents", "GetSession"})
"""What programs call all the time: none of these waits behind a flood of others."""


class CallQueues:
    """Stands for a server where services are added to it, and has few of their methods registered."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, handlers: tuple[grpc.GenericRpcHandler, ...]) -> None:
        """See grpc.aio.Server."""
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(
        self, service: str, handlers: "dict[str, grpc.RpcMethodHandler[Any, Any]]"
    ) -> None:
        """See grpc.aio.Server."""
        apart = {name: handler for name, handler in handlers.items() if name in QUEUED_APART}
        self._server.add_registered_method_handlers(service, apart)
