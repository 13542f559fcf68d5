"""Measures the daemon beside its floors, in one run, as ratios.

The floors: a server of the same stack that does nothing, and plain sqlite3 that writes the same rows with the same
durability. Absolute figures depend on the machine; the ratios are what to compare.

    python -m tests.benchmarks.bench            # a table
    python -m tests.benchmarks.bench --json     # one object a line
"""

import argparse
import asyncio
import json
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import grpc

from sessiond.store.sqlite.engine import DATABASE_NAME
from sessiond.store.sqlite.migrations import migrate
from sessionstore import AsyncSessionStore
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import Event
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.builders import append, commit, part
from tests.integration.process import DaemonProcess

EVENT = part("x" * 180)


@dataclass(frozen=True)
class Figure:
    """One workload: what was measured, its floor, and the ratio of the two (above 1 is better than the floor)."""

    workload: str
    unit: str
    measured: float
    floor: float
    ratio: float


@dataclass(frozen=True)
class Sizes:
    """How much each workload does, and how often."""

    rounds: int
    single: int
    concurrent: int
    bulk: int

    @classmethod
    def of(cls, *, quick: bool) -> "Sizes":
        """Small enough to prove that it runs, or large enough to mean something."""
        return cls(1, 50, 200, 5000) if quick else cls(5, 500, 4000, 100_000)


class _Nothing(grpc.GenericRpcHandler):
    """A server of the same stack that does nothing."""

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        if not str(details.method).endswith("/AppendEvent"):
            return None
        return grpc.unary_unary_rpc_method_handler(
            _answer, pb.AppendEventRequest.FromString, pb.AppendEventResponse.SerializeToString
        )


async def _answer(request: pb.AppendEventRequest, context: Any) -> pb.AppendEventResponse:
    return pb.AppendEventResponse()


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = perf_counter()
    await work()
    return perf_counter() - began


def _raw_commits(path: Path, count: int) -> float:
    """Seconds for single commits of one row each with plain sqlite3."""
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, payload BLOB)")
        payload = EVENT.SerializeToString()
        began = perf_counter()
        for _ in range(count):
            connection.execute("INSERT INTO rows (payload) VALUES (?)", (payload,))
        elapsed = perf_counter() - began
    connection.close()
    return elapsed


def _raw_bulk(folder: Path, count: int, batch: int) -> float:
    """Seconds for the same rows in the same schema, with executemany and the same batches."""
    path = folder / f"bulk-{perf_counter()}.db"
    migrate(path)
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(
            "INSERT INTO sessions (id, create_digest, config, status, created_at_us, updated_at_us)"
            " VALUES ('s', x'', x'', 1, 0, 0)"
        )
        payload = EVENT.SerializeToString()
        began = perf_counter()
        for first in range(0, count, batch):
            rows = [(n + 1, 1, n, 0, 0, "message_part", f"e{n}", payload) for n in range(first, first + batch)]
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            connection.execute("COMMIT")
        elapsed = perf_counter() - began
    connection.close()
    return elapsed


async def measure(folder: Path, sizes: Sizes) -> list[Figure]:
    """Runs all workloads in turn, several rounds, and takes the medians."""
    nothing = grpc.aio.server()
    nothing.add_generic_rpc_handlers((_Nothing(),))
    idle = f"unix:{folder}/idle.sock"
    nothing.add_insecure_port(idle)
    await nothing.start()
    samples: dict[str, list[tuple[float, float]]] = {}
    options = [("grpc.default_authority", "localhost")]
    try:
        with DaemonProcess(folder) as daemon:
            async with (
                AsyncSessionStore(daemon.address) as client,
                grpc.aio.insecure_channel(daemon.address, options=options) as busy,
                grpc.aio.insecure_channel(idle, options=options) as empty,
            ):
                await client.create_session(session_id="s")
                for _ in range(sizes.rounds):
                    for name, pair in (await _round(folder, sizes, client, busy, empty)).items():
                        samples.setdefault(name, []).append(pair)
    finally:
        await nothing.stop(None)
    figures = []
    for name, pairs in samples.items():
        measured, floor = (statistics.median(values) for values in zip(*pairs, strict=True))
        ratio = statistics.median(one / other for one, other in pairs)
        figures.append(Figure(name, "per second", round(measured), round(floor), round(ratio, 3)))
    return figures


async def _round(
    folder: Path, sizes: Sizes, client: AsyncSessionStore, busy: grpc.aio.Channel, empty: grpc.aio.Channel
) -> dict[str, tuple[float, float]]:
    """One round of all workloads: for each, the daemon's rate and its floor's."""

    async def single() -> None:
        for _ in range(sizes.single):
            await client.append_event("s", EVENT)

    def concurrent(channel: grpc.aio.Channel) -> Callable[[], Awaitable[None]]:
        stub = SessionStoreServiceStub(channel)

        async def appender() -> None:
            for _ in range(sizes.concurrent // 64 + 1):
                await stub.AppendEvent(pb.AppendEventRequest(session_id="s", event=EVENT))

        async def run() -> None:
            await asyncio.gather(*(appender() for _ in range(64)))

        return run

    batch = 100

    async def bulk() -> None:
        groups = sizes.bulk // batch
        commits = (
            commit("s", *(append(Event.FromString(EVENT.SerializeToString())) for _ in range(batch)))
            for _ in range(groups)
        )
        async for outcome in client.write(commits):
            if outcome.WhichOneof("outcome") != "result":
                raise RuntimeError(outcome.error.message)

    async def replay() -> int:
        return sum([1 async for _ in client.get_events("s")])

    raw = await asyncio.to_thread(_raw_commits, folder / "raw.db", sizes.single)
    rates = {"one append at a time / raw fsynced commits": (sizes.single / await _timed(single), sizes.single / raw)}
    calls = 64 * (sizes.concurrent // 64 + 1)
    quiet = calls / await _timed(concurrent(empty))
    rates["64 unary appenders / no-op server"] = (calls / await _timed(concurrent(busy)), quiet)
    plain = await asyncio.to_thread(_raw_bulk, folder, sizes.bulk, batch)
    rates["bulk through Write / executemany"] = (sizes.bulk / await _timed(bulk), sizes.bulk / plain)
    began = perf_counter()
    count = await replay()
    replayed = count / (perf_counter() - began)
    rates["replay through GetEvents / reading the rows"] = (replayed, _raw_read(folder, count))
    return rates


def _raw_read(folder: Path, count: int) -> float:
    """Rows per second that plain sqlite3 reads from the daemon's own database."""
    with sqlite3.connect(f"file:{folder}/data/{DATABASE_NAME}?mode=ro", uri=True) as connection:
        began = perf_counter()
        rows = connection.execute("SELECT * FROM events ORDER BY session_key, sequence").fetchall()
        elapsed = perf_counter() - began
    connection.close()
    if len(rows) != count:
        raise RuntimeError(f"the daemon gave {count} of {len(rows)} events")
    return len(rows) / elapsed


def main() -> int:
    """Runs the benchmark from the command line."""
    parser = argparse.ArgumentParser(description="Measures the daemon beside its floors.")
    parser.add_argument("--quick", action="store_true", help="only prove that it runs")
    parser.add_argument("--json", action="store_true", help="one object a line")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sessiond-bench-") as folder:
        figures = asyncio.run(measure(Path(folder), Sizes.of(quick=arguments.quick)))
    for figure in figures:
        if arguments.json:
            sys.stdout.write(json.dumps(asdict(figure)) + "\n")
        else:
            sys.stdout.write(
                f"{figure.workload:<46} {figure.measured:>9,.0f} {figure.floor:>9,.0f} {figure.unit}"
                f"   ratio {figure.ratio:.2f}\n"
            )
    return 0 if figures else 1


if __name__ == "__main__":
    sys.exit(main())
