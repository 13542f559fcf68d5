"""How long a client waits at a daemon that nobody attacks, while another one beside it is attacked.

    python -m tests.faults.clients.elsewhere
    python -m tests.faults.clients.elsewhere --only killed reset

What that is more than without an attack is the machine's, whose processors the attackers and the other daemon have in
between, though they leave them to the client and its daemon as far as the system lets them. It is in the figures of the
campaign too, where it is not the daemon's doing.
"""

import argparse
import asyncio
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from multiprocessing import get_context
from pathlib import Path

from tests.benchmarks.figures import percentile
from tests.faults.clients.attack import Attack
from tests.faults.clients.attacked_daemon import attacked_daemon
from tests.faults.clients.campaign import AT_OTHER_DOORS, LONG, NICENESS, SCENARIOS, be_nice
from tests.faults.clients.healthy import healthy_client
from tests.faults.clients.scenarios.doors import daemon_with_doors

__all__: list[str] = []

COUNTS_SESSIONS = "sessions"
"""The attack that looks for the healthy client's session where it attacks."""


async def _measure(folder: Path, name: str) -> tuple[float, float]:
    """The 99th percentile without the attack, and while it goes to another daemon, in seconds."""
    ours, theirs = folder / "ours", folder / "theirs"
    for each in (ours, theirs):
        each.mkdir()
    async with AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(attacked_daemon(ours))
        healthy = await stack.enter_async_context(healthy_client(daemon.address, "healthy"))
        quiet = await healthy.serve(LONG.rounds)
        be_nice(NICENESS)
        start = daemon_with_doors if name in AT_OTHER_DOORS else attacked_daemon
        attack = Attack(await stack.enter_async_context(start(theirs)), healthy, LONG)
        await SCENARIOS[name](attack)
        return percentile(quiet, 99), percentile(attack.seconds, 99)


def _in_a_folder(name: str) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="sessiond-elsewhere-") as folder:
        return asyncio.run(_measure(Path(folder), name))


def main() -> None:
    """Measures from the command line."""
    names = [name for name in SCENARIOS if name != COUNTS_SESSIONS]
    parser = argparse.ArgumentParser(description="Measures how long a client waits beside an attack on somebody else.")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="ATTACK", help=", ".join(names))
    # A process for each: who has become nice cannot go back.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes:
        for name in parser.parse_args().only:
            quiet, beside = processes.submit(_in_a_folder, name).result()
            ratio = beside / quiet
            sys.stdout.write(
                f"{name:23} p99 {quiet * 1000:6.1f} ms quiet {beside * 1000:7.1f} ms beside {ratio:6.1f} x\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
