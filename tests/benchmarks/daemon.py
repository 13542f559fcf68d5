"""The daemon itself, driven through its Python client."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from sessionstore import AsyncSessionStore
from tests.benchmarks.events import EVENT
from tests.benchmarks.stores import Store
from tests.integration.process import SESSIOND, DaemonProcess

__all__ = ["OURS", "Daemon", "running_daemon"]

OURS = "sessiond"


class Daemon(Store):
    """A daemon of one workload, in a process of its own, on a Unix socket."""

    name = OURS
    version = version("sessiond")
    note = "on disk before each answer"

    def __init__(self, process: DaemonProcess, client: AsyncSessionStore) -> None:
        self.address = process.address
        self.data_dir = process.data_dir
        self.pid = process.process.pid
        self.client = client
        """The client that writes."""

    async def prepare(self, sessions: Sequence[str]) -> None:
        for session in sessions:
            await self.client.create_session(session_id=session)

    async def append(self, session: str) -> object:
        return await self.client.append_event(session, EVENT)

    @asynccontextmanager
    async def follow(self, session: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
        async with AsyncSessionStore(self.address) as reader, reader.tail(session) as tail:
            yield tail.__anext__


@asynccontextmanager
async def running_daemon(folder: Path, command: Sequence[str] = (SESSIOND,)) -> AsyncIterator[Daemon]:
    """A daemon on the data in a folder, which is made when it is not there, and a client.

    `command` is what is to be run in place of `sessiond`.
    """
    folder.mkdir(exist_ok=True)
    with DaemonProcess(folder, command=command) as process:
        async with AsyncSessionStore(process.address) as client:
            yield Daemon(process, client)
