"""A bulk load through Write, in commits of many events."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import perf_counter
from uuid import uuid4

from tests.benchmarks.daemon import Daemon, running_daemon
from tests.benchmarks.events import EVENT
from tests.benchmarks.figures import RATE, Candidate, Kind, Run, Target
from tests.benchmarks.floors import executemany_rate
from tests.benchmarks.setting import Setting
from tests.benchmarks.workloads.workload import Workload
from tests.builders import append, commit

__all__ = ["WORKLOAD", "load", "ours"]

EXECUTEMANY = "sqlite3 executemany"


def _batches(count: int, batch: int) -> list[list[str]]:
    """Ids for so many events, in commits; chosen before the clock runs, on both sides."""
    return [[str(uuid4()) for _ in range(min(batch, count - first))] for first in range(0, count, batch)]


async def load(daemon: Daemon, session: str, count: int, batch: int) -> float:
    """Events a second through one write stream."""
    batches = _batches(count, batch)
    began = perf_counter()
    commits = (commit(session, *(append(EVENT, event_id) for event_id in ids)) for ids in batches)
    async for outcome in daemon.client.write(commits):
        if outcome.WhichOneof("outcome") != "result":
            raise RuntimeError(outcome.error.message)
    return count / (perf_counter() - began)


@asynccontextmanager
async def ours(daemon: Daemon, setting: Setting) -> AsyncIterator[Run]:
    """See Driver."""

    async def run() -> Mapping[str, float]:
        session = setting.fresh_session()
        await daemon.prepare([session])
        return {RATE.name: await load(daemon, session, setting.sizes.bulk, setting.sizes.batch)}

    yield run


@asynccontextmanager
async def _opened(setting: Setting) -> AsyncIterator[list[Candidate]]:
    sizes = setting.sizes
    async with running_daemon(setting.fresh_path("d")) as daemon, ours(daemon, setting) as loaded:

        async def executed() -> Mapping[str, float]:
            batches = _batches(sizes.bulk, sizes.batch)
            path = setting.fresh_path("bulk.db")
            return {RATE.name: await asyncio.to_thread(executemany_rate, path, batches)}

        yield [
            Candidate(daemon.name, Kind.OURS, loaded, daemon.note),
            Candidate(
                EXECUTEMANY, Kind.FLOOR, executed, "no server at all; same schema, indexes and batches; WAL, synced"
            ),
        ]


WORKLOAD = Workload(
    name="bulk-load",
    title="bulk load through Write, 100 events a commit, Python client",
    metrics=(RATE,),
    targets=(Target(EXECUTEMANY, RATE.name, 0.4),),
    opened=_opened,
)
