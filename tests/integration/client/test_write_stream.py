"""The pipelined writes of the client, against a daemon that comes and goes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from sessionstore import AsyncSessionStore, errors
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.writing import MAX_IN_FLIGHT, MAX_IN_FLIGHT_BYTES
from tests.builders import append, commit, part
from tests.integration.client.scripted_server import ScriptedServer
from tests.integration.conftest import DaemonUnderTest


@pytest.fixture
async def session(client: AsyncSessionStore) -> str:
    """An empty session."""
    return (await client.create_session(session_id="s")).session.id


def appended(outcome: pb.CommitOutcome) -> int:
    return outcome.result.results[0].append_event.sequence


async def texts(client: AsyncSessionStore, session_id: str) -> list[str]:
    return [event.event.message_part.content async for event in client.get_events(session_id)]


async def test_outcomes_come_in_the_order_of_the_commits(client: AsyncSessionStore, session: str) -> None:
    """Many commits of two sessions, one of them refused: each has its own outcome."""
    commits = [commit("nowhere" if number == 700 else session, append(part(str(number)))) for number in range(3000)]
    outcomes = [outcome async for outcome in client.write(commits)]
    assert [number for number, outcome in enumerate(outcomes) if outcome.HasField("error")] == [700]
    assert isinstance(errors.error_from_status(outcomes[700].error), errors.SessionNotFoundError)
    del outcomes[700], commits[700]
    assert [appended(outcome) for outcome in outcomes] == list(range(2999))
    assert await texts(client, session) == [one.mutations[0].append_event.event.message_part.content for one in commits]
    assert not commits[0].mutations[0].append_event.HasField("event_id")


async def test_nothing_to_write_is_no_error(client: AsyncSessionStore) -> None:
    """An empty source ends at once."""
    assert [outcome async for outcome in client.write([])] == []


async def test_each_commit_of_a_slow_source_is_answered_at_once(client: AsyncSessionStore, session: str) -> None:
    """An outcome does not wait for the commits that come after it."""
    answered = asyncio.Event()

    async def source() -> AsyncIterator[pb.CommitRequest]:
        for number in range(5):
            yield commit(session, append(part(str(number))))
            await asyncio.wait_for(answered.wait(), 10)
            answered.clear()

    sequences = []
    async for outcome in client.write(source()):
        sequences.append(appended(outcome))
        answered.set()
    assert sequences == [0, 1, 2, 3, 4]


async def test_a_restart_in_the_middle_repeats_and_loses_nothing(
    client: AsyncSessionStore, session: str, daemon: DaemonUnderTest
) -> None:
    """What had no outcome is sent again with the same ids, so that each event is stored once and in order."""
    total = 4000

    async def source() -> AsyncIterator[pb.CommitRequest]:
        for number in range(total):
            yield commit(session, append(part(str(number))))
            await asyncio.sleep(0)

    restart: asyncio.Task[None] | None = None

    async def restarted() -> None:
        await daemon.stop()
        await daemon.start()

    sequences = []
    async for outcome in client.write(source()):
        sequences.append(appended(outcome))
        if len(sequences) == 300:
            restart = asyncio.create_task(restarted())
    assert restart is not None
    await restart
    assert list(range(total)) == sequences
    assert [str(number) for number in range(total)] == await texts(client, session)


async def test_a_slow_consumer_slows_the_source(client: AsyncSessionStore, session: str) -> None:
    """No more commits, and no more bytes, are taken than may be in flight."""
    taken = 0

    def source(size_bytes: int) -> Iterator[pb.CommitRequest]:
        nonlocal taken
        taken = 0
        while taken < 3 * MAX_IN_FLIGHT:
            taken += 1
            yield commit(session, append(part("x" * size_bytes)))

    async with aclosing(client.write(source(1))) as outcomes:
        await anext(outcomes)
        # The first response may have answered many.
        assert taken <= 2 * MAX_IN_FLIGHT
    async with aclosing(client.write(source(1_000_000))) as outcomes:
        await anext(outcomes)
        assert taken <= 2 * MAX_IN_FLIGHT_BYTES // 1_000_000


async def test_the_error_of_the_source_comes_after_the_outcomes(client: AsyncSessionStore, session: str) -> None:
    """What was taken before the source failed is written and answered first."""

    async def source() -> AsyncGenerator[pb.CommitRequest, None]:
        for number in range(3):
            yield commit(session, append(part(str(number))))
        raise LookupError("the source")

    outcomes = client.write(source())
    assert [appended(await anext(outcomes)) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(LookupError, match="the source"):
        await anext(outcomes)


async def test_a_request_that_is_too_large_ends_the_stream(client: AsyncSessionStore, session: str) -> None:
    """The commits before it have their outcomes, and the failure is raised."""
    oversized = commit(session, *[append(part("x" * 3_000_000)) for _ in range(8)])
    outcomes = client.write([oversized])
    with pytest.raises(errors.TooLargeError):
        _ = [outcome async for outcome in outcomes]


async def test_a_daemon_that_stays_away_is_told(daemon: DaemonUnderTest, session: str) -> None:
    """After the time without a server the failure is raised."""
    await daemon.stop()
    async with AsyncSessionStore(daemon.address, timeout_seconds=0.3) as client:
        with pytest.raises(errors.ServerUnavailableError):
            _ = [outcome async for outcome in client.write([commit(session, append(part()))])]
    await daemon.start()


async def test_outcomes_that_were_not_waited_for_do_not_end_as_if_they_were_all(
    client: AsyncSessionStore, session: str
) -> None:
    """A wait that is cancelled ends the call, and whoever asks for more is told."""

    async def source() -> AsyncIterator[pb.CommitRequest]:
        yield commit(session, append(part()))
        await asyncio.Event().wait()

    outcomes = client.write(source())
    await anext(outcomes)
    waiting = asyncio.ensure_future(anext(outcomes))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    with pytest.raises(errors.SessionStoreError, match="was cancelled"):
        await anext(outcomes)


async def test_a_server_that_does_not_end_the_stream_is_not_waited_for(tmp_path: Path) -> None:
    """When everything has its outcome, nothing is lost by leaving."""

    async def write(requests: AsyncIterator[pb.WriteRequest], context: Any) -> AsyncIterator[pb.WriteResponse]:
        async for request in requests:
            yield pb.WriteResponse(outcomes=[pb.CommitOutcome() for _ in request.commits])
        await asyncio.Event().wait()

    async with (
        ScriptedServer(write).serving(tmp_path) as address,
        AsyncSessionStore(address, timeout_seconds=0.2) as client,
        asyncio.timeout(10),
    ):
        assert len([outcome async for outcome in client.write([commit("s", append(part()))] * 3)]) == 3


async def test_a_consumer_that_stops_leaves_nothing_running(client: AsyncSessionStore, session: str) -> None:
    """Closing the outcomes ends the stream and its tasks."""
    async with aclosing(client.write([commit(session, append(part())) for _ in range(100)])) as outcomes:
        await anext(outcomes)
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not {name for name in names if name.startswith(("write pipeline", "commit stream"))}
