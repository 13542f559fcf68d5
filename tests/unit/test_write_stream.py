"""The server's end of the pipelined write stream, without a network."""

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sessiond.contract.limits import Limits
from sessiond.draining import Draining
from sessiond.services.write_stream import MAX_RESPONSE_OUTCOMES, WriteStream
from sessiond.store.errors import DrainingError
from sessiond.store.sqlite.engine import SqliteStore
from sessiond.turns import LARGE_BYTES, Turns
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part


@pytest.fixture
async def store(store: SqliteStore) -> SqliteStore:
    """A store with an empty session."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    return store


def append_result(sequence: int) -> pb.MutationResult:
    """What an appended event comes to."""
    return pb.MutationResult(append_event=pb.AppendEventResponse(sequence=sequence))


class Requests:
    """Requests of one commit each, counting those that were taken."""

    def __init__(self, count: int, size: int = 0) -> None:
        self.count = count
        self.padding = "x" * size
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[pb.WriteRequest]:
        while self.taken < self.count:
            self.taken += 1
            yield pb.WriteRequest(commits=[commit("s", append(part(f"{self.taken}{self.padding}")))])


@pytest.mark.parametrize(
    ("limits", "size"),
    [(Limits(max_commits_in_flight=8), 0), (Limits(max_bytes_in_flight=8_900), 1_000)],
    ids=["commits", "bytes"],
)
async def test_reading_stops_while_too_much_is_in_flight(store: SqliteStore, limits: Limits, size: int) -> None:
    """A client that does not take its answers is not read on: memory stays bounded."""
    requests = Requests(100, size)
    stream = WriteStream(store, limits, Draining(), Turns())
    responses = stream.responses(requests.__aiter__())
    answered = len((await anext(responses)).outcomes)
    while requests.taken < 9:  # eight in flight, and one that waits for room
        await asyncio.sleep(0)
    for _ in range(100):
        await asyncio.sleep(0)
    assert requests.taken <= answered + 8 + 1
    rest = [len(response.outcomes) async for response in responses]
    assert 100 == answered + sum(rest)


async def test_a_commit_that_is_larger_than_what_may_be_in_flight_goes_alone(store: SqliteStore) -> None:
    """The bound on bytes delays, and refuses nothing."""
    requests = Requests(5, size=1_000)
    stream = WriteStream(store, Limits(max_bytes_in_flight=10), Draining(), Turns())
    answered = [len(response.outcomes) async for response in stream.responses(requests.__aiter__())]
    assert [1] * 5 == answered


async def test_a_response_has_no_more_outcomes_than_a_turn_of_the_loop_is_to_take(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many commits are on disk at once."""
    count = 2 * MAX_RESPONSE_OUTCOMES + 1
    submitted: list[asyncio.Future[pb.CommitResponse]] = []

    def submit(_: pb.CommitRequest, _source: object) -> "asyncio.Future[pb.CommitResponse]":
        submitted.append(asyncio.get_running_loop().create_future())
        if len(submitted) == count:
            for number, outcome in enumerate(submitted):
                outcome.set_result(pb.CommitResponse(results=[append_result(number)]))
        return submitted[-1]

    async def requests() -> AsyncIterator[pb.WriteRequest]:
        yield pb.WriteRequest(commits=[commit("s", append(part("x")))] * count)

    monkeypatch.setattr(store, "submit", submit)
    stream = WriteStream(store, Limits(), Draining(), Turns())
    answered = [response async for response in stream.responses(requests())]
    assert [len(response.outcomes) for response in answered] == [MAX_RESPONSE_OUTCOMES, MAX_RESPONSE_OUTCOMES, 1]
    sequences = [each.result.results[0].append_event.sequence for response in answered for each in response.outcomes]
    assert sequences == list(range(count))


async def test_draining_answers_what_was_read_and_then_says_so(store: SqliteStore) -> None:
    """A server that shuts down finishes the commits in flight, and ends the stream as unavailable."""
    draining = Draining()

    async def requests() -> AsyncIterator[pb.WriteRequest]:
        yield pb.WriteRequest(commits=[commit("s", append(part("one"))), commit("s", append(part("two")))])
        draining.set()
        await asyncio.Event().wait()

    responses = WriteStream(store, Limits(), draining, Turns()).responses(requests())
    outcomes: list[pb.CommitOutcome] = []

    async def take_all() -> None:
        async for response in responses:
            outcomes.extend(response.outcomes)

    with pytest.raises(DrainingError):
        await take_all()
    assert ["result", "result"] == [outcome.WhichOneof("outcome") for outcome in outcomes]


async def test_refused_commits_leave_nothing_for_the_garbage_collector(store: SqliteStore) -> None:
    """A flood of them would let it hold up the event loop for seconds."""

    async def requests() -> AsyncIterator[pb.WriteRequest]:
        yield pb.WriteRequest(commits=[commit("s")] * 1000)

    gc.collect()
    gc.disable()
    try:
        responses = WriteStream(store, Limits(), Draining(), Turns()).responses(requests())
        assert 1000 == sum([len(response.outcomes) async for response in responses])
        assert gc.collect() < 1000
    finally:
        gc.enable()


class Crowded:
    """A store that says that much waits for its writer, until it is told otherwise."""

    def __init__(self, store: SqliteStore) -> None:
        self.submit = store.submit
        self.room = asyncio.Event()

    @property
    def is_crowded(self) -> bool:
        return not self.room.is_set()

    async def wait_for_room(self) -> None:
        await self.room.wait()


async def test_large_commits_wait_while_much_waits_for_the_writer(store: SqliteStore) -> None:
    """Small ones do not, so that they do not wait for the large ones of everybody else."""

    async def requests() -> AsyncIterator[pb.WriteRequest]:
        yield pb.WriteRequest(commits=[commit("s", append(part())), commit("s", append(part("x" * LARGE_BYTES)))])

    crowded: Any = Crowded(store)
    responses = WriteStream(crowded, Limits(), Draining(), Turns()).responses(requests())
    assert 1 == len((await anext(responses)).outcomes)
    last = asyncio.ensure_future(anext(responses))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not last.done()
    crowded.room.set()
    assert 1 == len((await asyncio.wait_for(last, 10)).outcomes)
    assert [] == [response async for response in responses]
