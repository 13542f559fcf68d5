"""Kills the daemon again and again under a mixed load, and checks that no promise is broken.

Half of the deaths come at a moment of chance, some of them in good order, the others where the daemon passes one of the
failpoints. After the last the histories of all clients are compared with the database. Of a round with violations the
database, the daemon's log and the histories of the sessions concerned are kept in build/faults.

    python -m tests.faults.crash_campaign --kills 500
    python -m tests.faults.crash_campaign --kills 30 --seed 7      # the seed of a run is in its last line
    python -m tests.faults.crash_campaign --failpoints commit-after tail-frame-before
"""

import argparse
import asyncio
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from sessiond.importers import find_transcripts
from tests.faults.checker import violations
from tests.faults.crash_findings import CHANCE, STOPPED, Findings
from tests.faults.failpoints import FAILPOINTS
from tests.faults.history import ARCHIVED
from tests.faults.load import Load
from tests.faults.stored import database_faults, stored_sessions
from tests.integration.process import DaemonProcess
from tests.recorded_sessions import recorded_folder

__all__ = ["run_campaign"]

PAUSE_SECONDS = (0.02, 0.5)
STOPS_OF = 4
"""One of so many of the ends at a moment of chance is one that the daemon is asked for."""

PASSES = 15
"""A failpoint is met at one of its first passes."""

SELDOM, SELDOM_PASSES = ("archive", "restore", "session", "active", "trim"), 2
"""What the names of points hold that are passed a few times in a second, and which of their passes are met."""

KILLS_OF_A_ROUND = 100
"""After so many a round with new data and the next seed begins: histories are in memory until they are checked."""

KILLS_OF_A_RECORDED_SESSION = 12

KEPT = Path("build/faults")
LOG_NAME, HISTORIES_NAME = "daemon.log", "histories.txt"

REACH_SECONDS = 20.0
"""So long a daemon may live without having met its failpoint: after a few short lives clients wait for seconds each."""

PATIENCE_SECONDS = 300.0


def _plan(kills: int, failpoints: Sequence[str], chance: random.Random) -> list[str | None]:
    """Where each death is to come: None for a moment of chance."""
    plan: list[str | None] = [None] * (kills - kills // 2 if failpoints else kills)
    rounds: list[str] = []
    while len(rounds) < kills - len(plan):
        rounds += chance.sample(failpoints, len(failpoints))
    plan += rounds[: kills - len(plan)]
    chance.shuffle(plan)
    return plan


async def _die(
    folder: Path, log: IO[bytes], load: Load, failpoint: str | None, chance: random.Random, findings: Findings
) -> None:
    """Starts a daemon, and sees it die."""
    if failpoint is None:
        daemon = DaemonProcess(folder, log=log)
    else:
        findings.armed[failpoint] += 1
        passes = str(chance.randint(1, SELDOM_PASSES if any(word in failpoint for word in SELDOM) else PASSES))
        command = [sys.executable, "-m", "tests.faults.dying_daemon", failpoint, passes]
        daemon = DaemonProcess(folder, command=command, log=log)
    with ExitStack() as ending:
        ending.push(daemon)
        try:
            await asyncio.to_thread(daemon.start)
        except AssertionError:
            # Some points are passed before it is ready.
            if daemon.process.returncode != -signal.SIGKILL:
                raise
        how, number = failpoint or CHANCE, signal.SIGKILL
        if failpoint is None:
            await asyncio.sleep(chance.uniform(*PAUSE_SECONDS))
            if chance.randrange(STOPS_OF) == 0:
                how, number = STOPPED, signal.SIGTERM
        elif not await _died(daemon):
            how = CHANCE
        code, _ = await asyncio.to_thread(daemon.stop, number)
        if how == STOPPED and code:
            findings.violations.append(f"the daemon: asked to stop, it ended with {code}")
    findings.deaths[how] += 1
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
    with (folder / LOG_NAME).open("ab") as log:
        with DaemonProcess(folder, log=log) as first:
            load = Load(first.address, folder, _recorded(kills))
            await load.start()
            await asyncio.sleep(PAUSE_SECONDS[1])
            await asyncio.to_thread(first.stop, signal.SIGKILL)
        findings.deaths[CHANCE] += 1
        for failpoint in _plan(kills - 1, failpoints, chance):
            await _die(folder, log, load, failpoint, chance, findings)
        with DaemonProcess(folder, log=log) as last:
            await load.finish(PATIENCE_SECONDS)
            await asyncio.to_thread(last.stop)
    findings.violations += database_faults(last.data_dir)
    stored = stored_sessions(last.data_dir)
    findings.violations += violations(load.histories, stored)
    findings.violations += await load.imports.violations(stored)
    concerned = {violation.partition(":")[0] for violation in findings.violations}
    histories = [f"{history!r}\n" for history in load.histories if history.session_id in concerned]
    (folder / HISTORIES_NAME).write_text("".join(histories), encoding="utf-8")
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
        with tempfile.TemporaryDirectory(prefix="sessiond-faults-") as name:
            found = asyncio.run(run_campaign(Path(name), kills, seed, arguments.failpoints))
            if found.violations:
                kept = KEPT / str(seed)
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(name, kept, ignore=shutil.ignore_patterns("*.sock"))
        findings.add(found)
        left, seed = left - kills, seed + 1
        sys.stdout.write(f"{findings.progress()}\n")
        sys.stdout.flush()
    for line in findings.lines():
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"the seed was {arguments.seed}\n")
    return 0 if findings.are_good else 1


if __name__ == "__main__":
    sys.exit(main())
