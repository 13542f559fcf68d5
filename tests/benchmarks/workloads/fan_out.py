"""One writer and many tails: deliveries a second, beside a server that does nothing but send as many frames.

The tails are read without the client library, so that both sides cost the same here and the servers are compared. A
tail that lags gets several events in a frame, the server that does nothing sends one in each: the rate of frames is
shown too.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from time import perf_counter
from typing import Any

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.benchmarks.channels import open_channels
from tests.benchmarks.daemon import Daemon, running_daemon
from tests.benchmarks.events import EVENT
from tests.benchmarks.figures import Candidate, Kind, Metric, Run, Target
from tests.benchmarks.floors import NOOP
from tests.benchmarks.noop_server import GO
from tests.benchmarks.setting import Setting
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.workloads.workload import Driver, Workload
from tests.builders import append, commit

__all__ = ["MANY_SESSIONS", "ONE_SESSION", "many_sessions", "one_session"]

DELIVERIES = Metric("deliveries", "events/s")
FRAMES = Metric("frames", "frames/s")

PATIENCE_SECONDS = 120.0


class _Tail:
    """A tail that counts what it gets."""

    def __init__(self, stub: Any, request: pb.TailEventsRequest) -> None:
        self._call = stub.TailEvents(request)
        self.frames = 0

    async def catch_up(self) -> None:
        """Reads until everything stored was sent."""
        while not (await self._call.read()).HasField("caught_up"):
            pass

    async def take(self, events: int) -> None:
        """Reads until so many events came."""
        while events > 0:
            frame = await self._call.read()
            if frame.HasField("events"):
                self.frames += 1
                events -= len(frame.events.events)

    def cancel(self) -> None:
        self._call.cancel()


async def _deliveries(
    address: str,
    channels: int,
    requests: Sequence[pb.TailEventsRequest],
    events: int,
    write: Callable[[], Awaitable[object]],
) -> Mapping[str, float]:
    """Opens all tails, lets the writer go, and takes the time until each tail has all its events."""
    async with open_channels(address, channels) as opened, asyncio.timeout(PATIENCE_SECONDS):
        stubs = [SessionStoreServiceStub(channel) for channel in opened]
        tails = [_Tail(stubs[number % channels], request) for number, request in enumerate(requests)]
        try:
            await asyncio.gather(*(tail.catch_up() for tail in tails))
            began = perf_counter()
            await asyncio.gather(write(), *(tail.take(events) for tail in tails))
            seconds = perf_counter() - began
        finally:
            for tail in tails:
                tail.cancel()
    frames = sum(tail.frames for tail in tails)
    return {DELIVERIES.name: len(tails) * events / seconds, FRAMES.name: frames / seconds}


async def _append_one_by_one(daemon: Daemon, session: str, events: int) -> None:
    for _ in range(events):
        await daemon.append(session)


async def _write_in_turn(daemon: Daemon, sessions: Sequence[str], events: int) -> None:
    commits = (commit(session, append(EVENT)) for _ in range(events) for session in sessions)
    async for outcome in daemon.client.write(commits):
        if outcome.WhichOneof("outcome") != "result":
            raise RuntimeError(outcome.error.message)


def _events(sizes: Sizes, *, many: bool) -> int:
    """How many events each tail gets."""
    return sizes.own_events if many else sizes.shared_events


@asynccontextmanager
async def _ours(daemon: Daemon, setting: Setting, *, many: bool) -> AsyncIterator[Run]:
    sizes = setting.sizes
    events = _events(sizes, many=many)

    async def run() -> Mapping[str, float]:
        sessions = [setting.fresh_session() for _ in range(sizes.tails if many else 1)]
        await daemon.prepare(sessions)
        requests = [pb.TailEventsRequest(session_id=sessions[number % len(sessions)]) for number in range(sizes.tails)]
        write = (
            partial(_write_in_turn, daemon, sessions, events)
            if many
            else partial(_append_one_by_one, daemon, sessions[0], events)
        )
        return await _deliveries(daemon.address, sizes.channels, requests, events, write)

    yield run


many_sessions: Driver = partial(_ours, many=True)
one_session: Driver = partial(_ours, many=False)


@asynccontextmanager
async def _opened(setting: Setting, *, many: bool) -> AsyncIterator[list[Candidate]]:
    sizes = setting.sizes
    events = _events(sizes, many=many)
    async with (
        running_daemon(setting.fresh_path("d")) as daemon,
        open_channels(setting.noop_address) as (idle,),
        _ours(daemon, setting, many=many) as delivered,
    ):

        async def nothing() -> Mapping[str, float]:
            stub: Any = SessionStoreServiceStub(idle)
            requests = [pb.TailEventsRequest(session_id=GO, after_sequence=events) for _ in range(sizes.tails)]

            async def go() -> None:
                await stub.AppendEvent(pb.AppendEventRequest(session_id=GO))

            return await _deliveries(setting.noop_address, sizes.channels, requests, events, go)

        writer = "Write, one event a commit, the sessions in turn" if many else "AppendEvent, one after the other"
        yield [
            Candidate(daemon.name, Kind.OURS, delivered, f"{daemon.note}; written by {writer}"),
            Candidate(NOOP, Kind.FLOOR, nothing, "sends encoded frames of one event, writes and reads nothing"),
        ]


_TARGETS = (Target(NOOP, DELIVERIES.name, 0.8),)

ONE_SESSION = Workload(
    name="fan-out-one-session",
    title="1 writer, N tails of one session",
    metrics=(DELIVERIES, FRAMES),
    targets=_TARGETS,
    opened=partial(_opened, many=False),
)

MANY_SESSIONS = Workload(
    name="fan-out-many-sessions",
    title="1 writer, N tails of N sessions",
    metrics=(DELIVERIES, FRAMES),
    targets=_TARGETS,
    opened=partial(_opened, many=True),
)
