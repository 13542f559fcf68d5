"""What the daemon's choices are worth: each made otherwise, beside the daemon as it is, in turn.

    python -m tests.benchmarks.choices
    python -m tests.benchmarks.choices --only nothing uvloop --rounds 7

The figures are the medians of the rounds' ratios: above 1, the daemon is faster with the choice made otherwise.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.daemon import running_daemon
from tests.benchmarks.figures import Metric, median_ratio
from tests.benchmarks.setting import Setting
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.varied_daemon import VARIATIONS
from tests.benchmarks.workloads.scale import SCALED
from tests.benchmarks.workloads.workload import Driver

__all__ = ["main"]

LEFT_OUT = "fan-out"
"""Those take longer than the others together."""

DRIVEN: dict[str, tuple[Metric, Driver]] = {
    workload.name: (workload.metrics[0], driver)
    for workload, driver in SCALED
    if not workload.name.startswith(LEFT_OUT)
}


async def _speeds(variation: str, setting: Setting, rounds: int) -> list[float]:
    """For each workload: how many times as fast it is with the variation."""
    command = [sys.executable, "-m", "tests.benchmarks.varied_daemon"]
    speeds: list[float] = []
    async with AsyncExitStack() as stack:
        varied = await stack.enter_async_context(running_daemon(setting.fresh_path("d"), [*command, variation]))
        usual = await stack.enter_async_context(running_daemon(setting.fresh_path("d"), [*command, "nothing"]))
        for metric, driver in DRIVEN.values():
            async with driver(varied, setting) as on_varied, driver(usual, setting) as on_usual:
                with_it: list[float] = []
                without: list[float] = []
                for number in range(rounds):
                    turns = [(on_varied, with_it), (on_usual, without)]
                    for run, values in turns[:: -1 if number % 2 else 1]:
                        values.append((await run())[metric.name])
            ratio = median_ratio(with_it, without) or 0.0
            speeds.append(1 / ratio if metric.lower_is_better else ratio)
    return speeds


async def _compare(variations: Sequence[str], rounds: int, folder: Path) -> None:
    sizes = replace(Sizes(), single=200, box_seconds=1.0, bulk=20_000, replay=50_000)
    setting = Setting(folder, sizes, noop_address="", peers={}, absent={})
    sys.stdout.write(f"| made otherwise | {' | '.join(DRIVEN)} |\n|{' --- |' * (len(DRIVEN) + 1)}\n")
    for variation in variations:
        speeds = await _speeds(variation, setting, rounds)
        sys.stdout.write(f"| {variation} | {' | '.join(f'{speed:.2f}' for speed in speeds)} |\n")
        sys.stdout.flush()


def main() -> None:
    """Runs the comparison from the command line."""
    parser = argparse.ArgumentParser(description="Measures what the daemon's choices are worth.")
    parser.add_argument("--only", nargs="+", choices=list(VARIATIONS), metavar="CHOICE", default=list(VARIATIONS))
    parser.add_argument("--rounds", type=int, default=5, help="how often each workload is run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sd-choices-") as folder:
        asyncio.run(_compare(arguments.only, arguments.rounds, Path(folder)))


if __name__ == "__main__":
    main()
