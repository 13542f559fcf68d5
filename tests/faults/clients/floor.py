"""How long a client waits beside a flood of calls: at the daemon, and at a server of the same stack that does nothing.

    python -m tests.faults.clients.floor
    python -m tests.faults.clients.floor --rounds 1 --seconds 2

What is more than the floor is the daemon's own. Both get the same calls, from processes of their own, without the
client library: the client that waits writes to a stream and reads the newest event, with a pause after each round.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import grpc

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.benchmarks.channels import open_channels
from tests.benchmarks.child import running, until_said
from tests.benchmarks.daemon import OURS, running_daemon
from tests.benchmarks.figures import percentile
from tests.benchmarks.floors import NOOP, noop_server
from tests.builders import append, commit, part
from tests.faults.clients.healthy import PAUSE_SECONDS

__all__: list[str] = []

NICENESS = 10
CHANNELS = 8
SESSION = "s"
LATEST = pb.GetEventsRequest(session_id=SESSION, descending=True, limit=1)
APPEND = pb.AppendEventRequest(session_id=SESSION, event=part(""))
FOLLOW = pb.TailEventsRequest(session_id=SESSION, from_now=True)


async def _calls(stub: Any) -> None:
    await stub.AppendEvent(APPEND)


async def _streams(stub: Any) -> None:
    tail, writing = stub.TailEvents(FOLLOW), stub.Write()
    await tail.read()
    tail.cancel()
    writing.cancel()


async def _messages(stub: Any) -> None:
    writing = stub.Write()
    for _ in range(100):
        await writing.write(pb.WriteRequest(commits=[commit(SESSION)]))
    await writing.done_writing()
    while await writing.read() is not grpc.aio.EOF:
        pass


async def _cancellations(stub: Any) -> None:
    call = stub.AppendEvent(APPEND)
    await asyncio.sleep(0.001)
    call.cancel()


FLOODS: dict[str, tuple[int, Callable[[Any], Awaitable[None]]]] = {
    "calls": (100, _calls),
    "streams opened and left": (100, _streams),
    "messages of streams": (10, _messages),
    "cancellations": (100, _cancellations),
}
"""By name: how many clients do it again and again, and what."""


async def _flood(address: str, name: str) -> None:
    clients, once = FLOODS[name]
    os.nice(NICENESS)
    async with open_channels(address, CHANNELS) as channels:
        stubs = [SessionStoreServiceStub(channel) for channel in channels]

        async def again_and_again(number: int) -> None:
            with suppress(grpc.aio.AioRpcError):
                await once(stubs[number % CHANNELS])
            if number == 0:
                sys.stdout.write("flooding\n")
                sys.stdout.flush()
            while True:
                with suppress(grpc.aio.AioRpcError):
                    await once(stubs[number % CHANNELS])

        await asyncio.gather(*(again_and_again(number) for number in range(clients)))


async def _wait_often(address: str, seconds: float) -> None:
    found: list[float] = []
    async with open_channels(address) as (channel,):
        stub: Any = SessionStoreServiceStub(channel)
        writing = stub.Write()
        end = perf_counter() + seconds
        while perf_counter() < end:
            began = perf_counter()
            await writing.write(pb.WriteRequest(commits=[commit(SESSION, append(part("")))]))
            await writing.read()
            written = perf_counter()
            try:
                async for _ in stub.GetEvents(LATEST):
                    pass
            except grpc.aio.AioRpcError as error:
                # Of calls that wait to be let in gRPC itself ends some, when they are more than it takes.
                if error.code() is not grpc.StatusCode.CANCELLED:
                    raise
            found += [written - began, perf_counter() - written]
            await asyncio.sleep(PAUSE_SECONDS)
        writing.cancel()
    sys.stdout.write(f"{percentile(found, 99)}\n")


@asynccontextmanager
async def _flooded(address: str, name: str | None, folder: Path) -> AsyncIterator[None]:
    if name is None:
        yield
        return
    log = folder / "flood.log"
    async with running([sys.executable, "-m", __spec__.name, "--flood", name, address], log) as process:
        await until_said(process, "flooding", log)
        yield


async def _p99(address: str, flood: str | None, seconds: float, folder: Path) -> float:
    async with _flooded(address, flood, folder):
        waiting = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __spec__.name, "--seconds", str(seconds), address, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await waiting.communicate()
    return float(output)


async def _measure(rounds: int, seconds: float, folder: Path) -> None:
    async with running_daemon(folder / "data") as daemon, noop_server(folder) as noop:
        await daemon.prepare([SESSION])
        servers = {OURS: daemon.address, NOOP: noop}
        quiet: dict[str, float] = {}
        for flood in (None, *FLOODS):
            found: dict[str, list[float]] = {name: [] for name in servers}
            for _ in range(rounds):
                for name, address in servers.items():
                    found[name].append(await _p99(address, flood, seconds, folder))
            for name, seconds_each in found.items():
                p99 = median(seconds_each)
                ratio = p99 / quiet.setdefault(name, p99)
                sys.stdout.write(f"{flood or 'quiet':25}{name:20}p99 {p99 * 1000:7.1f} ms {ratio:6.1f} x\n")
            sys.stdout.flush()


def main() -> None:
    """Measures, or is one of the processes for that."""
    parser = argparse.ArgumentParser(description="Measures how long a client waits beside a flood.")
    parser.add_argument("--rounds", type=int, default=3, help="how often; the median counts")
    parser.add_argument("--seconds", type=float, default=6.0, help="how long each time")
    parser.add_argument("--flood", choices=list(FLOODS), help=argparse.SUPPRESS)
    parser.add_argument("address", nargs="?", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.flood:
        asyncio.run(_flood(arguments.address, arguments.flood))
    elif arguments.address:
        asyncio.run(_wait_often(arguments.address, arguments.seconds))
    else:
        with tempfile.TemporaryDirectory(prefix="sessiond-floor-") as folder:
            asyncio.run(_measure(arguments.rounds, arguments.seconds, Path(folder)))


if __name__ == "__main__":
    main()
