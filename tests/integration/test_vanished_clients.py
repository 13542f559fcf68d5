"""A client that is stopped answers nothing, though its connection stays: it is missed, and let go."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from sessionstore import AsyncSessionStore
from sessionstore.v1 import admin_service_pb2 as admin_pb
from tests.builders import part
from tests.integration.process import DaemonProcess

PATIENCE_SECONDS = 45

FOLLOWER = """
import sys
from sessionstore import SessionStore
with SessionStore(sys.argv[1]) as store, store.tail("s") as tail:
    for stored in tail:
        print(stored.sequence, flush=True)
"""


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[AsyncSessionStore]:
    """A client of a daemon at a port, which asks after a second whether a client is there."""
    with DaemonProcess(tmp_path, "--insecure", "--keepalive-seconds", "1", listen="127.0.0.1:0") as daemon:
        async with AsyncSessionStore(daemon.ready_line.split()[-1]) as client:
            await client.create_session(session_id="s")
            yield client


async def until(client: AsyncSessionStore, holds: Callable[[admin_pb.GetServerMetricsResponse], bool]) -> None:
    """Waits until the daemon's metrics are so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds(await client.get_server_metrics()):
            await asyncio.sleep(0.05)


async def test_a_stopped_client_loses_its_tail_and_goes_on_without_a_gap(client: AsyncSessionStore) -> None:
    """Its connection is closed, and nothing of it stays open; when it goes on it tails again from where it was."""
    follower = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FOLLOWER, client.address, stdout=asyncio.subprocess.PIPE
    )
    assert follower.stdout is not None
    try:
        await client.append_event("s", part("before"))
        assert b"0\n" == await follower.stdout.readline()
        assert 1 == (await client.get_server_metrics()).open_tails
        follower.send_signal(signal.SIGSTOP)
        await until(client, lambda metrics: metrics.open_tails == 0)
        for text in ("while it is away", "and another"):
            await client.append_event("s", part(text))
        follower.send_signal(signal.SIGCONT)
        assert [b"1\n", b"2\n"] == [await follower.stdout.readline() for _ in range(2)]
    finally:
        follower.kill()
        await follower.wait()
