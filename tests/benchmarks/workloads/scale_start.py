"""From the start of the process until it says that it is ready, on a filled database and on an empty one."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

from tests.benchmarks.figures import Candidate, Kind, Metric, Run, Target
from tests.benchmarks.scale.folders import filled_folder, large
from tests.benchmarks.setting import Setting
from tests.benchmarks.workloads.scale import EMPTY, FILLED, PREFIX
from tests.benchmarks.workloads.workload import Workload
from tests.integration.process import DaemonProcess

__all__ = ["WORKLOAD"]

READY = Metric("ready", "ms", lower_is_better=True)


def _started(folder: Path) -> float:
    daemon = DaemonProcess(folder)
    began = perf_counter()
    with daemon:
        seconds = perf_counter() - began
        # In order, so that the next start has nothing to recover.
        daemon.stop()
    return seconds


def _starting(folder: Path) -> Run:
    async def run() -> Mapping[str, float]:
        return {READY.name: await asyncio.to_thread(_started, folder) * 1000}

    return run


@asynccontextmanager
async def _opened(setting: Setting) -> AsyncIterator[list[Candidate]]:
    empty = setting.fresh_path("d")
    empty.mkdir()
    # Its database is made beforehand: what is compared is a start, and not a first start.
    await asyncio.to_thread(_started, empty)
    yield [
        Candidate(FILLED, Kind.OURS, _starting(await filled_folder(setting, large(setting.sizes)))),
        Candidate(EMPTY, Kind.FLOOR, _starting(empty), "the same daemon on a new database"),
    ]


WORKLOAD = Workload(
    name=f"{PREFIX}start-up",
    title="process start → ready, filled database",
    metrics=(READY,),
    targets=(Target(EMPTY, READY.name, 2.0),),
    opened=_opened,
)
