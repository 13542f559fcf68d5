"""Puts a steady load on a daemon for minutes or hours, and sees whether anything grows.

    python -m tests.faults.soak.soak --duration 10m --json build/soak.json --plot build/soak.svg

An interrupt ends it before its time; what there is by then is judged, kept and drawn. So it is when a call fails.
"""

import argparse
import asyncio
import json
import re
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from time import monotonic

from tests.benchmarks.daemon import running_daemon
from tests.benchmarks.events import EVENT
from tests.faults.soak.load import run_load
from tests.faults.soak.plot import draw
from tests.faults.soak.samples import Sample, sampled, taken
from tests.faults.soak.verdict import JUDGED_SECONDS, memory_growth, violations

__all__ = ["run_soak"]

SAMPLES = 600
LEAST_INTERVAL_SECONDS = 0.25
ROWS = 12
SECONDS_A_UNIT = {"s": 1, "m": 60, "h": 3600}
PATIENCE_SECONDS = 60.0


async def run_soak(folder: Path, seconds: float) -> tuple[list[Sample], list[str]]:
    """The samples of a run of so many seconds, and what is wrong with them."""
    async with running_daemon(folder) as daemon:
        # With what the client that writes keeps open.
        await daemon.client.create_session(session_id="first")
        await daemon.client.append_event("first", EVENT)
        quiet = await taken(daemon.client, monotonic())
        interrupted = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, interrupted.set)
        end = monotonic() + seconds
        ended_by: list[str] = []
        async with sampled(daemon.client, max(LEAST_INTERVAL_SECONDS, seconds / SAMPLES)) as samples:
            try:
                await run_load(daemon, lambda: interrupted.is_set() or monotonic() >= end)
            except* Exception as failed:  # noqa: BLE001 - whatever it is, the samples until then are kept
                ended_by = [f"the load was ended by {failure!r}" for failure in _single(failed)]
            finally:
                loop.remove_signal_handler(signal.SIGINT)
        found = ended_by + violations(samples)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (after := await taken(daemon.client, end - seconds)).tails or after.tasks > quiet.tasks + 1:
                    await asyncio.sleep(LEAST_INTERVAL_SECONDS)
        except TimeoutError:
            found.append(f"{after.tails} tails and {after.tasks} tasks are left, {quiet.tasks} were there before")
        return samples, found


def _single(failed: BaseException) -> list[BaseException]:
    """What a group of exceptions consists of, however deep."""
    if isinstance(failed, BaseExceptionGroup):
        return [single for inner in failed.exceptions for single in _single(inner)]
    return [failed]


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+)([smh])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; write it like 30s, 10m or 2h")
    return int(match[1]) * SECONDS_A_UNIT[match[2]]


def _print_table(samples: Sequence[Sample]) -> None:
    sys.stdout.write("   minutes  memory MB  descriptors  tasks  tails   WAL MB  lag ms      events\n")
    step = max(1, len(samples) // ROWS)
    for first in range(0, len(samples), step):
        rows = samples[first : first + step]
        last = rows[-1]
        sys.stdout.write(
            f"{last.seconds / 60:10.2f} {last.memory_mb:10.1f} {last.descriptors:12} {last.tasks:6} {last.tails:6}"
            f" {max(row.wal_mb for row in rows):8.1f} {max(row.lag_ms for row in rows):7.1f} {last.events:11,}\n"
        )


def main() -> int:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description="Puts a steady load on a daemon, and sees whether anything grows.")
    parser.add_argument("--duration", type=_seconds, default="10m", help="such as 30s, 10m or 2h")
    parser.add_argument("--json", type=Path, help="where to keep all samples")
    parser.add_argument("--plot", type=Path, help="where to draw them")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sessiond-soak-") as folder:
        samples, found = asyncio.run(run_soak(Path(folder), arguments.duration))
    _print_table(samples)
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps([asdict(sample) for sample in samples], indent=1), encoding="utf-8")
    if arguments.plot is not None:
        draw(samples, arguments.plot)
    for violation in found:
        sys.stdout.write(f"  {violation}\n")
    judged = "" if samples[-1].seconds >= JUDGED_SECONDS else ", too short to be judged"
    sys.stdout.write(
        f"{samples[-1].seconds / 60:.1f} minutes, {samples[-1].events:,} events; the memory grew by"
        f" {memory_growth(samples):.2f} MB a minute after the settling{judged}; {len(found)} violations\n"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
