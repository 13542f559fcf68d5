"""Clients that do not wait for the answer."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

import grpc

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.benchmarks.channels import open_channels
from tests.builders import append, commit, part, tool_call, user_message
from tests.faults.clients.attack import Attack

__all__ = ["cancellations", "deadlines"]

CHANNELS = 4
DEADLINE_SECONDS = 0.001
BROKEN_WRITE = "Internal error from Core"
"""What the client's own gRPC says when its call ends while it writes (docs/decisions/0006)."""

STEP_SECONDS = 0.0002

Call = Callable[[Any, str, int], Any]


def _calls() -> list[Call]:
    """A call of each kind: to a stub, for a session, with a number that is given once."""
    return [
        lambda stub, session, number: stub.AppendEvent(
            pb.AppendEventRequest(session_id=session, event=part(), event_id=f"e{number}")
        ),
        lambda stub, session, number: stub.Commit(
            commit(session, append(part(), f"a{number}"), append(part(), f"b{number}"))
        ),
        lambda stub, session, number: stub.AppendMessage(
            pb.AppendMessageRequest(session_id=session, message=user_message(f"m{number}"))
        ),
        lambda stub, session, number: stub.CreateToolCall(
            pb.CreateToolCallRequest(session_id=session, tool_call=tool_call(f"c{number}"))
        ),
        lambda stub, _, number: stub.CreateSession(pb.CreateSessionRequest(session_id=f"impatient-{number}")),
        lambda stub, session, _: stub.DeleteEventsBefore(pb.DeleteEventsBeforeRequest(session_id=session)),
        lambda stub, _, number: stub.DeleteSession(pb.DeleteSessionRequest(session_id=f"impatient-{number - 7}")),
        lambda stub, _, __: stub.ListSessions(pb.ListSessionsRequest()),
        lambda stub, session, _: stub.GetSession(pb.GetSessionRequest(session_id=session)),
        lambda stub, session, _: stub.GetMessages(pb.GetMessagesRequest(session_id=session)),
        lambda stub, session, _: stub.GetEvents(pb.GetEventsRequest(session_id=session)),
        lambda stub, session, _: stub.TailEvents(pb.TailEventsRequest(session_id=session)),
        lambda stub, session, number: stub.Write(
            iter([pb.WriteRequest(commits=[commit(session, append(part(), f"w{number}"))])])
        ),
    ]


class _Deadlines:
    """A stub whose calls all have the same deadline."""

    def __init__(self, stub: Any) -> None:
        self._stub = stub

    def __getattr__(self, name: str) -> Callable[[Any], Any]:
        method = getattr(self._stub, name)
        return lambda request: method(request, timeout=DEADLINE_SECONDS)


async def deadlines(attack: Attack) -> None:
    """Calls of each kind with a deadline of a millisecond."""
    session, numbers, calls = await attack.session("deadlines"), count(), _calls()
    async with open_channels(attack.daemon.address, CHANNELS) as channels:
        stubs = [_Deadlines(SessionStoreServiceStub(channel)) for channel in channels]

        async def one(worker: int) -> None:
            number = next(numbers)
            call = calls[number % len(calls)](stubs[worker % CHANNELS], session, number)
            attack.counts[await _ending(call)] += 1

        await attack.flood(attack.sizes.workers, one)


async def cancellations(attack: Attack) -> None:
    """Calls of each kind that are cancelled at a moment that goes from the first to after the answer."""
    session, numbers, calls = await attack.session("cancelled"), count(), _calls()
    async with open_channels(attack.daemon.address, CHANNELS) as channels:
        stubs = [SessionStoreServiceStub(channel) for channel in channels]

        async def one(worker: int) -> None:
            number = next(numbers)
            call = calls[number % len(calls)](stubs[worker % CHANNELS], session, number)
            ending = asyncio.ensure_future(_ending(call))
            await asyncio.wait([ending], timeout=STEP_SECONDS * (number // len(calls) % attack.sizes.sweep))
            call.cancel()
            attack.counts[await ending] += 1

        await attack.flood(attack.sizes.workers, one)


async def _ending(call: Any) -> str:
    """How a call ended. Raises what no server should say to such a call."""
    try:
        if hasattr(call, "read"):
            async for _ in call:
                pass
        else:
            await call
    except asyncio.CancelledError:
        if not call.cancelled():
            raise
        return "cancelled"
    except grpc.aio.AioRpcError as error:
        if error.details() == BROKEN_WRITE:
            return "broken off"
        expected = (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED, grpc.StatusCode.NOT_FOUND)
        if error.code() not in expected:
            raise
        return error.code().name.lower()
    return "answered"
