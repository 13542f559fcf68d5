"""What those who watch the health are told as the daemon stops."""

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2

from sessiond.services.health import StoreHealth
from sessiond.store.sqlite.engine import SqliteStore

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


class SlowWatcher:
    """The context of a call whose first answer is on its way for as long as it likes."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.arrives = asyncio.Event()

    async def write(self, response: health_pb2.HealthCheckResponse) -> None:
        self.told.append(response.status)
        await self.arrives.wait()

    async def abort(self, code: grpc.StatusCode, details: str) -> None:
        raise grpc.aio.AbortError(code, details)


async def test_an_answer_that_was_on_its_way_when_the_end_began_is_not_the_last_word(store: SqliteStore) -> None:
    """Who watches is told NOT_SERVING before the call ends, however late the answer before arrives."""
    health = StoreHealth(store, [""])
    await health.start()
    watcher = SlowWatcher()
    watching = asyncio.create_task(health.servicer.Watch(health_pb2.HealthCheckRequest(), watcher))
    while not watcher.told:
        await asyncio.sleep(0)
    stopping = asyncio.create_task(health.stop())
    while not health.servicer.ending:
        await asyncio.sleep(0)
    watcher.arrives.set()
    await stopping
    with pytest.raises(grpc.aio.AbortError):
        await watching
    assert [SERVING, NOT_SERVING] == watcher.told
