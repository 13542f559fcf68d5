"""PostgreSQL: INSERT, and NOTIFY in the same transaction for those who LISTEN."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.child import LOOPBACK, free_ports, running, until_listening
from tests.benchmarks.events import EVENT
from tests.benchmarks.peers.absence import AbsentError, program, said_version
from tests.benchmarks.stores import Store

__all__ = ["NAME", "opened"]

NAME = "PostgreSQL"

CONNECTIONS = 64
INITDB_SECONDS = 60

_SCHEMA = """
    CREATE TABLE events (
        position bigserial PRIMARY KEY, session text NOT NULL, event_id uuid NOT NULL UNIQUE, payload bytea NOT NULL
    )
"""
_INSERT = "INSERT INTO events (session, event_id, payload) VALUES ($1, gen_random_uuid(), $2)"
# One statement is one transaction: who is notified finds the row.
_INSERT_AND_NOTIFY = """
    WITH added AS (INSERT INTO events (session, event_id, payload) VALUES ($1, gen_random_uuid(), $2) RETURNING session)
    SELECT pg_notify(session, '') FROM added
"""


class _PostgreSql(Store):
    name = NAME
    note = "fsync and synchronous_commit on; a connection for each appender, who is notified then reads the row"

    def __init__(self, pool: Any, connect: Callable[[], Awaitable[Any]], version: str) -> None:
        self._pool = pool
        self._connect = connect
        self._payload = EVENT.SerializeToString()
        self._followed: set[str] = set()
        self.version = version

    async def append(self, session: str) -> object:
        statement = _INSERT_AND_NOTIFY if session in self._followed else _INSERT
        return await self._pool.execute(statement, session, self._payload)

    @asynccontextmanager
    async def follow(self, session: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
        reader = await self._connect()
        wakes = asyncio.Semaphore(0)
        cursor = 0
        waiting: list[Any] = []

        async def arrived() -> object:
            nonlocal cursor
            while not waiting:
                await wakes.acquire()
                rows = await reader.fetch(
                    "SELECT position, payload FROM events WHERE position > $1 AND session = $2 ORDER BY position",
                    cursor,
                    session,
                )
                waiting.extend(rows)
                if rows:
                    cursor = rows[-1]["position"]
            return waiting.pop(0)

        try:
            cursor = await reader.fetchval("SELECT coalesce(max(position), 0) FROM events")
            await reader.add_listener(session, lambda *_: wakes.release())
            self._followed.add(session)
            yield arrived
        finally:
            self._followed.discard(session)
            await reader.close()


def _user() -> str | None:
    """Whose processes the server's have to be; it refuses to be root's. Raises AbsentError."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise AbsentError("it refuses to run as root, and there is no user postgres or nobody")


def _initialise(tools: Path, data: Path, user: str | None) -> None:
    more: dict[str, Any] = (
        {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    )
    if user is not None:
        shutil.chown(data.parent, user)
    command = [
        str(tools / "initdb"),
        "-D",
        str(data),
        "-U",
        "bench",
        "--auth",
        "trust",
        "--no-locale",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    answer = subprocess.run(
        command, capture_output=True, text=True, timeout=INITDB_SECONDS, check=False, cwd="/", **more
    )
    if answer.returncode:
        raise AbsentError(f"initdb failed: {answer.stderr.strip().splitlines()[-1]}")


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    """A cluster of its own, that listens on loopback only and trusts it."""
    import asyncpg

    server = program("postgres", "/usr/lib/postgresql/*/bin").resolve()
    user, data = _user(), folder / "data"
    await asyncio.to_thread(_initialise, server.parent, data, user)
    (port,) = free_ports(1)
    log = folder / "postgres.log"
    command: list[object] = [server, "-D", data, "-p", str(port)]
    for setting in (f"listen_addresses={LOOPBACK}", "unix_socket_directories=", "max_wal_size=4GB", "jit=off"):
        command += ["-c", setting]

    async def connect() -> Any:
        return await asyncpg.connect(host=LOOPBACK, port=port, user="bench", database="postgres")

    async with running(command, log, user=user, stop=signal.SIGINT) as process:
        await until_listening(process, port, log)
        pool = None
        while pool is None:
            try:
                pool = await asyncpg.create_pool(
                    host=LOOPBACK,
                    port=port,
                    user="bench",
                    database="postgres",
                    min_size=CONNECTIONS,
                    max_size=CONNECTIONS,
                )
            except asyncpg.CannotConnectNowError:
                await asyncio.sleep(0.1)
        try:
            await pool.execute(_SCHEMA)
            yield _PostgreSql(pool, connect, said_version(server, "--version"))
        finally:
            await asyncio.wait_for(pool.close(), 10)
