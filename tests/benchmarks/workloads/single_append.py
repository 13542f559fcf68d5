"""One client, one append at a time: how long it waits for its answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.benchmarks.channels import open_channels
from tests.benchmarks.daemon import Daemon, running_daemon
from tests.benchmarks.driving import P50, P99, latencies, summary
from tests.benchmarks.events import EVENT
from tests.benchmarks.figures import Candidate, Kind, Run, Target
from tests.benchmarks.floors import RawCommits
from tests.benchmarks.peers import etcd
from tests.benchmarks.setting import Setting
from tests.benchmarks.stores import Role, Store
from tests.benchmarks.workloads.workload import Workload
from tests.builders import append, commit

__all__ = ["WORKLOAD", "ours"]

ECHO_AND_COMMIT = "bidirectional echo + one sqlite3 commit"
COMMIT = "one sqlite3 commit"


def _timed(call: Callable[[], Awaitable[object]], count: int) -> Run:
    async def run() -> Mapping[str, float]:
        return summary(await latencies(call, count))

    return run


def _appending(store: Store, session: str, count: int) -> Run:
    return _timed(lambda: store.append(session), count)


@asynccontextmanager
async def ours(daemon: Daemon, setting: Setting) -> AsyncIterator[Run]:
    """See Driver."""
    session = setting.fresh_session()
    await daemon.prepare([session])
    yield _appending(daemon, session, setting.sizes.single)


@asynccontextmanager
async def _opened(setting: Setting) -> AsyncIterator[list[Candidate]]:
    session = setting.fresh_session()
    async with running_daemon(setting.fresh_path("d")) as daemon, open_channels(setting.noop_address) as (channel,):
        stores = [daemon, *setting.peers_that(Role.APPEND)]
        for store in stores:
            await store.prepare([session])
        with RawCommits.opened(setting.fresh_path("raw.db")) as raw:
            call = SessionStoreServiceStub(channel).Write()
            request = pb.WriteRequest(commits=[commit(session, append(EVENT, "0" * 36))])

            async def committed() -> None:
                raw.commit()

            async def echoed_and_committed() -> None:
                await call.write(request)
                await call.read()
                raw.commit()

            count = setting.sizes.single
            yield [
                Candidate(daemon.name, Kind.OURS, _appending(daemon, session, count), daemon.note),
                Candidate(
                    ECHO_AND_COMMIT, Kind.FLOOR, _timed(echoed_and_committed, count), "a no-op server; WAL, synced"
                ),
                Candidate(COMMIT, Kind.FLOOR, _timed(committed, count), "no server at all; WAL, synced"),
                *(
                    Candidate(store.name, Kind.PEER, _appending(store, session, count), store.note)
                    for store in stores[1:]
                ),
            ]
            call.cancel()
            await asyncio.sleep(0)


WORKLOAD = Workload(
    name="single-append",
    title="one client, one append at a time, Python client",
    metrics=(P50, P99),
    targets=(Target(ECHO_AND_COMMIT, "p50", 1.4), Target(etcd.NAME, "p50", 1.0)),
    opened=_opened,
    peers=Role.APPEND,
)
