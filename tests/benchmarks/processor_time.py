"""What an append costs the processors, by process and thread: where the time goes when they are the limit. Linux only.

Beside it the same of a server that does nothing. The threads of a server are its event loop, the other threads of
Python (the writer, the readers, and the one that waits for gRPC), and those of gRPC.

    python -m tests.benchmarks.processor_time
    python -m tests.benchmarks.processor_time --rounds 5
"""

import argparse
import asyncio
import os
import socket
import statistics
import struct
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.benchmarks.channels import open_channels
from tests.benchmarks.daemon import running_daemon
from tests.benchmarks.driving import rate_of
from tests.benchmarks.events import EVENT
from tests.benchmarks.floors import noop_server

__all__ = ["main"]

APPENDERS = 64
BOX_SECONDS = 2.0
WARM_UP_SECONDS = 0.5
MICROSECONDS = 1_000_000

CLIENT, LOOP, PYTHON, GRPC, SWITCHES = "client", "event loop", "other Python", "gRPC", "switches"

Append = Callable[[int], Awaitable[object]]


def _listener_of(address: str) -> int:
    """The process that listens at a Unix socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address.removeprefix("unix:"))
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])


def _used(pid: int) -> dict[str, float]:
    """The microseconds that the threads of a process have used, and how often they were switched."""
    found: dict[str, float] = defaultdict(float)
    ticks = os.sysconf("SC_CLK_TCK")
    main_name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8")
    for thread in Path(f"/proc/{pid}/task").iterdir():
        fields = (thread / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        is_python = (thread / "comm").read_text(encoding="utf-8") == main_name
        kind = LOOP if thread.name == str(pid) else PYTHON if is_python else GRPC
        found[kind] += (int(fields[11]) + int(fields[12])) / ticks * MICROSECONDS
        for line in (thread / "status").read_text(encoding="utf-8").splitlines():
            if "ctxt_switches" in line:
                found[SWITCHES] += int(line.split()[1])
    return found


async def _measured(pid: int, appenders: int, append: Append) -> dict[str, float]:
    """What an append cost, and how many there were a second."""
    await rate_of(append, appenders, WARM_UP_SECONDS)
    began, before, client_before = time.perf_counter(), _used(pid), time.process_time()
    rate = await rate_of(append, appenders, BOX_SECONDS)
    appends = rate * (time.perf_counter() - began)
    used = {name: (value - before[name]) / appends for name, value in _used(pid).items()}
    return {"rate": rate, CLIENT: (time.process_time() - client_before) / appends * MICROSECONDS, **used}


async def _run(rounds: int, folder: Path) -> dict[str, list[dict[str, float]]]:
    sessions = [f"s{number}" for number in range(APPENDERS)]
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    async with (
        running_daemon(folder / "d") as daemon,
        noop_server(folder) as noop,
        open_channels(daemon.address) as (channel,),
        open_channels(noop) as (idle_channel,),
    ):
        await daemon.prepare(sessions)

        def calling(stub: Any) -> Append:
            async def append(number: int) -> None:
                request = pb.AppendEventRequest(session_id=sessions[number], event=EVENT, event_id=str(uuid4()))
                await stub.AppendEvent(request)

            return append

        async def streamed(number: int) -> None:
            await daemon.append(sessions[number])

        loads: list[tuple[str, int, int, Append]] = [
            ("one appender", daemon.pid, 1, streamed),
            ("64 appenders, one stream", daemon.pid, APPENDERS, streamed),
            ("64 plain calls", daemon.pid, APPENDERS, calling(SessionStoreServiceStub(channel))),
            (
                "64 plain calls to nothing",
                _listener_of(noop),
                APPENDERS,
                calling(SessionStoreServiceStub(idle_channel)),
            ),
        ]
        for _ in range(rounds):
            for name, pid, appenders, append in loads:
                found[name].append(await _measured(pid, appenders, append))
    return found


def main() -> None:
    """Measures from the command line."""
    parser = argparse.ArgumentParser(description="What an append costs the processors.")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sessiond-bench-") as folder:
        found = asyncio.run(_run(arguments.rounds, Path(folder)))
    columns = ("rate", CLIENT, LOOP, PYTHON, GRPC, SWITCHES)
    sys.stdout.write("| microseconds an append | a second | client | event loop | other Python | gRPC | switches |\n")
    sys.stdout.write("| --- " + "| --: " * len(columns) + "|\n")
    for name, rounds in found.items():
        values = [statistics.median(each.get(column, 0.0) for each in rounds) for column in columns]
        cells = [
            f"{value:,.1f}" if column == SWITCHES else f"{value:,.0f}"
            for column, value in zip(columns, values, strict=True)
        ]
        sys.stdout.write(f"| {name} | {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main()
