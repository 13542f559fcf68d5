"""Servers that are away, come back, or say nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from sessionstore import AsyncSessionStore, errors
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part
from tests.integration.client.scripted_server import ScriptedServer
from tests.integration.conftest import DaemonUnderTest


@asynccontextmanager
async def silent_server(folder: Path) -> AsyncIterator[str]:
    """A server that accepts connections and calls, and then says nothing."""

    async def hang(request: bytes, context: object) -> bytes:
        await asyncio.Event().wait()
        return b""

    class Hanging(grpc.GenericRpcHandler):
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
            return grpc.unary_unary_rpc_method_handler(hang)

    address = f"unix:{folder / 'silent.sock'}"
    server = grpc.aio.server(handlers=(Hanging(),))
    server.add_insecure_port(address)
    await server.start()
    try:
        yield address
    finally:
        await server.stop(None)


async def test_a_silent_server_does_not_hang_a_call(tmp_path: Path) -> None:
    """Calls, streamed reads, paged reads and writes all end at their deadline."""
    async with silent_server(tmp_path) as address, AsyncSessionStore(address, timeout_seconds=0.2) as client:
        with pytest.raises(errors.DeadlineExceededError) as unary:
            await client.append_event("s", part())
        with pytest.raises(errors.DeadlineExceededError, match="did not answer") as streamed:
            await client.get_session("s")
        with pytest.raises(errors.DeadlineExceededError):
            await anext(client.get_events("s"))
        with pytest.raises(errors.DeadlineExceededError):
            await anext(client.list_sessions())
        with pytest.raises(errors.DeadlineExceededError, match="answered no commit"):
            await anext(client.write([commit("s", append(part()))]))
        assert {unary.value.code, streamed.value.code} == {grpc.StatusCode.DEADLINE_EXCEEDED}


async def test_a_tail_without_heartbeats_is_reopened(tmp_path: Path) -> None:
    """After three intervals of silence the connection counts as dead."""
    async with silent_server(tmp_path) as address, AsyncSessionStore(address) as client:
        tail = client.tail("s", heartbeat_interval_seconds=1, give_up_after_seconds=0)
        with pytest.raises(errors.ServerUnavailableError, match="no heartbeat") as caught:
            await asyncio.wait_for(anext(tail), 20)
        assert caught.value.code is grpc.StatusCode.UNAVAILABLE


async def test_a_slow_caller_is_not_a_slow_server(client: AsyncSessionStore, daemon: DaemonUnderTest) -> None:
    """The deadline of a streamed read counts the server's time only."""
    await client.create_session(session_id="s")
    await client.commit("s", [append(part("x" * 200_000)) for _ in range(8)])
    async with (
        AsyncSessionStore(daemon.address, timeout_seconds=0.5) as hasty,
        aclosing(hasty.get_events("s")) as events,
    ):
        seen = [(await anext(events)).sequence]
        await asyncio.sleep(0.7)  # longer than the deadline, which is the point
        seen += [event.sequence async for event in events]
    assert list(range(8)) == seen


async def test_an_idle_source_of_writes_is_not_a_slow_server(daemon: DaemonUnderTest) -> None:
    """The deadline of a write counts from the commit, not from the outcome before."""
    async with AsyncSessionStore(daemon.address, timeout_seconds=0.3) as client:
        await client.create_session(session_id="s")

        async def source() -> AsyncIterator[pb.CommitRequest]:
            yield commit("s", append(part("a")))
            await asyncio.sleep(0.5)  # longer than the deadline, which is the point
            yield commit("s", append(part("b")))

        assert len([outcome async for outcome in client.write(source())]) == 2


async def test_a_daemon_that_is_away_is_told(daemon: DaemonUnderTest, client: AsyncSessionStore) -> None:
    """Calls that are not repeated fail at once, the others after their tries, with the same exception."""
    await daemon.stop()
    with pytest.raises(errors.ServerUnavailableError):
        await client.ping()
    with pytest.raises(errors.ServerUnavailableError):
        await client.delete_session("s")
    with pytest.raises(errors.ServerUnavailableError):
        await client.get_session("s")
    await daemon.start()


async def test_a_call_in_a_restart_is_repeated(daemon: DaemonUnderTest, client: AsyncSessionStore) -> None:
    """Reads and writes with ids wait for a daemon that comes back, and take effect once."""
    await client.create_session(session_id="s")
    await client.append_event("s", part("a"))
    await daemon.stop()
    calls = [
        asyncio.create_task(client.append_event("s", part("b"))),
        asyncio.create_task(client.get_session("s")),
        asyncio.create_task(client.list_sessions_page(pb.ListSessionsRequest())),
    ]
    await asyncio.sleep(0)
    await daemon.start()
    await asyncio.gather(*calls)
    assert [event.event.message_part.content async for event in client.get_events("s")] == ["a", "b"]


async def test_a_write_of_any_size_is_repeated(tmp_path: Path) -> None:
    """Also one that is larger than what gRPC keeps for a repeat by itself, 256 KiB."""
    sizes: list[int] = []

    async def write(requests: AsyncIterator[pb.WriteRequest], context: Any) -> AsyncIterator[pb.WriteResponse]:
        async for _ in requests:
            yield pb.WriteResponse()

    class ComingBack(ScriptedServer):
        async def AppendEvent(  # noqa: N802
            self, request: pb.AppendEventRequest, context: Any
        ) -> pb.AppendEventResponse:
            sizes.append(request.ByteSize())
            if len(sizes) == 1:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
            return pb.AppendEventResponse(sequence=5)

    async with ComingBack(write).serving(tmp_path) as address, AsyncSessionStore(address) as client:
        assert (await client.append_event("s", part("x" * 3_000_000))).sequence == 5
    assert len(sizes) == 2
    assert sizes[0] == sizes[1] > 3_000_000


async def test_writes_across_restarts_take_effect_once(daemon: DaemonUnderTest, client: AsyncSessionStore) -> None:
    """Appends that meet a daemon which stops are repeated with the same id, and stored once."""
    await client.create_session(session_id="s")

    async def restart_again_and_again() -> None:
        for _ in range(3):
            await daemon.stop()
            await daemon.start()
            await client.get_server_info()

    restarting = asyncio.create_task(restart_again_and_again())
    appended = 0
    while not restarting.done():
        await client.append_event("s", part(str(appended)))
        appended += 1
    await restarting
    stored = [event.event.message_part.content async for event in client.get_events("s")]
    assert [str(number) for number in range(appended)] == stored


async def test_a_cancelled_call_is_cancelled(tmp_path: Path) -> None:
    """The task that called gets CancelledError and nothing else."""
    async with silent_server(tmp_path) as address, AsyncSessionStore(address) as client:
        for call in (client.append_event("s", part()), client.get_session("s")):
            task = asyncio.create_task(call)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


async def test_a_closed_client_says_so(daemon: DaemonUnderTest) -> None:
    """A call after close is an error of the library."""
    client = AsyncSessionStore(daemon.address)
    await client.close()
    await client.close()
    with pytest.raises(errors.SessionStoreError, match="closed"):
        await client.ping()
    with pytest.raises(errors.SessionStoreError, match="closed"):
        await client.get_session("s")
    with pytest.raises(errors.SessionStoreError, match="closed"):
        await anext(client.write([commit("s", append(part()))]))


@pytest.mark.parametrize("name", ["a b", "#1", "what?", "é"])
async def test_any_path_of_a_socket_is_found(tmp_path: Path, name: str) -> None:
    """A folder may have a name that means something in a URI."""
    folder = tmp_path / name
    folder.mkdir()
    served = DaemonUnderTest(folder)
    await served.start()
    async with AsyncSessionStore(served.address) as client:
        assert await client.ping() is True
    await served.stop()


async def test_a_proxy_for_the_web_is_not_asked(monkeypatch: pytest.MonkeyPatch, daemon: DaemonUnderTest) -> None:
    """A proxy named in the environment has no part in a connection to the daemon."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("grpc_proxy", "http://127.0.0.1:9")
    async with AsyncSessionStore(daemon.address) as client:
        assert await client.ping() is True
