"""A gRPC server of the daemon's stack that does nothing, in a process of its own: the floor of every call.

    python -m tests.benchmarks.noop_server unix:/path/of/the.sock

AppendEvent answers at once. Write answers each request with as many empty outcomes. TailEvents sends a CaughtUp, waits
for an AppendEvent to the session `go`, and then sends `after_sequence` frames of one event each, as fast as they are
taken. GetEvents sends `limit` events in fragments of the size that the daemon uses. Frames are encoded beforehand. The
event loop is the daemon's.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import grpc

from sessionstore import EventLoop
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import StoredEvent
from tests.benchmarks.events import EVENT

__all__ = ["GO"]

GO = "go"
FRAGMENT_BYTES = 256 * 1024

_EVENT_ID = "0" * 36


def stored_event(sequence: int) -> StoredEvent:
    """What the daemon would send for the event."""
    event = StoredEvent(sequence=sequence, position=sequence + 1, event_id=_EVENT_ID, event=EVENT)
    event.stored_at.FromMicroseconds(1_700_000_000_000_000 + sequence)
    return event


class NothingService:
    """The handlers."""

    def __init__(self) -> None:
        event = stored_event(1000)
        batch = pb.TailedEvents(first_sequence=1000, last_sequence=1000, events=[event])
        self._frame = pb.TailEventsResponse(events=batch).SerializeToString()
        self._caught_up = pb.TailEventsResponse(caught_up=pb.CaughtUp()).SerializeToString()
        self._per_fragment = FRAGMENT_BYTES // len(event.SerializeToString())
        self._fragment = self._encoded_fragment(self._per_fragment)
        self._go = asyncio.Event()

    async def append_event(self, request: pb.AppendEventRequest, context: Any) -> pb.AppendEventResponse:
        """Answers; `go` lets the tails begin."""
        if request.session_id == GO:
            self._go.set()
            self._go = asyncio.Event()
        return pb.AppendEventResponse()

    async def write(
        self, requests: AsyncIterator[pb.WriteRequest], context: Any
    ) -> AsyncGenerator[pb.WriteResponse, None]:
        """Answers each request."""
        async for request in requests:
            yield pb.WriteResponse(outcomes=[pb.CommitOutcome() for _ in request.commits])

    async def tail_events(self, request: pb.TailEventsRequest, context: Any) -> AsyncGenerator[bytes, None]:
        """Sends so many frames."""
        go = self._go
        yield self._caught_up
        await go.wait()
        for _ in range(request.after_sequence):
            yield self._frame

    async def get_events(self, request: pb.GetEventsRequest, context: Any) -> AsyncGenerator[bytes, None]:
        """Sends so many events."""
        whole, rest = divmod(request.limit, self._per_fragment)
        for _ in range(whole):
            yield self._fragment
        if rest:
            yield self._encoded_fragment(rest)

    def _encoded_fragment(self, count: int) -> bytes:
        return pb.GetEventsResponse(events=[stored_event(n) for n in range(count)]).SerializeToString()

    def handlers(self) -> "dict[str, grpc.RpcMethodHandler[Any, Any]]":
        """The calls by their names."""
        return {
            "AppendEvent": grpc.unary_unary_rpc_method_handler(
                self.append_event, pb.AppendEventRequest.FromString, pb.AppendEventResponse.SerializeToString
            ),
            "Write": grpc.stream_stream_rpc_method_handler(
                self.write, pb.WriteRequest.FromString, pb.WriteResponse.SerializeToString
            ),
            "TailEvents": grpc.unary_stream_rpc_method_handler(self.tail_events, pb.TailEventsRequest.FromString),
            "GetEvents": grpc.unary_stream_rpc_method_handler(self.get_events, pb.GetEventsRequest.FromString),
        }


async def serve(address: str) -> None:
    """Serves until the process is ended, and says when it is ready."""
    server = grpc.aio.server()
    handlers = grpc.method_handlers_generic_handler("sessionstore.v1.SessionStoreService", NothingService().handlers())
    server.add_generic_rpc_handlers((handlers,))
    server.add_insecure_port(address)
    await server.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(serve(sys.argv[1]))
