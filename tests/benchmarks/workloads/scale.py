"""Every workload on a filled database and on an empty one: a daemon must not get slower by what it keeps."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from tests.benchmarks.daemon import running_daemon
from tests.benchmarks.figures import Candidate, Kind, Target
from tests.benchmarks.scale.folders import filled_folder, large
from tests.benchmarks.setting import Setting
from tests.benchmarks.workloads import (
    bulk_load,
    concurrent_appends,
    fan_out,
    replay,
    single_append,
    tail_latency,
    unary_appends,
)
from tests.benchmarks.workloads.workload import Driver, Workload

__all__ = ["EMPTY", "FILLED", "PREFIX", "SCALED", "WORKLOADS", "targets"]

PREFIX = "scale-"
FILLED = "sessiond, filled"
EMPTY = "sessiond, empty"

SLOWER = 1.25
"""So much longer may something take on a filled database."""

SCALED: tuple[tuple[Workload, Driver], ...] = (
    (single_append.WORKLOAD, single_append.ours),
    (concurrent_appends.WORKLOAD, concurrent_appends.ours),
    (unary_appends.WORKLOAD, unary_appends.ours),
    (bulk_load.WORKLOAD, bulk_load.ours),
    (tail_latency.WORKLOAD, tail_latency.ours),
    (fan_out.ONE_SESSION, fan_out.one_session),
    (fan_out.MANY_SESSIONS, fan_out.many_sessions),
    (replay.WORKLOAD, replay.ours),
)
"""The workloads, each with our part of it."""


def targets(workload: Workload) -> tuple[Target, ...]:
    """What is judged of a workload elsewhere is judged beside an empty database too."""
    judged = {target.metric for target in workload.targets}
    return tuple(
        Target(EMPTY, metric.name, SLOWER if metric.lower_is_better else 1 / SLOWER)
        for metric in workload.metrics
        if metric.name in judged
    )


@asynccontextmanager
async def _opened(setting: Setting, *, driver: Driver) -> AsyncIterator[list[Candidate]]:
    # A session of the usual length: the long one of the replay is beside the point here, and takes long to write.
    setting = replace(setting, sizes=replace(setting.sizes, replay=setting.sizes.scale_replay))
    contents = large(setting.sizes)
    async with (
        running_daemon(await filled_folder(setting, contents)) as filled,
        running_daemon(setting.fresh_path("d")) as empty,
        driver(filled, setting) as on_filled,
        driver(empty, setting) as on_empty,
    ):
        note = f"{contents.sessions * contents.events:,} events in {contents.sessions:,} sessions"
        yield [
            Candidate(FILLED, Kind.OURS, on_filled, note),
            Candidate(EMPTY, Kind.FLOOR, on_empty, "the same daemon on a new database"),
        ]


def _scaled(workload: Workload, driver: Driver) -> Workload:
    return Workload(
        name=f"{PREFIX}{workload.name}",
        title=f"{workload.title}, filled database",
        metrics=workload.metrics,
        targets=targets(workload),
        opened=partial(_opened, driver=driver),
    )


WORKLOADS = tuple(_scaled(workload, driver) for workload, driver in SCALED)
