"""Clients whose network is gone: no word comes from them any more, and none reaches them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.faults.clients.attack import Attack
from tests.faults.clients.attacked_daemon import AttackedDaemon, attacked_daemon
from tests.faults.clients.attacker import attacker
from tests.faults.clients.networks import Cable, cable
from tests.integration.process import SESSIOND

__all__ = ["cut_off", "daemon_at_a_cable"]


@asynccontextmanager
async def daemon_at_a_cable(folder: Path) -> AsyncIterator[tuple[AttackedDaemon, Cable]]:
    """A daemon in a network of its own, and the cable to it. Raises NoNamespacesError."""
    with cable() as plugged:
        async with attacked_daemon(folder, host=plugged.host, command=(*plugged.at_server, SESSIOND)) as daemon:
            yield daemon, plugged


async def cut_off(attack: Attack, plugged: Cable) -> None:
    """Writers and tails behind a cable that is cut: they are missed, and let go."""
    session = await attack.session("cut")
    tails = max(1, attack.sizes.tails // 10)
    async with attacker(attack.daemon.port, session, tails, plugged.at_client):
        plugged.cut()
        attack.counts["tails cut off"] = tails
        await attack.serve()
        await attack.daemon.until(lambda found: not found.open_tails and found.open_write_streams <= 1)
