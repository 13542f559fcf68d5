"""One client, one append at a time: how long it waits for its answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.benchmarks.channels import open_channels
from tests.benchmarks.daemon import running_daemon
from tests.benchmarks.driving import P50, P99, latencies, summary
from tests.benchmarks.events import EVENT
from tests.benchmarks.figures import Candidate, Kind, Target
from tests.benchmarks.floors import RawCommits
from tests.benchmarks.peers import etcd
from tests.benchmarks.setting import Setting
from tests.benchmarks.stores import Role, Store
from tests.benchmarks.workloads.workload import Workload
from tests.builders import append, commit

__all__ = ["WORKLOAD"]

ECHO_AND_COMMIT = "bidirectional echo + one sqlite3 commit"
COMMIT = "one sqlite3 commit"


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

            def timed(call: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[Mapping[str, float]]]:
                async def run() -> Mapping[str, float]:
                    return summary(await latencies(call, setting.sizes.single))

                return run

            def appending(store: Store) -> Callable[[], Awaitable[Mapping[str, float]]]:
                return timed(lambda: store.append(session))

            yield [
                Candidate(daemon.name, Kind.OURS, appending(daemon), daemon.note),
                Candidate(ECHO_AND_COMMIT, Kind.FLOOR, timed(echoed_and_committed), "a no-op server; WAL, synced"),
                Candidate(COMMIT, Kind.FLOOR, timed(committed), "no server at all; WAL, synced"),
                *(Candidate(store.name, Kind.PEER, appending(store), store.note) for store in stores[1:]),
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
