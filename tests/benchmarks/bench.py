"""Measures the daemon beside its floors and its peers, in one run, as ratios.

Absolute figures depend on the machine; the ratios are what to compare. docs/performance.md tells how to read them.

    python -m tests.benchmarks.bench                      # everything
    python -m tests.benchmarks.bench --json figures.json  # keeps all samples too
    python -m tests.benchmarks.bench --plot figures.svg   # draws the ratios
    python -m tests.benchmarks.bench --only replay --replay-events 100000
    python -m tests.benchmarks.bench --quick              # only proves that it runs
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import Report
from tests.benchmarks.floors import noop_server
from tests.benchmarks.machine import described
from tests.benchmarks.peers.registry import PEERS, open_peers
from tests.benchmarks.rounds import measured
from tests.benchmarks.setting import Setting
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.table import as_json, as_markdown, as_table
from tests.benchmarks.workloads.registry import WORKLOADS
from tests.benchmarks.workloads.workload import Workload

__all__ = ["main"]

_NAMES = [workload.name for workload in WORKLOADS]


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures the daemon beside its floors and its peers.")
    parser.add_argument("--quick", action="store_true", help="only prove that it runs; the figures mean nothing")
    parser.add_argument(
        "--only", nargs="+", type=_prefix, default=[""], metavar="PREFIX", help=f"of {', '.join(_NAMES)}"
    )
    parser.add_argument("--rounds", type=int, help="how often each candidate does its work")
    parser.add_argument("--replay-events", type=int, help="how many events the replay reads")
    parser.add_argument("--tails", type=int, help="how many tails follow at once")
    parser.add_argument("--scale-events", type=int, help="how many events the filled database has")
    parser.add_argument("--scale-sessions", type=int, help="how many sessions the filled database has")
    parser.add_argument("--memory-minutes", type=float, help="how long the memory is watched under load")
    parser.add_argument("--no-peers", action="store_true", help="measure beside the floors only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples to a file; - is the output")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write a table for a page")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the ratios; the ending chooses the format")
    parser.add_argument("--folder", type=Path, help="where the data of all candidates is kept while it runs")
    arguments = parser.parse_args()
    try:
        _sizes(arguments)
    except ValueError as error:
        parser.error(str(error))
    return arguments


def _prefix(text: str) -> str:
    """The first letters of the names of workloads. Raises ArgumentTypeError when there is none of them."""
    if not any(name.startswith(text) for name in _NAMES):
        raise argparse.ArgumentTypeError(f"no workload begins with {text!r}; there are {', '.join(_NAMES)}")
    return text


def _sizes(arguments: argparse.Namespace) -> Sizes:
    sizes = Sizes.quick() if arguments.quick else Sizes()
    if arguments.rounds:
        sizes = replace(sizes, rounds=arguments.rounds, replay_rounds=arguments.rounds)
    return replace(
        sizes,
        replay=arguments.replay_events or sizes.replay,
        tails=arguments.tails or sizes.tails,
        scale_events=arguments.scale_events or sizes.scale_events,
        scale_sessions=arguments.scale_sessions or sizes.scale_sessions,
        memory_minutes=arguments.memory_minutes or sizes.memory_minutes,
    )


def _drawing() -> Callable[[Mapping[str, Any], Path], None]:
    """What draws; needed only for a picture. Raises ImportError before a long run, and not after it."""
    from tests.benchmarks.plot import draw

    return draw


async def _run(arguments: argparse.Namespace, folder: Path) -> None:
    draw = _drawing() if arguments.plot else None
    facts, sizes = described(folder), _sizes(arguments)
    workloads: list[Workload] = [each for each in WORKLOADS if each.name.startswith(tuple(arguments.only))]
    reports: list[Report] = []
    peers = () if arguments.no_peers else PEERS
    async with open_peers(folder / "peers", peers) as found, noop_server(folder) as noop_address:
        versions = {name: store.version for name, (_, store) in found.here.items()}
        for name, version in versions.items():
            _say(f"found {name}: {version}")
        for name, (_, reason) in found.absent.items():
            _say(f"absent {name}: {reason}")
        setting = Setting(folder, sizes, noop_address, found.here, found.absent)
        reports.extend([await measured(workload, setting, _say) for workload in workloads])
    if arguments.markdown:
        arguments.markdown.write_text(as_markdown(reports), encoding="utf-8")
    result = as_json(reports, facts, sizes, versions)
    if draw is not None:
        draw(result, arguments.plot)
    if arguments.json == Path("-"):
        sys.stdout.write(json.dumps(result, indent=1) + "\n")
        return
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(as_table(reports, facts, sizes))


def main() -> int:
    """Runs the benchmark from the command line."""
    arguments = _arguments()
    # The children end with this process, also when something asks it to end.
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    with tempfile.TemporaryDirectory(prefix="sd-bench-", dir=arguments.folder, ignore_cleanup_errors=True) as folder:
        # A server that refuses to be root's runs as another user, and must reach its folder.
        Path(folder).chmod(0o711)
        try:
            asyncio.run(_run(arguments, Path(folder).resolve()))
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
