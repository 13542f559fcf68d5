"""The memory of the daemon: with many tails open, after all that is done to a filled database, and over minutes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

from tests.benchmarks.daemon import running_daemon
from tests.benchmarks.figures import Candidate, Kind, Limit, Metric, Run
from tests.benchmarks.lives import live_until
from tests.benchmarks.process_memory import growth_a_minute, peak_mb, resident_mb, sampled
from tests.benchmarks.scale.folders import filled_folder, large
from tests.benchmarks.setting import Setting
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.workloads import fan_out
from tests.benchmarks.workloads.scale import SCALED
from tests.benchmarks.workloads.workload import Driver, Workload

__all__ = ["LOADS", "STEADY"]

FIRST = Metric("first", "MB", lower_is_better=True)
LAST = Metric("last", "MB", lower_is_better=True)
PEAK = Metric("peak", "MB", lower_is_better=True)
GROWTH = Metric("growth", "MB/min", lower_is_better=True)

MOST_MB = 150.0
FLAT_MB_A_MINUTE = 0.5
"""What counts as flat: five megabytes in ten minutes."""

SAMPLES = 600


def _loaded(setting: Setting, drivers: Sequence[Driver], *, filled: bool) -> Run:
    """The memory of a new daemon before some loads and after them, and the most between."""

    async def folder() -> Path:
        return await filled_folder(setting, large(setting.sizes)) if filled else setting.fresh_path("d")

    async def run() -> Mapping[str, float]:
        async with running_daemon(await folder()) as daemon:
            first = resident_mb(daemon.pid)
            for driver in drivers:
                async with driver(daemon, setting) as load:
                    await load()
            return {FIRST.name: first, LAST.name: resident_mb(daemon.pid), PEAK.name: peak_mb(daemon.pid)}

    return run


@asynccontextmanager
async def _opened_loads(setting: Setting) -> AsyncIterator[list[Candidate]]:
    sizes = setting.sizes
    everything = replace(setting, sizes=replace(sizes, replay=sizes.scale_replay))
    drivers = [driver for _, driver in SCALED]
    contents = large(sizes)
    yield [
        Candidate(
            f"{sizes.tails:,} tails, one session",
            Kind.OURS,
            _loaded(setting, [fan_out.one_session], filled=False),
            "the peak is with the tails open, the last when they are gone",
        ),
        Candidate(
            f"{sizes.tails:,} tails, as many sessions",
            Kind.OURS,
            _loaded(setting, [fan_out.many_sessions], filled=False),
        ),
        Candidate(
            "all workloads, filled database",
            Kind.OURS,
            _loaded(everything, drivers, filled=True),
            f"{contents.sessions * contents.events:,} events in {contents.sessions:,} sessions; each workload once",
        ),
    ]


@asynccontextmanager
async def _opened_steady(setting: Setting) -> AsyncIterator[list[Candidate]]:
    sizes = setting.sizes
    seconds = sizes.memory_minutes * 60

    async def run() -> Mapping[str, float]:
        async with running_daemon(setting.fresh_path("d")) as daemon:
            end = monotonic() + seconds
            async with sampled(daemon.pid, seconds / SAMPLES) as samples:
                await live_until(daemon, lambda: monotonic() >= end, sizes.lives, setting.fresh_session)
            return {
                FIRST.name: samples[0].mb,
                LAST.name: samples[-1].mb,
                PEAK.name: peak_mb(daemon.pid),
                GROWTH.name: growth_a_minute(samples),
            }

    note = (
        f"{sizes.lives} sessions at a time, each followed, written, read and left, for {sizes.memory_minutes:g} minutes"
    )
    yield [Candidate("steady load", Kind.OURS, run, note)]


def _once(sizes: Sizes) -> int:
    # The memory of a daemon that just began is alike each time, and a peak has no median.
    return 1


LOADS = Workload(
    name="memory",
    title="resident memory of the daemon before and after loads, and its peak",
    metrics=(FIRST, LAST, PEAK),
    targets=(),
    opened=_opened_loads,
    rounds=_once,
    limits=(Limit(PEAK.name, MOST_MB),),
)

STEADY = Workload(
    name="memory-steady",
    title="resident memory of the daemon while sessions come and go",
    metrics=(FIRST, LAST, PEAK, GROWTH),
    targets=(),
    opened=_opened_steady,
    rounds=_once,
    limits=(Limit(PEAK.name, MOST_MB), Limit(GROWTH.name, FLAT_MB_A_MINUTE)),
)
