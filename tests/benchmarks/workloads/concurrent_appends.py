"""Sixty-four appenders at once, each with a session of its own, over one client."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from tests.benchmarks.daemon import Daemon, running_daemon
from tests.benchmarks.driving import rate_of
from tests.benchmarks.figures import RATE, Candidate, Kind, Run, Target
from tests.benchmarks.floors import RawCommits
from tests.benchmarks.peers import etcd, openai_agents, redis
from tests.benchmarks.setting import Setting
from tests.benchmarks.stores import Role, Store
from tests.benchmarks.workloads.workload import Workload

__all__ = ["WORKLOAD", "ours"]


def _appending(store: Store, sessions: Sequence[str], box_seconds: float) -> Run:
    async def run() -> Mapping[str, float]:
        return {RATE.name: await rate_of(lambda number: store.append(sessions[number]), len(sessions), box_seconds)}

    return run


@asynccontextmanager
async def ours(daemon: Daemon, setting: Setting) -> AsyncIterator[Run]:
    """See Driver."""
    sessions = [setting.fresh_session() for _ in range(setting.sizes.appenders)]
    await daemon.prepare(sessions)
    yield _appending(daemon, sessions, setting.sizes.box_seconds)


@asynccontextmanager
async def _opened(setting: Setting) -> AsyncIterator[list[Candidate]]:
    sizes = setting.sizes
    sessions = [setting.fresh_session() for _ in range(sizes.appenders)]
    async with running_daemon(setting.fresh_path("d")) as daemon:
        stores = [daemon, *setting.peers_that(Role.APPEND)]
        for store in stores:
            await store.prepare(sessions)
        with RawCommits.opened(setting.fresh_path("raw.db")) as raw:

            async def committed() -> Mapping[str, float]:
                return {RATE.name: await asyncio.to_thread(raw.rate, sizes.box_seconds)}

            yield [
                Candidate(daemon.name, Kind.OURS, _appending(daemon, sessions, sizes.box_seconds), daemon.note),
                Candidate("sqlite3, one commit a row", Kind.FLOOR, committed, "no server at all; WAL, synced"),
                *(
                    Candidate(store.name, Kind.PEER, _appending(store, sessions, sizes.box_seconds), store.note)
                    for store in stores[1:]
                ),
            ]


WORKLOAD = Workload(
    name="concurrent-appends",
    title="64 concurrent appenders, 64 sessions, one channel, Python client",
    metrics=(RATE,),
    targets=(
        Target(etcd.NAME, RATE.name, 2.0),
        Target(openai_agents.NAME, RATE.name, 10.0),
        Target(redis.NAME, RATE.name, 1.0),
    ),
    opened=_opened,
    peers=Role.APPEND,
)
