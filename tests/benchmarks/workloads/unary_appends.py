"""Sixty-four plain unary AppendEvent calls at once, as a client in any language makes them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.benchmarks.channels import open_channels
from tests.benchmarks.daemon import Daemon, running_daemon
from tests.benchmarks.driving import rate_of
from tests.benchmarks.events import EVENT
from tests.benchmarks.figures import RATE, Candidate, Kind, Run, Target
from tests.benchmarks.floors import NOOP
from tests.benchmarks.setting import Setting
from tests.benchmarks.workloads.workload import Workload

__all__ = ["WORKLOAD", "ours"]


@asynccontextmanager
async def _appending(address: str, sessions: Sequence[str], box_seconds: float) -> AsyncIterator[Run]:
    async with open_channels(address) as (channel,):
        stub: Any = SessionStoreServiceStub(channel)

        async def append(number: int) -> None:
            # The id is what makes the call safe to repeat, and the daemon indexes it.
            await stub.AppendEvent(
                pb.AppendEventRequest(session_id=sessions[number], event=EVENT, event_id=str(uuid4()))
            )

        async def run() -> Mapping[str, float]:
            return {RATE.name: await rate_of(append, len(sessions), box_seconds)}

        yield run


@asynccontextmanager
async def ours(daemon: Daemon, setting: Setting) -> AsyncIterator[Run]:
    """See Driver."""
    sessions = [setting.fresh_session() for _ in range(setting.sizes.appenders)]
    await daemon.prepare(sessions)
    async with _appending(daemon.address, sessions, setting.sizes.box_seconds) as run:
        yield run


@asynccontextmanager
async def _opened(setting: Setting) -> AsyncIterator[list[Candidate]]:
    sizes = setting.sizes
    async with (
        running_daemon(setting.fresh_path("d")) as daemon,
        ours(daemon, setting) as appended,
        _appending(setting.noop_address, ["s"] * sizes.appenders, sizes.box_seconds) as answered,
    ):
        yield [
            Candidate(daemon.name, Kind.OURS, appended, daemon.note),
            Candidate(NOOP, Kind.FLOOR, answered, "stores nothing"),
        ]


WORKLOAD = Workload(
    name="unary-appends",
    title="64 concurrent plain unary AppendEvent, one channel",
    metrics=(RATE,),
    targets=(Target(NOOP, RATE.name, 0.7),),
    opened=_opened,
)
