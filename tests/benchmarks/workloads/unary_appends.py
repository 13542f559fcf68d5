"""Sixty-four plain unary AppendEvent calls at once, as a client in any language makes them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import grpc

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.benchmarks.channels import open_channels
from tests.benchmarks.daemon import running_daemon
from tests.benchmarks.driving import rate_of
from tests.benchmarks.events import EVENT
from tests.benchmarks.figures import RATE, Candidate, Kind, Target
from tests.benchmarks.floors import NOOP
from tests.benchmarks.setting import Setting
from tests.benchmarks.workloads.workload import Workload

__all__ = ["WORKLOAD"]


@asynccontextmanager
async def _opened(setting: Setting) -> AsyncIterator[list[Candidate]]:
    sizes = setting.sizes
    sessions = [setting.fresh_session() for _ in range(sizes.appenders)]

    def appending(channel: grpc.aio.Channel) -> Callable[[], Awaitable[Mapping[str, float]]]:
        stub: Any = SessionStoreServiceStub(channel)

        async def append(number: int) -> None:
            # The id is what makes the call safe to repeat, and the daemon indexes it.
            await stub.AppendEvent(
                pb.AppendEventRequest(session_id=sessions[number], event=EVENT, event_id=str(uuid4()))
            )

        async def run() -> Mapping[str, float]:
            return {RATE.name: await rate_of(append, sizes.appenders, sizes.box_seconds)}

        return run

    async with (
        running_daemon(setting.fresh_path("d")) as daemon,
        open_channels(daemon.address) as (busy,),
        open_channels(setting.noop_address) as (idle,),
    ):
        await daemon.prepare(sessions)
        yield [
            Candidate(daemon.name, Kind.OURS, appending(busy), daemon.note),
            Candidate(NOOP, Kind.FLOOR, appending(idle), "stores nothing"),
        ]


WORKLOAD = Workload(
    name="unary-appends",
    title="64 concurrent plain unary AppendEvent, one channel",
    metrics=(RATE,),
    targets=(Target(NOOP, RATE.name, 0.7),),
    opened=_opened,
)
