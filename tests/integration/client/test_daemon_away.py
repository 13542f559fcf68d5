"""Calls of a client whose daemon is away for longer than a moment."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import grpc
import pytest

from sessiond.interceptors.statuses import status_of
from sessiond.store.errors import StorageUnavailableError
from sessionstore import AsyncSessionStore, SessionStore, errors, repeating
from sessionstore.repeating import Repeating
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import StoredEvent
from sessionstore.v1.session_pb2 import Session
from tests.builders import append, commit, part
from tests.garbage import garbage
from tests.integration.client.scripted_server import ScriptedServer
from tests.integration.process import DaemonProcess

WAIT_SECONDS = 30
MORE_THAN_FEW = 8
"""So many tries take longer than those of a client that was never served."""

Call = Callable[[AsyncSessionStore], Coroutine[Any, Any, Any]]
SIGNALS = [signal.SIGTERM, signal.SIGKILL]


class Pauses:
    """Those that calls make between their tries; a test may make them longer than itself."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = 0
        self.are_endless = False
        pause, noted = Repeating._pause, self

        async def note(this: Repeating, seconds: float) -> None:
            noted.made += 1
            await pause(this, 3600 if noted.are_endless else seconds)

        monkeypatch.setattr(Repeating, "_pause", note)

    async def come_to(self, count: int) -> None:
        """Waits until so many were begun."""
        async with asyncio.timeout(WAIT_SECONDS):
            while self.made < count:
                await asyncio.sleep(0.01)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    return Pauses(monkeypatch)


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[DaemonProcess]:
    """A daemon that can be killed, with a session `s` of one event."""
    with DaemonProcess(tmp_path, "--durability", "normal", "--grace-seconds", "1") as started:
        async with AsyncSessionStore(started.address) as client:
            await client.create_session(session_id="s")
            await client.append_event("s", part("first"))
        yield started


async def all_events(client: AsyncSessionStore) -> list[str]:
    return [stored.event.message_part.content async for stored in client.get_events("s")]


REPEATED: dict[str, Call] = {
    "a read": lambda client: client.get_server_info(),
    "a streamed read": lambda client: client.get_session("s"),
    "an item of a streamed read": lambda client: anext(client.get_events("s")),
    "a page": lambda client: anext(client.list_sessions()),
    "a write": lambda client: client.append_event("s", part("written")),
    "a write of its own": lambda client: client.append_event("s", part("x" * 2_000_000)),
    "a creation": lambda client: client.create_session(),
}
MADE_ONCE: dict[str, Call] = {
    "a ping": lambda client: client.ping(),
    "a deletion": lambda client: client.delete_session("s"),
    "a restoration": lambda client: client.restore_session("s"),
    "the deletion of an archive": lambda client: client.delete_archive("s"),
}


async def one_outcome(client: AsyncSessionStore) -> None:
    async for _ in client.write([commit("s", append(part("served")))]):
        pass


async def a_refusal(client: AsyncSessionStore) -> None:
    with pytest.raises(errors.SessionNotFoundError):
        await client.delete_session("nowhere")


SERVED: dict[str, Call] = {
    "a ping": lambda client: client.ping(),
    "a read": lambda client: client.get_session("s"),
    "a write": lambda client: client.append_event("s", part("served")),
    "a refusal": a_refusal,
    "an outcome": one_outcome,
    "an event of a tail": lambda client: anext(client.tail("s")),
}


@pytest.mark.parametrize("number", SIGNALS)
async def test_calls_outlast_a_long_absence(process: DaemonProcess, pauses: Pauses, number: int) -> None:
    """Each is answered by the successor, however late it comes within the deadline, and takes effect once."""
    async with AsyncSessionStore(process.address) as client:
        await client.ping()
        process.stop(number)
        calls = [asyncio.create_task(call(client)) for call in REPEATED.values()]
        await pauses.come_to(MORE_THAN_FEW * len(calls))
        assert not [call for call in calls if call.done()]
        process.start()
        await asyncio.gather(*calls)
        events = await all_events(client)
        assert (len(events), events.count("written"), await client.ping()) == (3, 1, True)
        assert len([session async for session in client.list_sessions()]) == 2


@pytest.mark.parametrize("number", SIGNALS)
async def test_so_do_those_of_the_blocking_client(process: DaemonProcess, pauses: Pauses, number: int) -> None:
    """A thread of an agent does not die of a restart."""
    with SessionStore(process.address) as store:
        store.ping()
        process.stop(number)
        writing = asyncio.create_task(asyncio.to_thread(store.append_event, "s", part("second")))
        reading = asyncio.create_task(asyncio.to_thread(list, store.get_events("s")))
        await pauses.come_to(2 * MORE_THAN_FEW)
        assert [writing.done(), reading.done()] == [False, False]
        process.start()
        assert (await writing).sequence == 1
        assert len(await reading) in {1, 2}
        assert len(await asyncio.to_thread(list, store.get_events("s"))) == 2


async def test_calls_under_way_when_the_daemon_dies_take_effect_once(process: DaemonProcess, pauses: Pauses) -> None:
    """They were sent, and nobody knows whether they were carried out."""
    async with AsyncSessionStore(process.address) as client:
        await client.append_event("s", part("second"))
        process.process.send_signal(signal.SIGSTOP)
        calls = [asyncio.create_task(call(client)) for call in REPEATED.values()]
        await asyncio.sleep(0.2)  # so that they are sent, by which nothing else changes
        process.stop(signal.SIGKILL)
        await pauses.come_to(3 * len(calls))
        process.start()
        await asyncio.gather(*calls)
        events = await all_events(client)
        assert (len(events), events.count("written")) == (4, 1)


@pytest.mark.parametrize("served", SERVED)
async def test_whatever_a_server_answers_makes_a_client_go_on(
    process: DaemonProcess, pauses: Pauses, monkeypatch: pytest.MonkeyPatch, served: str
) -> None:
    """It has a daemon that is away, and not none."""
    monkeypatch.setattr(repeating, "FEW_TRIES_SECONDS", 0)
    async with AsyncSessionStore(process.address) as client:
        await SERVED[served](client)
        process.stop(signal.SIGKILL)
        call = asyncio.create_task(client.get_session("s"))
        await pauses.come_to(3)
        process.start()
        assert (await call).id == "s"


@pytest.mark.parametrize("call", REPEATED)
async def test_a_client_that_was_never_served_gives_up_soon(
    tmp_path: Path, pauses: Pauses, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """After a few tries; its deadline is far away."""
    monkeypatch.setattr(repeating, "FEW_TRIES_SECONDS", 0.1)
    async with AsyncSessionStore(f"unix:{tmp_path / 'nobody.sock'}", timeout_seconds=1_000_000) as client:
        with pytest.raises(errors.ServerUnavailableError):
            await asyncio.wait_for(REPEATED[call](client), WAIT_SECONDS)
    assert pauses.made > 0


async def test_a_deadline_that_passes_without_a_daemon_says_so(
    process: DaemonProcess, pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody was there, which is another thing than a server that is slow."""
    monkeypatch.setattr(repeating, "LAST_TRY_SECONDS", 3)  # also on a machine that is busy
    async with AsyncSessionStore(process.address, timeout_seconds=6) as client:
        await client.ping()
        process.stop(signal.SIGKILL)
        failures = await asyncio.gather(*(call(client) for call in REPEATED.values()), return_exceptions=True)
    assert {errors.ServerUnavailableError} == {type(failure) for failure in failures}
    assert {grpc.StatusCode.UNAVAILABLE} == {getattr(failure, "code", None) for failure in failures}
    assert pauses.made >= len(REPEATED)


async def fail(client: AsyncSessionStore, call: str) -> None:
    with pytest.raises(errors.ServerUnavailableError):
        await REPEATED[call](client)


@pytest.mark.parametrize("call", REPEATED)
async def test_the_exception_of_the_last_try_is_let_go_of_with_what_was_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Those of the tries before it, too: an event may be large."""
    monkeypatch.setattr(repeating, "FEW_TRIES_SECONDS", 0.1)
    async with AsyncSessionStore(f"unix:{tmp_path / 'nobody.sock'}") as client:
        await fail(client, call)
        with garbage() as found:
            await fail(client, call)
    assert [] == [each for each in found if isinstance(each, errors.SessionStoreError | pb.CommitRequest)]


async def test_a_port_that_refuses_is_nobody_as_well(tmp_path: Path, pauses: Pauses) -> None:
    """As a socket that is gone."""
    with DaemonProcess(tmp_path, "--insecure", listen="127.0.0.1:0") as first:
        address = first.ready_line.split()[-1]
    with DaemonProcess(tmp_path, "--insecure", listen=address) as process:
        async with (
            AsyncSessionStore(process.address) as client,
            AsyncSessionStore(process.address, timeout_seconds=1) as hasty,
        ):
            await client.create_session(session_id="s")
            await hasty.ping()
            process.stop(signal.SIGKILL)
            with pytest.raises(errors.ServerUnavailableError):
                await hasty.get_session("s")
            call = asyncio.create_task(client.get_session("s"))
            await pauses.come_to(pauses.made + 3)
            process.start()
            assert (await call).id == "s"


@pytest.mark.parametrize("call", MADE_ONCE)
async def test_what_may_not_be_repeated_is_made_once(process: DaemonProcess, pauses: Pauses, call: str) -> None:
    """And so is a ping, which asks how it is now."""
    async with AsyncSessionStore(process.address) as client:
        await client.get_session("s")
        process.stop(signal.SIGKILL)
        with pytest.raises(errors.ServerUnavailableError):
            await MADE_ONCE[call](client)
    assert pauses.made == 0


@pytest.mark.parametrize("call", REPEATED)
async def test_closing_ends_the_calls_that_wait(process: DaemonProcess, pauses: Pauses, call: str) -> None:
    """As it ends those under way, and not when their pause is over."""
    pauses.are_endless = True
    async with AsyncSessionStore(process.address) as client:
        await client.ping()
        process.stop(signal.SIGKILL)
        waiting = asyncio.create_task(REPEATED[call](client))
        await pauses.come_to(1)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(waiting, WAIT_SECONDS)


async def test_closing_the_blocking_client_tells_the_threads_that_wait(process: DaemonProcess, pauses: Pauses) -> None:
    """Their calls fail as those of a closed client do."""
    pauses.are_endless = True
    store = SessionStore(process.address)
    store.ping()
    process.stop(signal.SIGKILL)
    waiting = [
        asyncio.create_task(asyncio.to_thread(store.append_event, "s", part())),
        asyncio.create_task(asyncio.to_thread(list, store.get_events("s"))),
    ]
    await pauses.come_to(2)
    await asyncio.to_thread(store.close)
    for each in waiting:
        with pytest.raises(errors.SessionStoreError, match="closed"):
            await asyncio.wait_for(each, WAIT_SECONDS)


@pytest.mark.parametrize("call", REPEATED)
async def test_a_call_that_waits_can_be_cancelled(process: DaemonProcess, pauses: Pauses, call: str) -> None:
    """At once, and nothing of it is left."""
    pauses.are_endless = True
    async with AsyncSessionStore(process.address) as client:
        await client.ping()
        process.stop(signal.SIGKILL)
        waiting = asyncio.create_task(REPEATED[call](client))
        await pauses.come_to(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(waiting, WAIT_SECONDS)
        assert not client._repeating._pauses
        process.start()
        pauses.are_endless = False
        assert "written" not in await all_events(client)


INTERRUPTED = """
import sys
from sessionstore import SessionStore
from sessionstore.repeating import Repeating
from sessionstore.v1.event_pb2 import Event, MessagePart
pause = Repeating._pause
event = Event(message_part=MessagePart(message_id="m", content="x"))
def note(self, seconds):
    print("waiting", flush=True)
    return pause(self, 3600)
with SessionStore(sys.argv[1]) as store:
    print("served", store.ping(), flush=True)
    sys.stdin.readline()
    Repeating._pause = note
    try:
        store.append_event("s", event)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    Repeating._pause = pause
    sys.stdin.readline()
    print(store.append_event("s", event).sequence, flush=True)
"""


async def test_an_interrupt_ends_a_call_that_waits(process: DaemonProcess) -> None:
    """Ctrl-C in the blocking client is KeyboardInterrupt, what waited is not sent later, and the client goes on."""
    pipe = asyncio.subprocess.PIPE
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", INTERRUPTED, process.address, stdin=pipe, stdout=pipe, stderr=pipe
    )
    assert program.stdin is not None
    assert program.stdout is not None
    async with asyncio.timeout(WAIT_SECONDS):
        assert await program.stdout.readline() == b"served True\n"
        process.stop(signal.SIGKILL)
        program.stdin.write(b"\n")
        assert await program.stdout.readline() == b"waiting\n"
        program.send_signal(signal.SIGINT)
        assert await program.stdout.readline() == b"interrupted\n"
        process.start()
        out, err = await program.communicate(b"\n")
    assert (out, err, program.returncode) == (b"1\n", b"", 0)


class Refusing(ScriptedServer):
    """A server that is there, and says in each call that it cannot use its storage."""

    async def GetSession(self, request: pb.GetSessionRequest, context: Any) -> AsyncIterator[Session]:  # noqa: N802
        self.calls.append("GetSession")
        status = status_of(StorageUnavailableError())
        details = (("grpc-status-details-bin", status.SerializeToString()),)
        await context.abort(grpc.StatusCode.UNAVAILABLE, status.message, details)
        yield Session()


async def no_outcome(requests: AsyncIterator[pb.WriteRequest], context: Any) -> AsyncIterator[pb.WriteResponse]:
    async for _ in requests:
        yield pb.WriteResponse()


async def test_a_server_that_stays_and_refuses_is_not_asked_until_the_deadline(
    tmp_path: Path, pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That its storage cannot be used is for the caller to know of, after the same few tries as ever."""
    monkeypatch.setattr(repeating, "FEW_TRIES_SECONDS", 0.1)
    server = Refusing(no_outcome)
    async with server.serving(tmp_path) as address, AsyncSessionStore(address, timeout_seconds=1_000_000) as client:
        for _ in range(2):
            with pytest.raises(errors.StorageUnavailableError):
                await asyncio.wait_for(client.get_session("s"), WAIT_SECONDS)
    assert len(server.calls) == pauses.made + 2 > 2


class Breaking(ScriptedServer):
    """A server whose streams of events break, the first one before it has begun."""

    async def GetEvents(  # noqa: N802
        self, request: pb.GetEventsRequest, context: Any
    ) -> AsyncIterator[pb.GetEventsResponse]:
        self.calls.append("GetEvents")
        if len(self.calls) > 1:
            yield pb.GetEventsResponse(events=[StoredEvent(sequence=0)])
        await context.abort(grpc.StatusCode.UNAVAILABLE, "it breaks")


async def test_a_read_that_has_begun_is_not_repeated(tmp_path: Path, pauses: Pauses) -> None:
    """Its caller would see items twice; before the first one it is."""
    server = Breaking(no_outcome)
    async with server.serving(tmp_path) as address, AsyncSessionStore(address) as client:
        events = client.get_events("s")
        assert (await anext(events)).sequence == 0
        with pytest.raises(errors.ServerUnavailableError, match="it breaks"):
            await anext(events)
    assert (server.calls, pauses.made) == (["GetEvents"] * 2, 1)
