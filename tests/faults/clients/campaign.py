"""Lets hostile clients loose on a daemon, beside one that behaves, and sees what becomes of both.

    python -m tests.faults.clients.campaign
    python -m tests.faults.clients.campaign --quick --only frozen largest-calls

For each attack: how long the calls of the healthy client took when nobody else called, and during the attack; the most
memory that the daemon ever had; what it did not give back afterwards, and what was acknowledged and is not stored.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tests.benchmarks.figures import percentile
from tests.faults.clients.attack import Attack, Sizes
from tests.faults.clients.attacked_daemon import attacked_daemon
from tests.faults.clients.healthy import healthy_client
from tests.faults.clients.networks import NoNamespacesError
from tests.faults.clients.scenarios import cut_off, doors, floods, impatience, multiplexed, unread, vanishing

__all__ = [
    "AT_OTHER_DOORS",
    "CUT_OFF",
    "LONG",
    "NICENESS",
    "QUICK",
    "SCENARIOS",
    "SMALLEST",
    "Finding",
    "be_nice",
    "run_attack",
]

LONG = Sizes(tails=1000, workers=100, large_workers=50, rounds=200, most_seconds=15, sessions=2000, sweep=100)
QUICK = Sizes(tails=100, workers=30, large_workers=12, rounds=10, most_seconds=2, sessions=50, sweep=50)
SMALLEST = Sizes(tails=40, workers=20, large_workers=6, rounds=5, most_seconds=2, sessions=20, sweep=20)

QUICK_AT_ONCE = 4
"""What they do to each other does not count: how long the healthy client waits is judged by the long form alone."""

MOST_RATIO = 3.0
MOST_MB = 800.0
"""What clients have sent is in memory: a request for each open call, and gRPC's copy. The attacks send 350 MB."""

NICENESS = 10
"""Attackers on machines of their own would take no processor time from the daemon."""

_MANY_SESSIONS = "sessions"
CUT_OFF = "cut-off"
AT_OTHER_DOORS: dict[str, Callable[[Attack], Awaitable[None]]] = {
    "half-handshakes": doors.half_handshakes,
    "half-page-handshakes": doors.half_page_handshakes,
    "slow-headers": doors.slow_headers,
    "slow-bodies": doors.slow_bodies,
    "unread-pages": doors.unread_pages,
    "unread-secure-pages": doors.unread_secure_pages,
    "unread-page-calls": multiplexed.unread_calls,
    "reset-page-calls": multiplexed.reset_calls,
    "page-calls": doors.page_calls,
    "refused-page-calls": doors.refused_page_calls,
}
"""Those for which the daemon listens with TLS and for browsers too."""

SCENARIOS: dict[str, Callable[[Attack], Awaitable[None]]] = {
    "tails-unread": unread.tails_of_one_session,
    "tails-of-many-sessions": unread.tails_of_many_sessions,
    "tails-of-large-events": unread.tails_of_large_events,
    "answers-unread": unread.unread_answers,
    "frozen": vanishing.frozen,
    "killed": vanishing.killed,
    "reset": vanishing.reset,
    "streams": floods.streams,
    _MANY_SESSIONS: floods.sessions,
    "tiny-calls": floods.tiny_calls,
    "tiny-streams": floods.tiny_streams,
    "largest-calls": floods.largest_calls,
    "largest-streams": floods.largest_streams,
    "deadlines": impatience.deadlines,
    "cancellations": impatience.cancellations,
    **AT_OTHER_DOORS,
}
"""All attacks but the one at a cable, which has a daemon of its own."""


@dataclass(frozen=True)
class Finding:
    """What an attack came to.

    Attributes:
        quiet_p99: The healthy client's 99th percentile without the attack, in seconds.
        attacked_p99: The same during the attack.
        peak_mb: The most memory that the daemon ever had.
        violations: What it must not have done.
        counts: What the attackers did.
    """

    quiet_p99: float
    attacked_p99: float
    peak_mb: float
    violations: list[str]
    counts: dict[str, int]

    @property
    def ratio(self) -> float:
        """How many times as long the healthy client waited."""
        return self.attacked_p99 / self.quiet_p99


async def run_attack(folder: Path, name: str, sizes: Sizes, niceness: int = 0) -> Finding:
    """Runs one attack on a new daemon. Raises NoNamespacesError where the system does not allow what it needs.

    `niceness` is what the attackers leave to the daemon and the healthy client of the processor, for good.
    """
    async with AsyncExitStack() as stack:
        if name == CUT_OFF:
            daemon, plugged = await stack.enter_async_context(cut_off.daemon_at_a_cable(folder))
            scenario: Callable[[Attack], Awaitable[None]] = partial(cut_off.cut_off, plugged=plugged)
        elif name in AT_OTHER_DOORS:
            daemon, scenario = await stack.enter_async_context(doors.daemon_with_doors(folder)), SCENARIOS[name]
        else:
            options = ("--max-sessions", str(sizes.sessions)) if name == _MANY_SESSIONS else ()
            daemon = await stack.enter_async_context(attacked_daemon(folder, *options))
            scenario = SCENARIOS[name]
        healthy = await stack.enter_async_context(healthy_client(daemon.address, "healthy"))
        be_nice(niceness)
        quiet = await healthy.serve(sizes.rounds)
        before = await daemon.rest()
        attack = Attack(daemon, healthy, sizes)
        await scenario(attack)
        violations = [f"not given back: {leak}" for leak in await daemon.leaks(before)]
        violations += await attack.lost()
        if (peak := daemon.peak_mb()) > MOST_MB:
            violations.append(f"{peak:.0f} MB of memory")
        violations += [f"in the log: {line}" for line in daemon.complaints()[:3]]
        return Finding(percentile(quiet, 99), percentile(attack.seconds, 99), peak, violations, dict(attack.counts))


def be_nice(niceness: int) -> None:
    """All threads of this process, for good: those that gRPC has already would attack at the daemon's own priority."""
    for thread in Path("/proc/self/task").iterdir():
        # One that has ended since is as nice as it can be.
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, int(thread.name), niceness)


def _report(name: str, finding: Finding) -> None:
    counts = ", ".join(f"{number:,} {what}" for what, number in finding.counts.items())
    sys.stdout.write(
        f"{name:23} p99 {finding.quiet_p99 * 1000:6.1f} ms quiet {finding.attacked_p99 * 1000:7.1f} ms attacked"
        f" {finding.ratio:6.1f} x  peak {finding.peak_mb:5.0f} MB  {counts}\n"
    )
    for violation in finding.violations:
        sys.stdout.write(f"  {violation}\n")
    sys.stdout.flush()


def _in_a_folder(name: str, sizes: Sizes) -> Finding:
    with tempfile.TemporaryDirectory(prefix="sessiond-hostile-") as folder:
        return asyncio.run(run_attack(Path(folder), name, sizes, NICENESS))


def main() -> int:
    """Runs a campaign from the command line."""
    names = [*SCENARIOS, CUT_OFF]
    parser = argparse.ArgumentParser(description="Lets hostile clients loose on a daemon.")
    parser.add_argument("--quick", action="store_true", help="smaller attacks, to prove that they run")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="ATTACK", help=", ".join(names))
    arguments = parser.parse_args()
    broken, slow = 0, []
    # A process for each: who has become nice cannot go back, and the next daemon would be it too.
    at_once, sizes = (QUICK_AT_ONCE, QUICK) if arguments.quick else (1, LONG)
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes:
        attacks = {name: processes.submit(_in_a_folder, name, sizes) for name in arguments.only}
        for name, attacking in attacks.items():
            try:
                finding = attacking.result()
            except NoNamespacesError as error:
                sys.stdout.write(f"{name:23} SKIPPED: {error}\n")
                continue
            except Exception as error:  # noqa: BLE001 - the other attacks are worth to be seen too
                sys.stdout.write(f"{name:23} ENDED: {error!r}\n{error.__cause__}\n")
                broken += 1
                continue
            _report(name, finding)
            broken += len(finding.violations)
            if finding.ratio > MOST_RATIO and not arguments.quick:
                slow.append(f"{name} {finding.ratio:.1f} x")
    sys.stdout.write(f"{len(arguments.only)} attacks, {broken} violations\n")
    if slow:
        sys.stdout.write(f"the healthy client waited more than {MOST_RATIO:g} times as long: {', '.join(slow)}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
