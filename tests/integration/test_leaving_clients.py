"""Clients that leave in the middle of what they asked for: nothing of that is an error of the server."""

import asyncio
import logging
from pathlib import Path

import grpc
import pytest

from sessionstore import AsyncSessionStore
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.builders import append, commit, part
from tests.integration.conftest import DaemonUnderTest
from tests.integration.process import DaemonProcess

TAILS, EVENTS, EVENT_BYTES = 20, 40, 100_000
MANY_TAILS = 500


@pytest.fixture
async def history(client: AsyncSessionStore) -> str:
    """A session of more than gRPC sends ahead to a client that does not read."""
    await client.create_session(session_id="s")
    async for _ in client.write([commit("s", append(part("x" * EVENT_BYTES)))] * EVENTS):
        pass
    return "s"


async def test_a_reader_that_leaves_in_the_middle_is_no_error(
    daemon: DaemonUnderTest, client: AsyncSessionStore, history: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in the log nor among the refusals, though the frame that was on its way is lost with the client."""
    async with grpc.aio.insecure_channel(daemon.address, options=[("grpc.default_authority", "localhost")]) as channel:
        stub = SessionStoreServiceStub(channel)
        calls = [stub.TailEvents(pb.TailEventsRequest(session_id=history)) for _ in range(TAILS)]
        calls += [stub.GetEvents(pb.GetEventsRequest(session_id=history)) for _ in range(TAILS)]
        await asyncio.gather(*(call.read() for call in calls))
        for call in calls:
            call.cancel()
        while (found := await client.get_server_metrics()).open_calls > 2:
            pass
    assert {} == dict(found.refusals)
    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_program_that_leaves_with_all_its_tails_as_the_daemon_stops_is_no_error(tmp_path: Path) -> None:
    """What follows from its leaving is taken in a little at a time, and all of it before the daemon ends."""
    with DaemonProcess(tmp_path) as daemon:
        async with AsyncSessionStore(daemon.address) as client:
            await client.create_session(session_id="s")
        channel = grpc.aio.insecure_channel(daemon.address, options=[("grpc.default_authority", "localhost")])
        stub = SessionStoreServiceStub(channel)
        calls = [stub.TailEvents(pb.TailEventsRequest(session_id="s")) for _ in range(MANY_TAILS)]
        await asyncio.gather(*(call.read() for call in calls))
        await channel.close()
        assert (0, "") == daemon.stop()
