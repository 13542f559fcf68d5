"""Clients that ask for too much at once."""

from contextlib import suppress
from itertools import count
from typing import Any

import grpc

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.benchmarks.channels import open_channels
from tests.builders import append, commit, part
from tests.faults.clients.attack import Attack

__all__ = ["largest_calls", "largest_streams", "sessions", "streams", "tiny_calls", "tiny_streams"]

CHANNELS = 8
LARGEST = part("x" * 3_500_000)
TINY = part("")


async def streams(attack: Attack) -> None:
    """Tails and write streams that are opened and left, all the time."""
    session = await attack.session("opened")

    async def one(_: int, stub: Any) -> None:
        tail = stub.TailEvents(pb.TailEventsRequest(session_id=session))
        writing = stub.Write()
        await tail.read()
        tail.cancel()
        writing.cancel()
        attack.counts["streams opened"] += 2

    await _flood(attack, attack.sizes.workers, one)


async def sessions(attack: Attack) -> None:
    """Sessions beyond the number that the store may hold: so many are made and no more."""

    async def one(_: int, stub: Any) -> None:
        try:
            await stub.CreateSession(pb.CreateSessionRequest())
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
            attack.counts["sessions refused"] += 1
        else:
            attack.counts["sessions made"] += 1

    await _flood(attack, attack.sizes.workers, one)
    listed = len([None async for _ in attack.daemon.client.list_sessions(page_size=1000)])
    # One is the healthy client's.
    if attack.counts["sessions made"] + 1 != listed or listed > attack.sizes.sessions:
        raise AssertionError(f"{attack.counts['sessions made']} sessions were made, and {listed} are there")


async def tiny_calls(attack: Attack) -> None:
    """The smallest appends, each in a call of its own."""
    session, numbers = await attack.session("tiny"), count()

    async def one(_: int, stub: Any) -> None:
        await attack.append(stub, session, f"e{next(numbers)}", TINY)

    await _flood(attack, attack.sizes.workers, one)


async def tiny_streams(attack: Attack) -> None:
    """The smallest messages of a write stream: commits of nothing and of one event, most in requests of their own."""
    session = await attack.session("tiny")

    async def one(_: int, stub: Any) -> None:
        writing = stub.Write()
        for _ in range(100):
            await writing.write(pb.WriteRequest(commits=[commit(session)]))
        await writing.write(pb.WriteRequest(commits=[commit(session)] * 100 + [commit(session, append(TINY))] * 100))
        await writing.done_writing()
        attack.counts["outcomes"] += sum([len(answer.outcomes) async for answer in writing])
        attack.counts["messages"] += 101

    await _flood(attack, max(1, attack.sizes.workers // 10), one)


async def largest_calls(attack: Attack) -> None:
    """The largest events, each in a call of its own; a server that has too many of them may say so."""
    session, numbers = await attack.session("largest"), count()

    async def one(_: int, stub: Any) -> None:
        try:
            await attack.append(stub, session, f"e{next(numbers)}", LARGEST)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            attack.counts["refused"] += 1

    await _flood(attack, attack.sizes.large_workers, one)


async def largest_streams(attack: Attack) -> None:
    """The largest events over write streams, as many as a stream takes without waiting for an answer."""
    session, numbers = await attack.session("largest"), count()

    async def one(_: int, stub: Any) -> None:
        names = [f"e{next(numbers)}" for _ in range(4)]
        requests = [pb.WriteRequest(commits=[commit(session, append(LARGEST, name)) for name in names])]
        outcomes: list[pb.CommitOutcome] = []
        with suppress(grpc.aio.AioRpcError):
            async for answer in stub.Write(iter(requests)):
                outcomes += answer.outcomes
        for name, outcome in zip(names, outcomes, strict=False):
            attack.acknowledged[session][name] = outcome.result.results[0].append_event.sequence
        attack.counts["appended"] += len(outcomes)

    await _flood(attack, max(1, attack.sizes.large_workers // 2), one)


async def _flood(attack: Attack, workers: int, one: Any) -> None:
    async with open_channels(attack.daemon.address, CHANNELS) as channels:
        stubs = [SessionStoreServiceStub(channel) for channel in channels]
        await attack.flood(workers, lambda number: one(number, stubs[number % CHANNELS]))
