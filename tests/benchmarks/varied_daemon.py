"""The daemon with one of its choices made otherwise, to measure what the choice is worth.

python -m tests.benchmarks.varied_daemon uvloop serve --data-dir DIR --listen unix:/path/of/the.sock
"""

import asyncio
import importlib
import sqlite3
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sessiond import server
from sessiond.cli import main, serving
from sessiond.contract.limits import Limits
from sessiond.store.sqlite import connection, transaction, upkeep, writer_memory
from sessiond.store.sqlite.engine import DATABASE_NAME
from sessiond.store.sqlite.migrations import migrate

__all__ = ["VARIATIONS"]


def _instead(module: object, name: str, value: object) -> None:
    patch.object(module, name, value).start()


def _uvloop() -> None:
    _instead(serving, "EventLoop", importlib.import_module("uvloop").new_event_loop)


def _pragma(pragma: str, *, readers: bool) -> None:
    """Gives the pragma to the writing connection, or to the reading ones."""
    usual = connection._connector

    def connector(path: Path, *, read_only: bool, pragmas: tuple[str, ...]) -> Callable[[], sqlite3.Connection]:
        more = (pragma,) if read_only is readers else ()
        return usual(path, read_only=read_only, pragmas=(*pragmas, *more))

    _instead(connection, "_connector", connector)


def _statements(count: int) -> None:
    usual: Callable[..., sqlite3.Connection] = sqlite3.connect

    def connect(*arguments: Any, **named: Any) -> sqlite3.Connection:
        return usual(*arguments, **{**named, "cached_statements": count})

    _instead(sqlite3, "connect", connect)


def _page_size(size_bytes: int) -> None:
    """Makes the database before the daemon does, with pages of another size."""
    folder = Path(sys.argv[sys.argv.index("--data-dir") + 1])
    folder.mkdir(mode=0o700, parents=True)
    database = folder / DATABASE_NAME
    migrate(database)
    changing = sqlite3.connect(database, isolation_level=None)
    for statement in ("journal_mode = DELETE", f"page_size = {size_bytes}"):
        changing.execute(f"PRAGMA {statement}")
    changing.execute("VACUUM")
    changing.close()


def _grpc(name: str, value: int | str) -> None:
    usual = server._server_options

    def options(limits: Limits, keepalive_seconds: int) -> list[tuple[str, Any]]:
        return [*usual(limits, keepalive_seconds), (name, value)]

    _instead(server, "_server_options", options)


MIB = 1024 * 1024

VARIATIONS: Mapping[str, Callable[[], None]] = {
    "nothing": lambda: None,
    "asyncio-loop": partial(_instead, serving, "EventLoop", asyncio.SelectorEventLoop),
    "uvloop": _uvloop,
    "switch-interval-500us": partial(sys.setswitchinterval, 0.0005),
    "usual-collector": partial(_instead, server, "collected_when_quiet", nullcontext),
    "writer-cache-16MiB": partial(_pragma, "cache_size = -16384", readers=False),
    "reader-cache-16MiB": partial(_pragma, "cache_size = -16384", readers=True),
    "writer-mmap-256MiB": partial(_pragma, f"mmap_size = {256 * MIB}", readers=False),
    "reader-mmap-256MiB": partial(_pragma, f"mmap_size = {256 * MIB}", readers=True),
    "checkpoint-4000-pages": partial(_instead, upkeep, "CHECKPOINT_FRAMES", 4000),
    "checkpoint-250-pages": partial(_instead, upkeep, "CHECKPOINT_FRAMES", 250),
    "page-size-8192": partial(_page_size, 8192),
    "page-size-16384": partial(_page_size, 16384),
    "temp-store-memory": partial(_pragma, "temp_store = MEMORY", readers=False),
    "no-statement-cache": partial(_statements, 0),
    "one-position-at-a-time": partial(_instead, transaction, "POSITIONS_AT_ONCE", 1),
    "no-rows-in-memory": partial(_instead, writer_memory, "MAX_ROWS", 0),
    "grpc-throughput": partial(_grpc, "grpc.optimization_target", "throughput"),
    "grpc-latency": partial(_grpc, "grpc.optimization_target", "latency"),
    "grpc-no-bdp-probe": partial(_grpc, "grpc.http2.bdp_probe", 0),
    "grpc-large-write-buffer": partial(_grpc, "grpc.http2.write_buffer_size", MIB),
}
"""By name: what makes one choice otherwise, before the daemon starts; `nothing` tells how much a figure varies."""

if __name__ == "__main__":
    VARIATIONS[sys.argv.pop(1)]()
    main()
