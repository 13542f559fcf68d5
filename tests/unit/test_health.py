"""What those who watch the health are told as the daemon stops."""

import asyncio

import pytest
from grpc_health.v1 import health_pb2

from sessiond.services.health import StoreHealth
from sessiond.store.errors import DrainingError
from sessiond.store.sqlite.engine import SqliteStore

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


async def test_an_answer_that_was_on_its_way_when_the_end_began_is_not_the_last_word(store: SqliteStore) -> None:
    """Who watches is told NOT_SERVING before the call ends, however late the answer before arrives."""
    health = StoreHealth(store, [""])
    await health.start()
    watching = health.servicer.Watch(health_pb2.HealthCheckRequest(), None)
    told = [(await anext(watching)).status]
    await health.stop()
    told.append((await anext(watching)).status)
    with pytest.raises(DrainingError):
        await anext(watching)
    assert [SERVING, NOT_SERVING] == told


async def test_one_who_takes_nothing_keeps_nobody_from_being_told(store: SqliteStore) -> None:
    """Neither the others who watch, nor the daemon that stops."""
    health = StoreHealth(store, [""])
    await health.start()
    taking_nothing, watching = (health.servicer.Watch(health_pb2.HealthCheckRequest(), None) for _ in range(2))
    await anext(taking_nothing)
    assert SERVING == (await anext(watching)).status
    change = asyncio.ensure_future(anext(watching))
    await health.stop()
    assert NOT_SERVING == (await change).status
    await taking_nothing.aclose()
