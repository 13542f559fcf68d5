"""How late the daemon's event loop is under load, and what each delivery costs the daemon's process.

A call that comes in waits as long as the loop is busy with others. The delay is taken inside a real daemon by a timer
every two milliseconds; it contains what the system's scheduler and Python's lock take. `blocked` is the longest of
what is left without the time for which others had the processors, as far as that is known to be of the delay. The
seconds of processor are those of the whole process, with gRPC's threads.

    python -m tests.benchmarks.loop_lag
    python -m tests.benchmarks.loop_lag --only fan-out-one-session --rounds 5
"""

import argparse
import asyncio
import json
import signal
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from sessionstore import AsyncSessionStore
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.benchmarks.channels import open_channels
from tests.benchmarks.driving import rate_of
from tests.benchmarks.events import EVENT
from tests.benchmarks.figures import percentile
from tests.builders import append, commit

__all__ = ["main"]

TAILS = 1000
CHANNELS = 4
APPENDERS = 64
BOX_SECONDS = 2.0
EVENTS = 30
REPLAYED = 100_000
BATCH = 500
HISTORY, LATE_COMERS = 2000, 100
LEAVING_SECONDS = 0.5

_numbers = count()


class _Probed:
    """A daemon that measures itself."""

    def __init__(self, process: asyncio.subprocess.Process, address: str, client: AsyncSessionStore) -> None:
        self._process = process
        self.address = address
        self.client = client

    async def report(self) -> Any:
        """What was measured since the last report."""
        self._process.send_signal(signal.SIGUSR1)
        return json.loads(await _line(self._process))

    async def sessions(self, how_many: int) -> list[str]:
        """New sessions."""
        names = [f"s{next(_numbers)}" for _ in range(how_many)]
        for name in names:
            await self.client.create_session(session_id=name)
        return names

    async def write(self, commits: Sequence[pb.CommitRequest]) -> None:
        """All commits, over one stream."""
        async for outcome in self.client.write(commits):
            if outcome.WhichOneof("outcome") != "result":
                raise RuntimeError(outcome.error.message)


async def _line(process: asyncio.subprocess.Process) -> bytes:
    if process.stdout is None:
        raise AssertionError("no output to read")
    return await process.stdout.readline()


@asynccontextmanager
async def _probed(folder: Path) -> AsyncIterator[_Probed]:
    address = f"unix:{folder}/s.sock"
    command = [sys.executable, "-m", "tests.benchmarks.probed_daemon", str(folder / "data"), address]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, limit=2**26)
    try:
        if await _line(process) != b"ready\n":
            raise RuntimeError("the daemon did not start")
        async with AsyncSessionStore(address) as client:
            yield _Probed(process, address, client)
    finally:
        process.terminate()
        await process.wait()


Load = Callable[[], Awaitable[int]]
"""What is measured; returns how many events were delivered or stored."""


@asynccontextmanager
async def _fan_out(daemon: _Probed, how_many: int) -> AsyncIterator[Load]:
    """1,000 tails of one session, or of as many; opened before the clock runs."""
    sessions = await daemon.sessions(how_many)
    async with open_channels(daemon.address, CHANNELS) as channels:
        stubs: list[Any] = [SessionStoreServiceStub(channel) for channel in channels]
        requests = [pb.TailEventsRequest(session_id=sessions[number % how_many]) for number in range(TAILS)]
        calls = [stubs[number % CHANNELS].TailEvents(request) for number, request in enumerate(requests)]

        async def take(call: Any, events: int) -> None:
            while events > 0:
                events -= len((await call.read()).events.events)

        async def run() -> int:
            commits = [commit(session, append(EVENT)) for _ in range(EVENTS) for session in sessions]
            writing = _one_by_one(daemon, sessions[0]) if how_many == 1 else daemon.write(commits)
            await asyncio.gather(writing, *(take(call, EVENTS) for call in calls))
            return TAILS * EVENTS

        await asyncio.gather(*(call.read() for call in calls))
        yield run


async def _one_by_one(daemon: _Probed, session: str) -> None:
    for _ in range(EVENTS):
        await daemon.client.append_event(session, EVENT)


@asynccontextmanager
async def _appends(daemon: _Probed) -> AsyncIterator[Load]:
    """64 callers of AppendEvent."""
    sessions = await daemon.sessions(APPENDERS)
    async with open_channels(daemon.address) as (channel,):
        stub: Any = SessionStoreServiceStub(channel)

        async def one(number: int) -> None:
            await stub.AppendEvent(pb.AppendEventRequest(session_id=sessions[number], event=EVENT))

        async def run() -> int:
            return int(await rate_of(one, APPENDERS, BOX_SECONDS) * BOX_SECONDS)

        yield run


@asynccontextmanager
async def _replay(daemon: _Probed) -> AsyncIterator[Load]:
    """One client that reads a long session by GetEvents."""
    (session,) = await daemon.sessions(1)
    await daemon.write([commit(session, *[append(EVENT)] * BATCH) for _ in range(REPLAYED // BATCH)])

    async def run() -> int:
        return len([None async for _ in daemon.client.get_events(session)])

    yield run


@asynccontextmanager
async def _late_comers(daemon: _Probed) -> AsyncIterator[Load]:
    """Tails that all come at once to a session that has a history, as after a restart."""
    (session,) = await daemon.sessions(1)
    await daemon.write([commit(session, *[append(EVENT)] * BATCH) for _ in range(HISTORY // BATCH)])
    async with open_channels(daemon.address, CHANNELS) as channels:
        stubs: list[Any] = [SessionStoreServiceStub(channel) for channel in channels]

        async def run() -> int:
            request = pb.TailEventsRequest(session_id=session, no_follow=True)
            calls = [stubs[number % CHANNELS].TailEvents(request) for number in range(LATE_COMERS)]
            return sum(await asyncio.gather(*(_count(call) for call in calls)))

        yield run


@asynccontextmanager
async def _leavers(daemon: _Probed) -> AsyncIterator[Load]:
    """1,000 tails that are given up at the same time, as by a program that ends."""
    sessions = await daemon.sessions(TAILS)
    async with open_channels(daemon.address, CHANNELS) as channels:
        stubs: list[Any] = [SessionStoreServiceStub(channel) for channel in channels]
        calls = [stubs[n % CHANNELS].TailEvents(pb.TailEventsRequest(session_id=sessions[n])) for n in range(TAILS)]

        async def run() -> int:
            for call in calls:
                call.cancel()
            await asyncio.sleep(LEAVING_SECONDS)
            return len(calls)

        await asyncio.gather(*(call.read() for call in calls))
        yield run


async def _count(call: Any) -> int:
    return sum([len(frame.events.events) async for frame in call])


@asynccontextmanager
async def _idle(_: _Probed) -> AsyncIterator[Load]:
    """Nothing at all: what the machine does to a loop that has nothing to do."""

    async def run() -> int:
        await asyncio.sleep(BOX_SECONDS)
        return 0

    yield run


_LOADS: dict[str, Callable[[_Probed], AbstractAsyncContextManager[Load]]] = {
    "idle": _idle,
    "fan-out-one-session": partial(_fan_out, how_many=1),
    "fan-out-many-sessions": partial(_fan_out, how_many=TAILS),
    "unary-appends": _appends,
    "replay": _replay,
    "late-comers": _late_comers,
    "leavers": _leavers,
}


async def _measure(name: str, rounds: int) -> None:
    figures: list[list[float]] = []
    with tempfile.TemporaryDirectory(prefix="sd-lag-") as folder:
        async with _probed(Path(folder)) as daemon:
            for _ in range(rounds):
                async with _LOADS[name](daemon) as load:
                    await daemon.report()
                    events = await load()
                    report = await daemon.report()
                delays = report["delays_ms"]
                cost_us = report["cpu_seconds"] / events * 1e6 if events else 0.0
                spread = (percentile(delays, each) for each in (50, 99))
                blocked = max(delay - kept for delay, kept in zip(delays, report["kept_ms"], strict=True))
                figures.append([*spread, max(delays), blocked, cost_us, report["peak_mib"]])
    p50, p99, longest, blocked, cost, peak = (statistics.median(column) for column in zip(*figures, strict=True))
    sys.stdout.write(
        f"{name:22} p50 {p50:6.2f} ms  p99 {p99:6.2f} ms  longest {longest:6.2f} ms  blocked {blocked:6.2f} ms"
        f"  {cost:6.1f} us/event  {peak:4.0f} MiB\n"
    )
    sys.stdout.flush()


def main() -> None:
    """Runs the measurement from the command line."""
    parser = argparse.ArgumentParser(description="Measures how late the daemon's event loop is under load.")
    parser.add_argument("--only", nargs="+", choices=list(_LOADS), metavar="LOAD", help=f"of {', '.join(_LOADS)}")
    parser.add_argument("--rounds", type=int, default=3, help="how often each load is put on")
    arguments = parser.parse_args()
    for name in arguments.only or _LOADS:
        asyncio.run(_measure(name, arguments.rounds))


if __name__ == "__main__":
    main()
