"""Many clients that come at the same moment, as after a restart."""

import asyncio
from typing import Any

from sessionstore import AsyncSessionStore
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.benchmarks.channels import open_channels
from tests.integration.conftest import DaemonUnderTest

TAILS = 3000


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
