"""How many calls of pages are passed on to the daemon at once."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from connectrpc.request import Headers, RequestContext

from sessiond.web.forwarding import CALLS_AT_ONCE, forwarding_endpoints
from sessionstore.v1 import session_store_service_pb2

SERVICE = session_store_service_pb2.DESCRIPTOR.services_by_name["SessionStoreService"]
PATH = f"/{SERVICE.full_name}/"


class Channel:
    """A channel whose calls are answered when they are told to be."""

    def __init__(self) -> None:
        self.under_way: Counter[str] = Counter()
        self.timeouts: list[float | None] = []
        self.answered = asyncio.Event()

    def unary_unary(self, path: str) -> Callable[..., Any]:
        async def call(request: bytes, *, timeout: float | None, metadata: object) -> bytes:  # noqa: ASYNC109
            self.timeouts.append(timeout)
            self.under_way[path] += 1
            try:
                await self.answered.wait()
            finally:
                self.under_way[path] -= 1
            return b""

        return call

    def unary_stream(self, path: str) -> None:
        """None is called here."""

    stream_stream = unary_stream


class Page:
    """Pages that call by a channel."""

    def __init__(self) -> None:
        self.channel = Channel()
        channel: Any = self.channel
        self._endpoints = forwarding_endpoints(channel, [SERVICE])

    def call(self, name: str, timeout_ms: int | None = None) -> "asyncio.Task[Any]":
        endpoint = self._endpoints[PATH + name]
        context: Any = RequestContext(
            method=endpoint.method, http_method="POST", request_headers=Headers(), timeout_ms=timeout_ms
        )
        return asyncio.create_task(endpoint.function(b"", context))


@pytest.fixture
async def page() -> Page:
    return Page()


async def turns_of_the_loop() -> None:
    """So many that whoever can go on has done so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_flood_of_a_call_waits_before_the_daemon(page: Page) -> None:
    """Everybody is answered all the same."""
    calls = [page.call("AppendEvent") for _ in range(3 * CALLS_AT_ONCE)]
    await turns_of_the_loop()
    assert {f"{PATH}AppendEvent": CALLS_AT_ONCE} == page.channel.under_way
    page.channel.answered.set()
    assert len(calls) == len(await asyncio.gather(*calls))


async def test_calls_of_another_kind_do_not_wait_for_it(page: Page) -> None:
    """As when the disk takes no writes."""
    calls = [page.call("AppendEvent") for _ in range(3 * CALLS_AT_ONCE)]
    calls.append(page.call("ListSessions"))
    await turns_of_the_loop()
    assert 1 == page.channel.under_way[f"{PATH}ListSessions"]
    page.channel.answered.set()
    await asyncio.gather(*calls)


async def test_pages_that_go_away_give_their_places_back(page: Page) -> None:
    """Those that wait and those that are under way."""
    leaving = [page.call("AppendEvent") for _ in range(3 * CALLS_AT_ONCE)]
    await turns_of_the_loop()
    for call in leaving:
        call.cancel()
    await asyncio.wait(leaving)
    calls = [page.call("AppendEvent") for _ in range(CALLS_AT_ONCE)]
    await turns_of_the_loop()
    assert CALLS_AT_ONCE == page.channel.under_way[f"{PATH}AppendEvent"]
    page.channel.answered.set()
    await asyncio.gather(*calls)


async def test_the_time_that_a_call_waited_is_gone(page: Page) -> None:
    """The daemon gets what is left of its deadline."""
    calls = [page.call("AppendEvent") for _ in range(CALLS_AT_ONCE)]
    await turns_of_the_loop()
    calls.append(page.call("AppendEvent", timeout_ms=1))
    await asyncio.sleep(0.002)
    page.channel.answered.set()
    await asyncio.gather(*calls)
    assert 0 == page.channel.timeouts[-1]
