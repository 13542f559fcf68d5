"""Commits of the crash campaign that are written down before they are sent, and again when they are answered."""

from collections.abc import Sequence
from typing import Any

import grpc

from sessionstore import AsyncSessionStore
from sessionstore.channel import translated
from sessionstore.errors import SequenceConflictError
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import Event
from tests.builders import append, commit, part
from tests.faults.followers import last_id
from tests.faults.history import SessionHistory
from tests.faults.insisting import insist, is_a_fault

__all__ = ["append_surely", "commit_once", "commit_surely", "end_session"]

ANSWER_SECONDS = 5.0
"""So long an answer is waited for that nobody asks for again."""


async def commit_surely(
    client: AsyncSessionStore, history: SessionHistory, mutations: Sequence[pb.Mutation]
) -> pb.CommitResponse:
    """Commits until there is an answer."""
    write = history.note(mutations)
    response = await insist(client.commit, history.session_id, mutations)
    write.acknowledge(response)
    return response


async def commit_once(stub: Any, history: SessionHistory, mutations: Sequence[pb.Mutation]) -> grpc.StatusCode:
    """Sends a commit and never repeats it: without an answer nobody knows whether it is stored. Raises faults."""
    write = history.note(mutations)
    try:
        response = await stub.Commit(commit(history.session_id, *mutations), timeout=ANSWER_SECONDS)
    except grpc.aio.AioRpcError as error:
        if is_a_fault(error):
            raise
        return error.code()
    write.acknowledge(response)
    return grpc.StatusCode.OK


async def append_surely(
    stub: Any, history: SessionHistory, event_id: str, event: Event, *, expected_last: int | None = None
) -> int:
    """Appends an event by calls of its own, as those do who have nothing but a stub, until there is an answer.

    `expected_last` is the sequence that the newest event is expected to have, -1 for none at all. Gives the sequence of
    the new event. Raises SequenceConflictError.
    """
    write = history.note([append(event, event_id)], expected_last)
    request = pb.AppendEventRequest(session_id=history.session_id, event_id=event_id, event=event)
    if expected_last == -1:
        request.expect_no_events = True
    elif expected_last is not None:
        request.expected_last_sequence = expected_last

    async def call() -> Any:
        with translated():
            return await stub.AppendEvent(request, timeout=ANSWER_SECONDS)

    try:
        answer = await insist(call)
    except SequenceConflictError:
        write.refused = True
        raise
    write.acknowledge(pb.CommitResponse(results=[pb.MutationResult(append_event=answer)]))
    return int(answer.sequence)


async def end_session(client: AsyncSessionStore, history: SessionHistory) -> None:
    """Appends the event that ends the tails of a session."""
    ended = await commit_surely(client, history, [append(part("last"), last_id(history))])
    history.ended_at = ended.results[0].append_event.sequence
