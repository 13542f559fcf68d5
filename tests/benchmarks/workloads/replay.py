"""The replay of a long session to one client."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from time import perf_counter

from sessionstore import AsyncSessionStore
from tests.benchmarks.daemon import Daemon, running_daemon
from tests.benchmarks.figures import RATE, Candidate, Kind, Run, Target
from tests.benchmarks.floors import NOOP, row_read_rate
from tests.benchmarks.peers import redis
from tests.benchmarks.setting import Setting
from tests.benchmarks.stores import Role
from tests.benchmarks.workloads.bulk_load import load
from tests.benchmarks.workloads.workload import Workload

__all__ = ["WORKLOAD", "ours"]

LOAD_BATCH = 1000


async def _counted(items: AsyncIterable[object]) -> int:
    count = 0
    async for _ in items:
        count += 1
    return count


def _timed(read: Callable[[], Awaitable[int]], expected: int) -> Run:
    async def run() -> Mapping[str, float]:
        began = perf_counter()
        count = await read()
        seconds = perf_counter() - began
        if count != expected:
            raise RuntimeError(f"{count} of {expected} events came")
        return {RATE.name: count / seconds}

    return run


def _events_read(reader: AsyncSessionStore, session: str, count: int) -> Run:
    return _timed(lambda: _counted(reader.get_events(session)), count)


@asynccontextmanager
async def _reader(daemon: Daemon, setting: Setting) -> AsyncIterator[tuple[AsyncSessionStore, str]]:
    """A client that reads, and a long session."""
    session = setting.fresh_session()
    await daemon.prepare([session])
    await load(daemon, session, setting.sizes.replay, LOAD_BATCH)
    async with AsyncSessionStore(daemon.address) as reader:
        yield reader, session


@asynccontextmanager
async def ours(daemon: Daemon, setting: Setting) -> AsyncIterator[Run]:
    """See Driver."""
    async with _reader(daemon, setting) as (reader, session):
        yield _events_read(reader, session, setting.sizes.replay)


@asynccontextmanager
async def _opened(setting: Setting) -> AsyncIterator[list[Candidate]]:
    count = setting.sizes.replay
    async with (
        running_daemon(setting.fresh_path("d")) as daemon,
        _reader(daemon, setting) as (reader, session),
        AsyncSessionStore(setting.noop_address) as idle,
    ):

        async def rows() -> Mapping[str, float]:
            return {RATE.name: await asyncio.to_thread(row_read_rate, daemon.data_dir, count)}

        candidates = [
            Candidate(daemon.name, Kind.OURS, _events_read(reader, session, count), "GetEvents"),
            Candidate(
                f"{daemon.name}, tail",
                Kind.OURS,
                _timed(lambda: _counted(reader.tail(session, follow=False)), count),
                "TailEvents that does not follow",
            ),
            Candidate(
                NOOP,
                Kind.FLOOR,
                _timed(lambda: _counted(idle.get_events(session, limit=count)), count),
                "sends encoded fragments to the same client",
            ),
            Candidate("sqlite3 SELECT", Kind.FLOOR, rows, "the daemon's own rows, no server at all"),
        ]
        for store in setting.peers_that(Role.REPLAY):
            if isinstance(store, redis.Redis):
                await store.fill(session, count)
                plain = _timed(partial(store.replay, session, compiled=False), count)
                candidates.append(Candidate(store.name, Kind.PEER, plain, "XRANGE, 1,000 entries a page"))
                if store.has_compiled_parser:
                    compiled = _timed(partial(store.replay, session, compiled=True), count)
                    candidates.append(
                        Candidate(f"{store.name}, hiredis", Kind.PEER, compiled, "the same with the parser in C")
                    )
        yield candidates


WORKLOAD = Workload(
    name="replay",
    title="replay of a long session to one client, Python clients",
    metrics=(RATE,),
    targets=(Target(redis.NAME, RATE.name, 3.0),),
    opened=_opened,
    peers=Role.REPLAY,
    rounds=lambda sizes: sizes.replay_rounds,
)
