"""Clients that ask for much and read nothing of it."""

from itertools import count

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.benchmarks.channels import open_channels
from tests.builders import append, commit, part
from tests.faults.clients.attack import Attack

__all__ = ["tails_of_large_events", "tails_of_many_sessions", "tails_of_one_session", "unread_answers", "write_beside"]

CHANNELS = 10
EVENT_BYTES = 10_000
LARGE_EVENT_BYTES = 3_500_000
COMMITS = 64


async def tails_of_one_session(attack: Attack) -> None:
    """Tails of one session that never read, while somebody writes to it."""
    await _unread_tails(attack, attack.sizes.tails, 1, EVENT_BYTES)


async def tails_of_many_sessions(attack: Attack) -> None:
    """Tails of as many sessions that never read, while somebody writes to all of them."""
    await _unread_tails(attack, attack.sizes.tails, attack.sizes.tails, EVENT_BYTES)


async def tails_of_large_events(attack: Attack) -> None:
    """A tenth of the tails, of one session, that never read while somebody writes the largest events to it.

    What waits for a tail is a frame and what gRPC has taken of it, so that the memory grows with the tails and with the
    largest commit; `--max-tails-per-client` bounds it.
    """
    await _unread_tails(attack, attack.sizes.tails // 10, 1, LARGE_EVENT_BYTES)


async def _unread_tails(attack: Attack, tails: int, how_many_sessions: int, event_bytes: int) -> None:
    sessions = [await attack.session(f"unread-{number}") for number in range(how_many_sessions)]
    async with open_channels(attack.daemon.address, CHANNELS) as channels:
        stubs = [SessionStoreServiceStub(channel) for channel in channels]
        for number in range(tails):
            stubs[number % CHANNELS].TailEvents(pb.TailEventsRequest(session_id=sessions[number % len(sessions)]))
        await attack.daemon.until(lambda found: found.open_tails >= tails)
        attack.counts["tails that never read"] = tails
        await write_beside(attack, sessions, event_bytes)


async def write_beside(attack: Attack, sessions: list[str], event_bytes: int = EVENT_BYTES) -> None:
    """Writes to sessions in turn until the healthy client has made its rounds."""
    numbers = count()
    event = part("x" * event_bytes)

    async def write() -> None:
        names = [next(numbers) for _ in range(max(1, COMMITS * EVENT_BYTES // event_bytes))]
        pairs = [(sessions[name % len(sessions)], f"e{name}") for name in names]
        commits = [commit(session, append(event, name)) for session, name in pairs]
        outcomes = [outcome async for outcome in attack.daemon.client.write(commits)]
        for (session, name), outcome in zip(pairs, outcomes, strict=True):
            attack.acknowledged[session][name] = outcome.result.results[0].append_event.sequence
        attack.counts["events written"] += len(outcomes)

    await attack.beside(write)


async def unread_answers(attack: Attack) -> None:
    """Write streams whose answers nobody reads, and long reads of which nobody takes more than the beginning."""
    session = await attack.session("answers")
    commits = [commit(session, append(part("x" * EVENT_BYTES), f"e{number}")) for number in range(200)]
    outcomes = [outcome async for outcome in attack.daemon.client.write(commits)]
    for number, outcome in enumerate(outcomes):
        attack.acknowledged[session][f"e{number}"] = outcome.result.results[0].append_event.sequence
    async with open_channels(attack.daemon.address, CHANNELS) as channels:
        stubs = [SessionStoreServiceStub(channel) for channel in channels]

        async def one(number: int) -> None:
            stub = stubs[number % CHANNELS]
            writing = stub.Write()
            await writing.write(pb.WriteRequest(commits=[commit("nowhere")] * 1000))
            reading = stub.GetEvents(pb.GetEventsRequest(session_id=session))
            await reading.read()
            attack.counts["streams left"] += 2
            writing.cancel()
            reading.cancel()

        await attack.flood(attack.sizes.workers, one)
