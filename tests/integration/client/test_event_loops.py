"""On which event loop a client lives: that of its first call, wherever it was made."""

import asyncio

import grpc
import pytest

from sessionstore import AsyncSessionStore, SessionStoreError
from tests.builders import append, part
from tests.integration.conftest import DaemonUnderTest


async def call_all_kinds(store: AsyncSessionStore) -> list[str]:
    await store.create_session(session_id="s")
    await store.append_event("s", part("a"))
    await store.commit("s", [append(part("b"))])
    async with store.tail("s", follow=False) as tail:
        return [stored.event.message_part.content async for stored in tail]


async def test_a_client_may_be_made_where_no_event_loop_runs(daemon: DaemonUnderTest) -> None:
    """As a global of a module, which is made before asyncio.run()."""

    def work() -> list[str]:
        store = AsyncSessionStore(daemon.address)

        async def use() -> list[str]:
            async with store:
                return await call_all_kinds(store)

        return asyncio.run(use())

    assert await asyncio.to_thread(work) == ["a", "b"]


async def test_a_client_is_refused_on_another_event_loop(daemon: DaemonUnderTest) -> None:
    """No connection moves from one to another. Each kind of call says so, and not as an error of gRPC's own."""

    async def read(store: AsyncSessionStore) -> None:
        async for _ in store.tail("s", follow=False):
            pass

    def work() -> None:
        store = AsyncSessionStore(daemon.address)
        asyncio.run(call_all_kinds(store))
        for call in (lambda: store.ping(), lambda: store.append_event("s", part("c")), lambda: read(store)):
            with pytest.raises(SessionStoreError, match="another event loop") as refused:
                asyncio.run(call())
            assert refused.value.code is grpc.StatusCode.FAILED_PRECONDITION

    await asyncio.to_thread(work)


async def test_a_tail_is_refused_on_another_event_loop(daemon: DaemonUnderTest) -> None:
    """Also one that was begun; as its client says it, and not as an error of asyncio's own."""

    def work() -> None:
        store = AsyncSessionStore(daemon.address)
        asyncio.run(call_all_kinds(store))
        other = AsyncSessionStore(daemon.address)
        tail = other.tail("s")

        async def first() -> int:
            return (await anext(tail)).sequence

        assert 0 == asyncio.run(first())
        while tail.ready_item() is not None:
            pass
        with pytest.raises(SessionStoreError, match="another event loop"):
            asyncio.run(first())

    await asyncio.to_thread(work)


async def test_a_client_may_be_closed_where_its_event_loop_is_over(daemon: DaemonUnderTest) -> None:
    """As by `asyncio.run(store.close())` after `asyncio.run(main())`; its stream of writes ended with the loop."""

    def work() -> None:
        store = AsyncSessionStore(daemon.address)
        asyncio.run(call_all_kinds(store))
        asyncio.run(store.close())
        asyncio.run(store.close())

    await asyncio.to_thread(work)


async def test_a_client_is_not_closed_from_another_event_loop(daemon: DaemonUnderTest) -> None:
    """Its calls end on their own loop alone: who waited for that elsewhere would wait for ever."""
    store = AsyncSessionStore(daemon.address)
    async with store:
        await call_all_kinds(store)
        with pytest.raises(SessionStoreError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, store.close())
        assert await store.ping()
