"""From an append to the event in another client's tail."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tests.benchmarks.daemon import Daemon, running_daemon
from tests.benchmarks.driving import P50, P99, summary, tail_latencies
from tests.benchmarks.figures import Candidate, Kind, Run, Target
from tests.benchmarks.peers import etcd
from tests.benchmarks.setting import Setting
from tests.benchmarks.stores import Role, Store
from tests.benchmarks.workloads.workload import Workload

__all__ = ["WORKLOAD", "ours"]


def _following(store: Store, setting: Setting) -> Run:
    async def run() -> Mapping[str, float]:
        session = setting.fresh_session()
        await store.prepare([session])
        async with store.follow(session) as arrived:
            return summary(await tail_latencies(lambda: store.append(session), arrived, setting.sizes.single))

    return run


@asynccontextmanager
async def ours(daemon: Daemon, setting: Setting) -> AsyncIterator[Run]:
    """See Driver."""
    yield _following(daemon, setting)


@asynccontextmanager
async def _opened(setting: Setting) -> AsyncIterator[list[Candidate]]:
    async with running_daemon(setting.fresh_path("d")) as daemon:
        yield [
            Candidate(daemon.name, Kind.OURS, _following(daemon, setting), daemon.note),
            *(
                Candidate(store.name, Kind.PEER, _following(store, setting), store.note)
                for store in setting.peers_that(Role.FOLLOW)
            ),
        ]


WORKLOAD = Workload(
    name="tail-latency",
    title="append → event in another client's tail, Python clients",
    metrics=(P50, P99),
    targets=(Target(etcd.NAME, "p50", 1.0), Target(etcd.NAME, "p99", 1.0)),
    opened=_opened,
    peers=Role.FOLLOW,
)
