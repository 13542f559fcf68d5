"""A real daemon and real clients, over a Unix socket."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from sessiond.config import ServeConfig
from sessiond.contract.limits import Limits
from sessiond.server import Daemon, running_daemon
from sessionstore import AsyncSessionStore
from tests.integration.pages import Served, serving


class DaemonUnderTest:
    """A daemon on a directory of its own, which can be stopped and started again."""

    def __init__(self, folder: Path, limits: Limits | None = None, *, grace_seconds: float = 5) -> None:
        self.config = ServeConfig(
            data_dir=folder / "data",
            listen=(f"unix:{folder / 's.sock'}",),
            durability="normal",
            grace_seconds=grace_seconds,
            limits=limits or Limits(),
        )
        self.address = self.config.listen[0]
        self._running = AsyncExitStack()

    async def start(self) -> Daemon:
        """Starts it."""
        return await self._running.enter_async_context(running_daemon(self.config))

    async def stop(self) -> None:
        """Stops it in good order."""
        await self._running.aclose()
        self._running = AsyncExitStack()


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[DaemonUnderTest]:
    """A daemon that serves."""
    under_test = DaemonUnderTest(tmp_path)
    await under_test.start()
    yield under_test
    await under_test.stop()


@pytest.fixture
async def client(daemon: DaemonUnderTest) -> AsyncIterator[AsyncSessionStore]:
    """A client of the daemon."""
    async with AsyncSessionStore(daemon.address) as connected:
        yield connected


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A daemon in this process that serves browsers."""
    async with serving(tmp_path) as found:
        yield found
