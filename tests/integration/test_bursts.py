"""Many clients that come at the same moment, as after a restart."""

import asyncio
import signal
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sessionstore import AsyncSessionStore
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.benchmarks.channels import open_channels
from tests.integration.conftest import DaemonUnderTest
from tests.integration.process import DaemonProcess

TAILS = 3000
PAGES = 300

SOMAXCONN = Path("/proc/sys/net/core/somaxconn")


async def test_thousands_of_tails_may_be_opened_at_once(daemon: DaemonUnderTest, client: AsyncSessionStore) -> None:
    """None is ended before it was looked at."""
    await client.create_session(session_id="s")
    request = pb.TailEventsRequest(session_id="s", no_follow=True)
    async with open_channels(daemon.address) as (channel,):
        stub: Any = SessionStoreServiceStub(channel)

        async def follow() -> str:
            return ",".join([frame.WhichOneof("frame") async for frame in stub.TailEvents(request)])

        frames = await asyncio.gather(*(follow() for _ in range(TAILS)))

    assert frames == ["caught_up"] * TAILS


@pytest.mark.skipif(
    not SOMAXCONN.exists() or int(SOMAXCONN.read_text()) < PAGES, reason="the system lets fewer connections wait"
)
def test_hundreds_of_pages_may_connect_before_one_is_accepted(tmp_path: Path) -> None:
    """The system has them wait; of those that it has no room for it would reset some, or let them try again."""
    with DaemonProcess(tmp_path, "--listen", "http://127.0.0.1:0") as daemon, ExitStack() as stack:
        host, _, port = daemon.ready_line.strip().rpartition("http://")[2].rpartition(":")
        daemon.process.send_signal(signal.SIGSTOP)
        pages = []
        try:
            for _ in range(PAGES):
                pages.append(stack.enter_context(socket.create_connection((host, int(port)), timeout=10)))
                pages[-1].sendall(b"GET /nowhere HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        finally:
            daemon.process.send_signal(signal.SIGCONT)
        answers = [page.recv(12) for page in pages]
        assert [b"HTTP/1.1 404"] * PAGES == answers
