"""The tails of the crash campaign, which write down what they see and go on where they were."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Any

import grpc

from sessionstore import AsyncSessionStore
from sessionstore.errors import SessionDeletedError, SessionNotFoundError
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.faults.history import ARCHIVED, GONE, LIVE, SessionHistory, TailHistory
from tests.faults.insisting import PAUSE_SECONDS, is_a_fault

__all__ = ["PARTS", "follow", "follow_by_library", "follow_from_now", "last_id", "watch"]

PARTS = ("message_part",)
"""What a tail with a filter asks for: the first of the two events of a small commit."""

DELIVERIES_OF_A_TAIL = 300
"""After so many events a tail from now on is dropped for another: each begins at another moment."""

PATIENCE_SECONDS = 5.0
"""After so long without an event a tail of the library is asked how far it is, and opened anew."""

LATE_HEARTBEATS = 3
"""So many after the archiving was acknowledged are no more of those that were under way."""


def last_id(history: SessionHistory) -> str:
    """The id of the event that ends a session, and with it its tails."""
    return f"{history.session_id}-last"


async def follow(stub: Any, history: SessionHistory, tail: TailHistory, *, from_now: bool = False) -> None:
    """A tail by the generated stub alone, opened anew after what it last accounted for.

    It ends with the last event, or when the session is archived or deleted, and can be begun again then.
    """
    if tail not in history.tails:
        history.tails.append(tail)
    await _follow(stub, history, tail, lambda: False, from_now=from_now)


async def watch(stub: Any, history: SessionHistory, tail: TailHistory) -> None:
    """A tail of one connection, after the sequence at which it is pinned; it is not opened anew.

    So it never takes another session of the same id for its own.
    """
    history.tails.append(tail)
    tail.whole = False
    since = history.moment
    request = _request(history, tail, from_now=False)
    request.skip_trimmed = tail.skips
    call = stub.TailEvents(request)
    try:
        async for response in call:
            if response.HasField("session_deleted"):
                history.look(since, ARCHIVED if response.session_deleted.archived else GONE)
                return
            _account(tail, response)
    except grpc.aio.AioRpcError as error:
        if error.code() == grpc.StatusCode.NOT_FOUND:
            history.look(since, ARCHIVED, GONE)
        elif error.code() == grpc.StatusCode.OUT_OF_RANGE:
            if tail.skips or history.trim_sent <= (-1 if tail.accounted is None else tail.accounted) + 1:
                tail.misrefused = str(error.details())
        elif is_a_fault(error):
            raise
    finally:
        call.cancel()


async def follow_from_now(stub: Any, history: SessionHistory, stopped: asyncio.Event) -> None:
    """Tails from now on, one after the other, of which the last one is followed to the last event."""
    while not stopped.is_set():
        tail = TailHistory()
        history.tails.append(tail)
        await _follow(stub, history, tail, lambda: _has_enough(tail, stopped), from_now=True)  # noqa: B023


def _has_enough(tail: TailHistory, stopped: asyncio.Event) -> bool:
    return not stopped.is_set() and sum(len(batch.events) for batch in tail.batches) >= DELIVERIES_OF_A_TAIL


async def _follow(
    stub: Any, history: SessionHistory, tail: TailHistory, has_enough: Callable[[], bool], *, from_now: bool
) -> None:
    tail.whole = False
    if from_now and tail.pinned is None:
        tail.acknowledged_before = history.newest_acknowledged
    while True:
        since, ending, beats = history.moment, "", 0
        call = stub.TailEvents(_request(history, tail, from_now=from_now))
        try:
            async for response in call:
                ending = response.WhichOneof("frame")
                if response.HasField("heartbeat") and LIVE not in history.places[-1]:
                    beats += 1
                    if beats == LATE_HEARTBEATS:
                        tail.stayed_open = f"it got {beats} heartbeats after that"
                        return
                if response.HasField("session_deleted"):
                    history.look(since, ARCHIVED if response.session_deleted.archived else GONE)
                    return
                if from_now and tail.pinned is None and not _begin(tail, response):
                    return
                _account(tail, response)
                ended = tail.batches and any(name == last_id(history) for _, name in tail.batches[-1].events)
                # One from now on may have begun behind the last event.
                if ended or history.has_ended(tail.accounted):
                    tail.whole = True
                    return
                if has_enough():
                    return
            tail.unexplained += ending != "draining"
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                history.look(since, ARCHIVED, GONE)
                return
            if is_a_fault(error):
                raise
        finally:
            call.cancel()
        await asyncio.sleep(10 * PAUSE_SECONDS)


def _request(history: SessionHistory, tail: TailHistory, *, from_now: bool) -> pb.TailEventsRequest:
    request = pb.TailEventsRequest(
        session_id=history.session_id, types=tail.types, skip_trimmed=True, heartbeat_interval_seconds=1
    )
    if from_now and tail.accounted is None:
        request.from_now = True
    elif tail.accounted is not None and tail.accounted >= 0:
        request.after_sequence = tail.accounted
    return request


def _begin(tail: TailHistory, response: pb.TailEventsResponse) -> bool:
    """Notes where a tail from now on starts; says whether the server told it."""
    kind = response.WhichOneof("frame")
    if kind != "caught_up":
        tail.misbegun = str(kind)
        return False
    tail.pinned = response.caught_up.last_sequence if response.caught_up.HasField("last_sequence") else -1
    return True


def _account(tail: TailHistory, response: pb.TailEventsResponse) -> None:
    match response.WhichOneof("frame"):
        case "events":
            batch = response.events
            events = [(event.sequence, event.event_id) for event in batch.events]
            tail.account(batch.last_sequence, events, first=batch.first_sequence)
        case "caught_up" | "heartbeat" | "draining" as kind:
            frame = getattr(response, kind)
            if frame.HasField("last_sequence"):
                tail.account(frame.last_sequence)


async def follow_by_library(client: AsyncSessionStore, history: SessionHistory, *, from_now: bool = False) -> None:
    """A tail of the client library, which hides that the daemon comes and goes."""
    tail = TailHistory(knows_batches=False, whole=False)
    tail.acknowledged_before = history.newest_acknowledged if from_now else -1
    history.tails.append(tail)
    since = history.moment
    try:
        events = client.tail(history.session_id, from_now=from_now, heartbeat_interval_seconds=1)
        async with aclosing(events):
            while not (tail.whole or history.has_ended(events.last_sequence)):
                with suppress(TimeoutError):
                    event = await asyncio.wait_for(anext(events), PATIENCE_SECONDS)
                    if from_now and tail.pinned is None:
                        tail.pinned = event.sequence - 1
                    tail.account(event.sequence, [(event.sequence, event.event_id)], first=event.sequence)
                    tail.whole = event.event_id == last_id(history)
    except SessionDeletedError as error:
        history.look(since, ARCHIVED if error.archived else GONE)
    except SessionNotFoundError:
        history.look(since, ARCHIVED, GONE)
