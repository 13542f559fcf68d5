"""Commits of the crash campaign that are written down before they are sent, and again when they are answered."""

from collections.abc import Sequence
from typing import Any

import grpc

from sessionstore import AsyncSessionStore
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part
from tests.faults.followers import last_id
from tests.faults.history import SessionHistory
from tests.faults.insisting import insist, is_a_fault

__all__ = ["commit_once", "commit_surely", "end_session"]

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


async def end_session(client: AsyncSessionStore, history: SessionHistory) -> None:
    """Appends the event that ends the tails of a session."""
    ended = await commit_surely(client, history, [append(part("last"), last_id(history))])
    history.ended_at = ended.results[0].append_event.sequence
