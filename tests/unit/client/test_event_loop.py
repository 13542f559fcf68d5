"""The event loop that the client library has for gRPC, and the daemon runs on."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from itertools import count, pairwise
from threading import Thread
from time import sleep
from typing import Any

import grpc
import pytest

from sessionstore import EventLoop
from sessionstore.event_loop import LOOK_SECONDS, STEPS_A_TURN
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub


class PollerCompletionQueue:
    """Looks to the loop like what wakes it up for gRPC."""

    def __init__(self, waking: socket.socket) -> None:
        self._waking = waking
        self.answers: list[bytes] = []

    def _handle_events(self, loop: asyncio.AbstractEventLoop) -> None:
        assert loop is asyncio.get_running_loop()
        self.answers.append(self._waking.recv(1))

    def handler(self, loop: asyncio.AbstractEventLoop) -> "partial[None]":
        return partial(self._handle_events, loop)


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    reading, writing = socket.socketpair()
    with reading, writing:
        yield reading, writing


async def answers_of_a_turn(reading: socket.socket) -> list[bytes]:
    loop = asyncio.get_running_loop()
    poller = PollerCompletionQueue(reading)
    loop.add_reader(reading, poller.handler(loop))
    try:
        while not poller.answers:
            await asyncio.sleep(0)
        return poller.answers
    finally:
        loop.remove_reader(reading)


def run(work: Any) -> Any:
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        return runner.run(work)


def test_all_wake_ups_that_wait_are_answered_in_one_turn_each_once(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    reading, writing = sockets
    writing.sendall(bytes(range(100)))

    assert run(answers_of_a_turn(reading)) == [bytes([number]) for number in range(100)]


class OfClosedLoops(PollerCompletionQueue):
    """Has something for a loop that was closed, and hands it on, with each even wake-up."""

    def __init__(self, waking: socket.socket) -> None:
        super().__init__(waking)
        self._closed = asyncio.new_event_loop()
        self._closed.close()

    def _handle_events(self, loop: asyncio.AbstractEventLoop) -> None:
        super()._handle_events(loop)
        if self.answers[-1][0] % 2 == 0:
            self._closed.call_soon_threadsafe(print)


OfClosedLoops._handle_events.__qualname__ = PollerCompletionQueue._handle_events.__qualname__


def test_what_is_left_for_a_loop_that_was_closed_is_dropped_in_silence(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    """As that of another client of the process, of whose calls gRPC still tells that they were cancelled."""
    reading, writing = sockets
    writing.sendall(bytes(range(8)))
    complaints: list[Any] = []

    async def answered() -> list[bytes]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        poller = OfClosedLoops(reading)
        loop.add_reader(reading, poller.handler(loop))
        try:
            while not poller.answers:
                await asyncio.sleep(0)
            return list(poller.answers)
        finally:
            loop.remove_reader(reading)

    assert [bytes([number]) for number in range(8)] == run(answered())
    assert [] == complaints


class Burst(PollerCompletionQueue):
    """Does something that many steps follow from, for each wake-up as many as it says."""

    def __init__(self, waking: socket.socket, step: Callable[[int], None]) -> None:
        super().__init__(waking)
        self._step = step
        self._steps = count()
        self.handles: list[asyncio.Handle] = []

    def _handle_events(self, loop: asyncio.AbstractEventLoop) -> None:
        super()._handle_events(loop)
        for _ in range(self.answers[-1][0]):
            self.handles.append(loop.call_soon(self._step, next(self._steps)))


Burst._handle_events.__qualname__ = PollerCompletionQueue._handle_events.__qualname__


@asynccontextmanager
async def burst_of(
    sockets: tuple[socket.socket, socket.socket], steps: int, step: Callable[[int], None]
) -> AsyncIterator[Burst]:
    """One that was just taken in."""
    reading, writing = sockets
    loop = asyncio.get_running_loop()
    burst = Burst(reading, step)
    loop.add_reader(reading, burst.handler(loop))
    try:
        writing.send(bytes([steps]))
        while not burst.answers:
            await asyncio.sleep(0)
        yield burst
    finally:
        loop.remove_reader(reading)


def test_of_what_follows_from_a_burst_a_little_is_done_in_each_turn(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    done: list[int] = []

    async def turns() -> list[int]:
        async with burst_of(sockets, 200, done.append):
            of_turns = [len(done)]
            while len(done) < 200:
                await asyncio.sleep(0)
                of_turns.append(len(done))
        return [after - before for before, after in pairwise(of_turns)]

    assert max(run(turns())) == STEPS_A_TURN
    assert done == list(range(200))


def test_what_grpc_does_later_comes_after_a_burst_and_what_others_do_in_between(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    _, writing = sockets
    done: list[int] = []

    def step(number: int) -> None:
        # So that a look at what else has happened is due in each turn.
        sleep(LOOK_SECONDS / STEPS_A_TURN)
        done.append(number)

    async def after_a_burst() -> int:
        async with burst_of(sockets, 200, step):
            writing.send(bytes([1]))
            await asyncio.sleep(0)
            in_between = len(done)
            while len(done) < 201:
                await asyncio.sleep(0)
        return in_between

    assert run(after_a_burst()) <= 2 * STEPS_A_TURN
    assert done == list(range(201))


def test_a_step_of_a_burst_has_its_own_context_and_can_be_called_off(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    name: ContextVar[str] = ContextVar("name", default="of nobody")
    seen: list[tuple[int, str]] = []

    async def last_three() -> None:
        name.set("of the burst")
        async with burst_of(sockets, 200, lambda number: seen.append((number, name.get()))) as burst:
            name.set("of another")
            burst.handles[198].cancel()
            while len(seen) < 199:
                await asyncio.sleep(0)

    run(last_three())
    assert [number for number, _ in seen] == [*range(198), 199]
    assert {whose for _, whose in seen} == {"of the burst"}


def test_an_end_of_the_wake_ups_is_told_too(sockets: tuple[socket.socket, socket.socket]) -> None:
    reading, writing = sockets
    writing.close()

    assert set(run(answers_of_a_turn(reading))) == {b""}


def test_a_wake_up_that_another_loop_took_is_no_error(sockets: tuple[socket.socket, socket.socket]) -> None:
    """There is one socket for all loops of a process, such as those of two blocking clients."""
    reading, _ = sockets
    reading.setblocking(False)
    answers: list[str] = []

    async def look() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, EventLoop)
        loop._answer_all(reading, lambda: answers.append("answered"))

    run(look())
    assert ["answered"] == answers


def test_a_reader_of_another_kind_is_asyncios_own_affair(sockets: tuple[socket.socket, socket.socket]) -> None:
    reading, writing = sockets
    writing.sendall(b"abc")

    async def read_one() -> bytes:
        loop = asyncio.get_running_loop()
        read: asyncio.Future[bytes] = loop.create_future()

        def take() -> None:
            loop.remove_reader(reading)
            read.set_result(reading.recv(1))

        loop.add_reader(reading, take)
        return await read

    assert run(read_one()) == b"a"
    assert reading.recv(2) == b"bc"


def test_the_wake_ups_of_the_installed_grpc_are_recognized(monkeypatch: pytest.MonkeyPatch) -> None:
    answered: list[socket.socket] = []
    usual = EventLoop._answer_all

    def answer_all(loop: EventLoop, waking: socket.socket, answer: Any) -> None:
        answered.append(waking)
        usual(loop, waking, answer)

    monkeypatch.setattr(EventLoop, "_answer_all", answer_all)

    async def start_and_stop() -> None:
        server = grpc.aio.server()
        address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
        async with grpc.aio.insecure_channel(address) as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await SessionStoreServiceStub(channel).DeleteSession(pb.DeleteSessionRequest(session_id="s"))
        await server.stop(0)

    run(start_and_stop())

    assert answered


def test_a_loop_tells_other_threads_whether_it_has_something_to_do() -> None:
    async def ask_while_it_waits() -> bool:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, EventLoop)
        idle = loop.create_future()

        def ask() -> None:
            # The loop has nothing to do but to wait for this thread, which it will do as soon as it comes to it.
            while loop.is_busy():
                sleep(0.0001)
            loop.call_soon_threadsafe(idle.set_result, None)

        asking = Thread(target=ask)
        asking.start()
        await idle
        asking.join()
        return loop.is_busy()

    assert run(ask_while_it_waits())


def test_what_waits_for_an_idle_loop_comes_after_all_that_there_is_to_do() -> None:
    """And once: also before a timer that is due in a moment, and not when it was cancelled."""

    async def note() -> list[str]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, EventLoop)
        noted: list[str] = []
        over = loop.create_future()

        def step(left: int) -> None:
            noted.append(f"step {left}")
            loop.call_soon(step, left - 1) if left else None

        def take() -> None:
            noted.append("socket")
            loop.remove_reader(reading)

        reading, writing = socket.socketpair()
        with reading, writing:
            writing.send(b"x")
            loop.add_reader(reading, take)
            loop.call_when_idle(noted.append, "cancelled").cancel()
            loop.call_when_idle(noted.append, "idle")
            loop.call_soon(step, 2)
            loop.call_later(0.01, over.set_result, None)
            await over
        return noted

    noted = run(note())
    assert sorted(noted) == ["idle", "socket", "step 0", "step 1", "step 2"]
    assert noted[-1] == "idle"


def test_what_is_called_when_the_loop_is_idle_may_give_it_something_to_do() -> None:
    """The loop does not go on to wait."""

    async def ask() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, EventLoop)
        for _ in range(3):
            idle = loop.create_future()
            loop.call_when_idle(idle.set_result, None)
            await idle

    run(asyncio.wait_for(ask(), 10))


def test_what_is_called_off_before_the_loop_is_idle_does_not_pile_up() -> None:
    """A loop that is at work for hours is never idle."""

    async def called_off() -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, EventLoop)
        for _ in range(100):
            loop.call_when_idle(int).cancel()
        return len(loop._sparing_selector.when_idle)

    assert run(called_off()) == 1
