"""What waits for its turn, so that others come to theirs, and what does not, so that it is not late."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import Any

import grpc
import pytest

from sessiond.access.policy import Caller
from sessiond.access.rights import Right
from sessiond.call_counts import CallCounts
from sessiond.contract.limits import FRAGMENT_BYTES, Limits
from sessiond.draining import Draining
from sessiond.interceptors.access import _caller
from sessiond.interceptors.decoding import DecodingInterceptor
from sessiond.services.session_store import SessionStoreService
from sessiond.services.write_stream import COMMITS_A_TURN, WriteStream
from sessiond.store.sqlite.engine import SqliteStore
from sessiond.tailing import Tail
from sessiond.turns import LARGE_BYTES, Turns
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part

LARGE = part("x" * LARGE_BYTES)
SERVICE = "/sessionstore.v1.SessionStoreService/"


class Counted(Turns):
    """Turns that are there at once, and counted."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    async def take(self) -> None:
        self.taken += 1


class Details(grpc.HandlerCallDetails):
    """What gRPC tells an interceptor of a call."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.invocation_metadata = ()


@pytest.fixture
async def store(store: SqliteStore) -> SqliteStore:
    """A store with an empty session."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    return store


async def one(item: Any) -> AsyncIterator[Any]:
    """A stream of one request."""
    yield item


@pytest.mark.parametrize(("event", "taken"), [(part(), 0), (LARGE, 1)], ids=["small", "large"])
async def test_large_frames_of_a_tail(store: SqliteStore, event: Any, taken: int) -> None:
    """Each takes a turn, and a small one goes at once."""
    await store.submit(commit("s", append(event)))
    turns = Counted()
    request = pb.TailEventsRequest(session_id="s", no_follow=True)
    frames = [
        frame async for frame in Tail(store, request, asyncio.Event(), nullcontext(), CallCounts(), turns).frames()
    ]
    assert (2, taken) == (len(frames), turns.taken)


@pytest.mark.parametrize(
    ("limit", "taken"), [(1, 0), (6, 1), (12, 2)], ids=["small", "a large fragment", "two fragments"]
)
async def test_fragments_of_a_read(store: SqliteStore, limit: int, taken: int) -> None:
    """A read that is answered in one small fragment goes at once, and each other fragment takes a turn."""
    for _ in range(12):
        await store.submit(commit("s", append(part("x" * (FRAGMENT_BYTES // 6 if limit > 1 else 1)))))
    turns = Counted()
    service = SessionStoreService(store, Limits(), Draining(), CallCounts(), turns)
    _caller.set(Caller("a test", Right.READ))
    request = pb.GetEventsRequest(session_id="s", limit=limit)
    assert [fragment async for fragment in service.GetEvents(request, None)]  # type: ignore[arg-type]
    assert taken == turns.taken


@pytest.mark.parametrize(("event", "taken"), [(part(), 0), (LARGE, 1)], ids=["small", "large"])
async def test_large_requests_are_decoded(event: Any, taken: int) -> None:
    """In their turn, those of calls and of streams alike."""
    turns = Counted()
    interceptor = DecodingInterceptor(turns)

    async def unary(request: Any, _: Any) -> Any:
        return request

    async def stream(requests: AsyncIterator[Any], _: Any) -> AsyncIterator[Any]:
        async for request in requests:
            yield request

    async def intercepted(handler: Any, name: str) -> Any:
        async def continuation(_: grpc.HandlerCallDetails) -> Any:
            return handler

        return await interceptor.intercept_service(continuation, Details(SERVICE + name))

    call = await intercepted(grpc.unary_unary_rpc_method_handler(unary), "AppendEvent")
    request = pb.AppendEventRequest(session_id="s", event=event)
    assert request == await call.unary_unary(call.request_deserializer(request.SerializeToString()), None)
    assert taken == turns.taken
    writing = await intercepted(grpc.stream_stream_rpc_method_handler(stream), "Write")
    written = pb.WriteRequest(commits=[commit("s", append(event))])
    sent = writing.request_deserializer(written.SerializeToString())
    assert [written] == [found async for found in writing.stream_stream(one(sent), None)]
    assert 2 * taken == turns.taken


@pytest.mark.parametrize(
    ("commits", "taken"),
    [
        ([commit("s", append(part()))], 0),
        ([commit("s", append(LARGE))], 1),
        ([commit("s", append(part()))] * COMMITS_A_TURN, 1),
        ([commit("s")], 2),
        ([commit("s")] * COMMITS_A_TURN, 3),
    ],
    ids=["small", "large", "many", "refused", "many refused"],
)
async def test_commits_of_a_stream(store: SqliteStore, commits: list[pb.CommitRequest], taken: int) -> None:
    """A large one takes a turn, as do many that are taken in; a small one goes at once.

    After a refusal the answer takes one and so does whoever reads on: refusals wait for nothing else.
    """
    turns = Counted()
    stream = WriteStream(store, Limits(), Draining(), turns)
    responses = stream.responses(one(pb.WriteRequest(commits=commits)))
    assert len(commits) == sum([len(response.outcomes) async for response in responses])
    assert taken == turns.taken
