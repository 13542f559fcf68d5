"""A tail that goes on where it was: over disconnects, restarts and crashes of the daemon, without a gap or a repeat."""

import asyncio
import random
from collections.abc import AsyncIterator

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import StoredEvent
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub

HEARTBEAT_SECONDS = 5
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0
# A server that shuts down ends the calls that it has not begun with CANCELLED.
TRANSIENT = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


class HistoryTrimmedError(Exception):
    """The events after the cursor were deleted."""

    def __init__(self, first_available_sequence: int) -> None:
        super().__init__(f"the oldest event is {first_available_sequence}")
        self.first_available_sequence = first_available_sequence


async def resuming_tail(
    stub: SessionStoreServiceStub,
    session_id: str,
    last_sequence: int | None = None,
    metadata: tuple[tuple[str, str], ...] = (),
) -> AsyncIterator[StoredEvent]:
    """The events after `last_sequence`, or from the beginning, until the session is deleted."""
    pause = FIRST_PAUSE_SECONDS
    was_empty = False  # no cursor names the place before the first event, at which a tail of an empty session waits
    while True:
        request = pb.TailEventsRequest(session_id=session_id, heartbeat_interval_seconds=HEARTBEAT_SECONDS)
        if last_sequence is not None:
            request.after_sequence = last_sequence
        call = stub.TailEvents(request, metadata=metadata)
        try:
            while (frame := await asyncio.wait_for(call.read(), 3 * HEARTBEAT_SECONDS)) is not grpc.aio.EOF:
                pause = FIRST_PAUSE_SECONDS
                match frame.WhichOneof("frame"):
                    case "events":
                        if last_sequence is not None and frame.events.first_sequence > last_sequence + 1:
                            raise RuntimeError(f"event {last_sequence + 1} is missing")
                        if last_sequence is None and was_empty and frame.events.first_sequence > 0:
                            raise HistoryTrimmedError(frame.events.first_sequence)
                        for stored in frame.events.events:
                            if last_sequence is None or stored.sequence > last_sequence:
                                yield stored
                        # The batch accounts for events that a filter left out, too.
                        last_sequence = frame.events.last_sequence
                    case "session_deleted":
                        return
                    case kind:  # caught_up, heartbeat, draining; one that only a newer server knows says nothing to us
                        content = getattr(frame, kind) if kind else None
                        if content is not None and content.HasField("last_sequence"):
                            if last_sequence is None and was_empty:
                                raise HistoryTrimmedError(content.last_sequence + 1)
                            last_sequence = content.last_sequence
                        elif content is not None:
                            was_empty = True
        except TimeoutError:
            pass  # three heartbeats are missing: the connection is dead
        except grpc.aio.AioRpcError as error:
            _raise_unless_transient(error)
        finally:
            call.cancel()
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # not all clients at once
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _raise_unless_transient(error: grpc.aio.AioRpcError) -> None:
    if error.code() in TRANSIENT:
        return
    status = rpc_status.from_call(error)
    info = ErrorInfo()
    for detail in status.details if status else ():
        if detail.Unpack(info) and info.reason == "HISTORY_TRIMMED":
            raise HistoryTrimmedError(int(info.metadata["first_available_sequence"])) from error
    raise error
