"""Clients that stop in the middle, and do not say so."""

import signal
from contextlib import AsyncExitStack

from tests.faults.clients.attack import Attack, ended
from tests.faults.clients.attacker import attacker
from tests.faults.clients.resetting import ResettingProxy

__all__ = ["frozen", "killed", "reset"]

PROCESSES = 4


async def frozen(attack: Attack) -> None:
    """Processes that are stopped (SIGSTOP) as they write and follow.

    Those at a port are missed, and let go. Those at the Unix socket may have left it full, so that nothing can be asked
    of them: they are killed in the end.
    """
    session = await attack.session("frozen")
    tails = max(1, attack.sizes.tails // (10 * PROCESSES))
    async with AsyncExitStack() as stack:
        for number in range(PROCESSES):
            address = attack.daemon.port if number % 2 else attack.daemon.address
            process = await stack.enter_async_context(attacker(address, session, tails))
            process.send_signal(signal.SIGSTOP)
        attack.counts["tails frozen"] = PROCESSES * tails
        await attack.serve()
        # Their connections are open as far as the operating system knows.
        await attack.daemon.until(lambda found: found.open_tails <= PROCESSES // 2 * tails)


async def killed(attack: Attack) -> None:
    """Processes that are killed (SIGKILL) as they write and follow, one after the other."""
    session = await attack.session("killed")
    tails = max(1, attack.sizes.tails // 20)

    async def one(_: int) -> None:
        async with attacker(attack.daemon.address, session, tails) as process:
            await ended(process)
        attack.counts["processes killed"] += 1

    await attack.flood(2, one)


async def reset(attack: Attack) -> None:
    """Connections that end with a reset (RST) in place of an end, as clients write and follow."""
    session = await attack.session("reset")
    tails = max(1, attack.sizes.tails // 20)
    async with ResettingProxy(attack.daemon.port) as proxy:

        async def one(_: int) -> None:
            async with attacker(proxy.address, session, tails):
                proxy.reset()
            attack.counts["connections reset"] += 1

        await attack.flood(1, one)
