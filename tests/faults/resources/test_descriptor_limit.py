"""A daemon that may open no more files and connections: what is open goes on, the rest is told, or waits."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from sessiond.store.sqlite.engine import DATABASE_NAME
from sessiond.store.sqlite.session_reads import MEMORY_BYTES
from sessionstore import AsyncSessionStore
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import collect
from tests.faults.resources.caller import Caller, caller
from tests.integration.process import SESSIOND, DaemonProcess

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of other processes need Linux")

CALL_BYTES = 700_000

SAMPLES = 20
"""The daemon reads a file for less time than so many looks take."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    with DaemonProcess(tmp_path) as running:
        yield running


@pytest.fixture
async def client(daemon: DaemonProcess) -> AsyncIterator[Caller]:
    """A client that is connected, and a session with an event."""
    async with caller(daemon.address) as connected:
        await connected.create("s")
        await connected.append("s", "before")
        yield connected


def numbers(daemon: DaemonProcess) -> set[int]:
    """The numbers of the descriptors that are open, and not only for the moment in which a file is read."""
    open_in_each = [
        {int(each.name) for each in Path(f"/proc/{daemon.process.pid}/fd").iterdir()} for _ in range(SAMPLES)
    ]
    return set.intersection(*open_in_each)


def descriptors(daemon: DaemonProcess) -> int:
    return len(numbers(daemon))


@contextmanager
def limited(daemon: DaemonProcess, more: int = 0) -> Iterator[None]:
    """So many more descriptors than are open, and no more, as long as it is entered."""
    pid = daemon.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    # It is not their number that is limited: none may be higher, and between those that are open some may be free.
    used = numbers(daemon)
    first_to_refuse = [number for number in range(len(used) + more + 1) if number not in used][more]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (first_to_refuse, hard))
    yield
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_copy_that_cannot_be_set_aside_is_told(daemon: DaemonProcess, client: Caller) -> None:
    """A session with many tool calls is not answered in part, and is when there are descriptors again."""
    calls = [f"c{number}" for number in range(MEMORY_BYTES // CALL_BYTES + 2)]
    for name in calls:
        await client.create_tool_call("s", name, CALL_BYTES)
    with limited(daemon):
        assert "UNAVAILABLE STORAGE_UNAVAILABLE" == await client.refusal(client.tool_call_ids("s"))
        assert 1 == await client.append("s", "after")
        assert ["before", "after"] == await client.event_ids("s")
        await client.wait_for_health(serving=True)
    assert calls == await client.tool_call_ids("s")
    assert "Traceback" not in daemon.stop()[1]


async def test_checkpoints_need_no_more_descriptors(daemon: DaemonProcess, client: Caller) -> None:
    """The database takes what is in the log, and what was written is read."""
    database = daemon.data_dir / DATABASE_NAME
    before = database.stat().st_size
    with limited(daemon):
        names = [f"e{number}" for number in range(10)]
        for name in names:
            await client.append("s", name, "x" * 600_000)
        async with asyncio.timeout(30):
            while database.stat().st_size < before + 600_000:
                await asyncio.sleep(0.01)
        assert ["before", *names] == await client.event_ids("s")


async def test_more_connections_than_descriptors_harm_nobody_who_is_connected(
    daemon: DaemonProcess, client: Caller
) -> None:
    """Calls and tails that are open go on; who comes later is served when others have left."""
    async with AsyncSessionStore(daemon.address) as follower, follower.tail("s") as events:
        assert "before" == (await anext(events)).event_id
        with limited(daemon, more=8), ExitStack() as connections:
            most = descriptors(daemon) + 8
            for _ in range(40):
                connection = connections.enter_context(socket.socket(socket.AF_UNIX))
                connection.connect(daemon.address.removeprefix("unix:"))
            async with asyncio.timeout(30):
                while descriptors(daemon) < most:
                    await asyncio.sleep(0.01)
            assert 1 == await client.append("s", "meanwhile")
            assert "meanwhile" == (await anext(events)).event_id
            assert ["before", "meanwhile"] == await client.event_ids("s")
            await client.wait_for_health(serving=True)
            async with caller(daemon.address) as late:
                waiting = asyncio.create_task(late.wait_for_health(serving=True))
                connections.close()
                await waiting
    assert "Traceback" not in daemon.stop()[1]


async def test_the_daemon_takes_as_many_descriptors_as_it_is_allowed(tmp_path: Path) -> None:
    """Whatever low limit it was started with, as long as it may raise it."""
    command = ("sh", "-c", 'ulimit -S -n 128; exec "$0" "$@"', SESSIOND)
    with DaemonProcess(tmp_path, command=command) as daemon:
        soft, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)
        assert min(hard, 65_536) == soft
        async with caller(daemon.address) as client:
            await client.create("s")
            assert [] == await collect(client.stub.GetEvents(pb.GetEventsRequest(session_id="s")), "events")


async def test_more_connections_of_pages_than_descriptors_harm_nobody_who_is_connected(tmp_path: Path) -> None:
    """As above, at the listener for browsers; who comes later is turned away, and the log says so once."""
    with DaemonProcess(tmp_path, "--listen", "http://127.0.0.1:0") as daemon:
        port = int(daemon.ready_line.rsplit(":", 1)[1])
        async with caller(daemon.address) as client:
            await client.create("s")
            with limited(daemon, more=8), ExitStack() as connections:
                most = descriptors(daemon) + 8
                for _ in range(40):
                    connections.enter_context(socket.create_connection(("127.0.0.1", port)))
                async with asyncio.timeout(30):
                    while descriptors(daemon) < most:
                        await asyncio.sleep(0.01)
                assert 0 == await client.append("s", "meanwhile")
                assert ["meanwhile"] == await client.event_ids("s")
                await client.wait_for_health(serving=True)
                assert "" == await asked(port)
                connections.close()
                async with asyncio.timeout(30):
                    while "HTTP/1.1 401" not in await asked(port):
                        await asyncio.sleep(0.01)
        log = daemon.stop()[1]
        assert ("Traceback" not in log, 1) == (True, log.count("turned away: Too many open files"))


async def asked(port: int) -> str:
    """The first line of an answer, to a call without credentials; nothing when it was turned away."""
    try:
        async with asyncio.timeout(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /sessionstore.v1.SessionStoreService/CreateSession HTTP/1.1\r\nhost: localhost\r\n")
            writer.write(b"content-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
            answer = await reader.readline()
            writer.close()
            await writer.wait_closed()
    except ConnectionError:
        return ""
    return answer.decode()
