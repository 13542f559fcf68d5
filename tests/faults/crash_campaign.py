"""Kills the daemon again and again under a mixed load, and checks that no promise is broken.

Half of the deaths come at a moment of chance, the others where the daemon passes one of the failpoints. After the last
the histories of all clients are compared with the database.

    python -m tests.faults.crash_campaign --kills 500
    python -m tests.faults.crash_campaign --kills 30 --seed 7      # the seed of a run is in its last line
    python -m tests.faults.crash_campaign --failpoints commit-after tail-frame-before
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sessiond.importers import find_transcripts
from tests.faults.checker import violations
from tests.faults.failpoints import FAILPOINTS
from tests.faults.history import ARCHIVED
from tests.faults.load import Load
from tests.faults.stored import database_faults, stored_sessions
from tests.integration.process import DaemonProcess
from tests.recorded_sessions import recorded_folder

__all__ = ["Findings", "run_campaign"]

PAUSE_SECONDS = (0.02, 0.5)
PASSES = 15
"""A failpoint is met at one of its first passes."""

SELDOM, SELDOM_PASSES = ("archive", "restore", "session", "active", "trim"), 2
"""What the names of points hold that are passed a few times in a second, and which of their passes are met."""

KILLS_OF_A_ROUND = 100
"""After so many a round with new data and the next seed begins: histories are in memory until they are checked."""

KILLS_OF_A_RECORDED_SESSION = 12

REACH_SECONDS = 5.0
PATIENCE_SECONDS = 300.0
CHANCE = "a moment of chance"


@dataclass
class Findings:
    """What a campaign came to.

    Attributes:
        deaths: How often the daemon died, by where.
        unreached: The failpoints that it did not pass in time; it was killed all the same.
        acknowledged: How many events and messages were acknowledged, and checked.
        tailed: How many events were delivered by tails, and checked.
        archived: How many sessions were archived, and restored or deleted after it.
        imported: How many transcripts were imported, each until it succeeded.
    """

    deaths: Counter[str] = field(default_factory=Counter)
    unreached: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    tailed: int = 0
    archived: int = 0
    imported: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, other: "Findings") -> None:
        """Takes in what another round came to."""
        self.deaths += other.deaths
        self.unreached += other.unreached
        self.acknowledged += other.acknowledged
        self.tailed += other.tailed
        self.archived += other.archived
        self.imported += other.imported
        self.violations += other.violations


def _plan(kills: int, failpoints: Sequence[str], chance: random.Random) -> list[str | None]:
    """Where each death is to come: None for a moment of chance."""
    plan: list[str | None] = [None] * (kills - kills // 2 if failpoints else kills)
    rounds: list[str] = []
    while len(rounds) < kills - len(plan):
        rounds += chance.sample(failpoints, len(failpoints))
    plan += rounds[: kills - len(plan)]
    chance.shuffle(plan)
    return plan


async def _die(folder: Path, load: Load, failpoint: str | None, chance: random.Random, findings: Findings) -> None:
    """Starts a daemon, and sees it die."""
    if failpoint is None:
        daemon = DaemonProcess(folder)
    else:
        passes = str(chance.randint(1, SELDOM_PASSES if any(word in failpoint for word in SELDOM) else PASSES))
        command = [sys.executable, "-m", "tests.faults.dying_daemon", failpoint, passes]
        daemon = DaemonProcess(folder, command=command)
    with ExitStack() as ending:
        ending.push(daemon)
        try:
            await asyncio.to_thread(daemon.start)
        except AssertionError:
            # Some points are passed before it is ready.
            if daemon.process.returncode != -signal.SIGKILL:
                raise
        if failpoint is None:
            await asyncio.sleep(chance.uniform(*PAUSE_SECONDS))
        elif not await _died(daemon):
            findings.unreached[failpoint] += 1
            failpoint = None
        await asyncio.to_thread(daemon.stop, signal.SIGKILL)
    findings.deaths[failpoint or CHANCE] += 1
    if (error := load.broken()) is not None:
        raise error


async def _died(daemon: DaemonProcess) -> bool:
    """Whether the daemon reached its failpoint in time."""
    end = asyncio.get_running_loop().time() + REACH_SECONDS
    while asyncio.get_running_loop().time() < end:
        if daemon.process.poll() is not None:
            return True
        await asyncio.sleep(0.01)
    return False


def _recorded(kills: int) -> list[Path]:
    """The recorded sessions that a campaign of so many deaths has the time to import, where there are any."""
    folder = recorded_folder()
    files = [file.transcript.path for file in find_transcripts([folder]) if file.transcript] if folder else []
    return sorted(files)[: kills // KILLS_OF_A_RECORDED_SESSION]


async def run_campaign(folder: Path, kills: int, seed: int, failpoints: Sequence[str] = FAILPOINTS) -> Findings:
    """Runs the load with so many deaths, and checks. Raises what ended a client."""
    chance, findings = random.Random(seed), Findings()
    with DaemonProcess(folder) as first:
        load = Load(first.address, folder, _recorded(kills))
        await load.start()
        await asyncio.sleep(PAUSE_SECONDS[1])
        await asyncio.to_thread(first.stop, signal.SIGKILL)
    findings.deaths[CHANCE] += 1
    for failpoint in _plan(kills - 1, failpoints, chance):
        await _die(folder, load, failpoint, chance, findings)
    with DaemonProcess(folder) as last:
        await load.finish(PATIENCE_SECONDS)
        await asyncio.to_thread(last.stop)
        findings.violations = database_faults(last.data_dir)
        stored = stored_sessions(last.data_dir)
        findings.violations += violations(load.histories, stored)
        findings.violations += await load.imports.violations(stored)
    findings.acknowledged = load.acknowledged
    findings.imported = len(load.imports.done)
    findings.archived = sum(frozenset({ARCHIVED}) in history.places for history in load.histories)
    findings.tailed = sum(
        len(batch.events) for history in load.histories for tail in history.tails for batch in tail.batches
    )
    return findings


def main() -> int:
    """Runs a campaign from the command line."""
    parser = argparse.ArgumentParser(description="Kills the daemon under load, and checks that nothing is lost.")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--failpoints", nargs="*", choices=FAILPOINTS, default=FAILPOINTS, metavar="FAILPOINT")
    arguments = parser.parse_args()
    findings, left, seed = Findings(), arguments.kills, arguments.seed
    while left:
        kills = min(left, KILLS_OF_A_ROUND)
        with tempfile.TemporaryDirectory(prefix="sessiond-faults-") as folder:
            findings.add(asyncio.run(run_campaign(Path(folder), kills, seed, arguments.failpoints)))
        left, seed = left - kills, seed + 1
    for where, number in sorted(findings.deaths.items()):
        sys.stdout.write(f"{number:4} at {where}\n")
    for where, number in sorted(findings.unreached.items()):
        sys.stdout.write(f"{number:4} times {where} was not reached\n")
    for violation in findings.violations:
        sys.stdout.write(f"  {violation}\n")
    sys.stdout.write(
        f"{findings.archived} sessions were archived, {findings.imported} transcripts imported\n"
        f"{findings.deaths.total()} kills, {findings.acknowledged} acknowledged events and messages and"
        f" {findings.tailed} deliveries checked, {len(findings.violations)} violations (seed {arguments.seed})\n"
    )
    return 1 if findings.violations or not findings.acknowledged or not findings.tailed else 0


if __name__ == "__main__":
    sys.exit(main())
