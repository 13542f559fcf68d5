"""Puts a steady load on a daemon for minutes or hours, and sees whether anything grows.

    python -m tests.faults.soak.soak --duration 10m --json build/soak.json --plot build/soak.svg

An interrupt ends it before its time; what there is by then is judged, kept and drawn. So it is when a call fails.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.faults.soak.plot import draw
from tests.faults.soak.running import run_soak
from tests.faults.soak.samples import Sample
from tests.faults.soak.verdict import JUDGED_SECONDS, memory_growth

__all__ = ["main"]

ROWS = 12
SECONDS_A_UNIT = {"s": 1, "m": 60, "h": 3600}


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
