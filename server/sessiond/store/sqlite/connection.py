"""Connections to the database: one that writes, and a small pool that reads.

Every piece of work runs as one function in the connection's own thread: a hop between threads costs more than a
statement, so a group of writes, or a page of reads, is one hop.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

import aiosqlite

from sessiond.store.errors import StoreError
from sessiond.store.sqlite.errors import reading, translated
from sessiond.store.sqlite.failed_reads import close_cursors
from sessiond.store.sqlite.overdue_work import Patience

__all__ = ["Durability", "EngineConnection", "ReaderPool", "open_reader", "open_writer"]

T = TypeVar("T")

Durability = Literal["full", "normal"]

WAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024

LOCK_PATIENCE_SECONDS = 5.0
"""How long a write waits for another program that has the database locked, before it is refused."""

PATIENCE_SECONDS = 0.001
"""How long work in a thread may take, before it gets the interpreter's lock sooner: two or three times of what a read
or a write takes that is alone."""


class EngineConnection(aiosqlite.Connection):
    """A connection that runs whole functions in its thread."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        # A process that ends in disorder must not wait for ever for a thread that nobody stops; what was committed is
        # safe, and a transaction under way is rolled back at the next start.
        self._thread.daemon = True

    async def wait_for_end(self) -> None:
        """Waits until the thread of a connection that could not be opened has ended.

        The driver tells it to, and leaves; it would answer to an event loop that may be closed by then.
        """
        await asyncio.to_thread(self._thread.join)

    async def run(self, work: Callable[[sqlite3.Connection], T], patience: Patience | None = None) -> T:
        """Runs `work` on the connection, in its thread.

        What takes longer than the patience gets the interpreter's lock sooner from then on.

        Cancellation does not stop work that has begun; its outcome is then unknown to the caller. Errors of the driver
        come out as store errors.
        """
        with translated(), patience or Patience(PATIENCE_SECONDS):
            try:
                return await self._execute(work, self._conn)  # type: ignore[no-any-return,no-untyped-call]
            except StoreError as error:
                # The driver's frame holds its future, and that the error, which would hold all frames up to the call:
                # garbage that only a collection frees.
                raise error.with_traceback(None)  # noqa: B904 - the same error


def _connector(path: Path, *, read_only: bool, pragmas: tuple[str, ...]) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        mode = "ro" if read_only else "rw"
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,  # transactions are begun and ended by us, by name
            check_same_thread=False,
            cached_statements=256,
            timeout=LOCK_PATIENCE_SECONDS,
        )
        try:
            for pragma in pragmas:
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    return connect


async def _open(path: Path, *, read_only: bool, pragmas: tuple[str, ...]) -> EngineConnection:
    connection = EngineConnection(_connector(path, read_only=read_only, pragmas=pragmas))
    with translated():
        try:
            return await connection  # type: ignore[return-value]
        except BaseException:
            await connection.wait_for_end()
            raise


async def open_writer(path: Path, durability: Durability) -> EngineConnection:
    """The connection that writes. There must be one only, and it alone checkpoints, when it is told to.

    `full` syncs the log before a commit returns; `normal` leaves that to the operating system.
    """
    return await _open(
        path,
        read_only=False,
        pragmas=(
            "journal_mode = WAL",
            f"synchronous = {'FULL' if durability == 'full' else 'NORMAL'}",
            "foreign_keys = ON",
            f"journal_size_limit = {WAL_SIZE_LIMIT_BYTES}",
            # Some builds overwrite whatever is deleted, which on a full disk needs as much room again.
            "secure_delete = FAST",
            # The driver's own tell nobody when they fail.
            "wal_autocheckpoint = 0",
        ),
    )


async def open_reader(path: Path) -> EngineConnection:
    """A connection that only reads. It must be closed before the writer is, so that it does not checkpoint."""
    return await _open(path, read_only=True, pragmas=("query_only = ON",))


class ReaderPool:
    """A small pool of reading connections.

    A piece of work sees one snapshot. It must be short and never wait: while it runs, the log cannot be reset.

    Work that reads as much as fits into a fragment is said to be long, and one connection is left to all other work: a
    flood of it would let everybody wait for a hundred fragments.
    """

    def __init__(self, connections: list[EngineConnection]) -> None:
        self._connections = connections
        self._idle = list(connections)
        self._slots = asyncio.Semaphore(len(connections))
        self._long_slots = asyncio.Semaphore(max(1, len(connections) - 1))
        self._settling: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, path: Path, size: int) -> "ReaderPool":
        """Opens `size` connections."""
        connections: list[EngineConnection] = []
        try:
            for _ in range(size):
                connections.append(await open_reader(path))
                # Opens the files now, while they are there and there are descriptors for them.
                await connections[-1].run(lambda reading: reading.execute("SELECT 1 FROM sqlite_schema").fetchone())
        except BaseException:
            for connection in connections:
                await connection.close()
            raise
        return cls(connections)

    @property
    def busy(self) -> int:
        """How many connections are at work."""
        return len(self._connections) - len(self._idle)

    @property
    def transactions(self) -> int:
        """How many connections have a transaction open."""
        return sum(connection.in_transaction for connection in self._connections)

    async def run(
        self,
        work: Callable[[sqlite3.Connection], T],
        discard: Callable[[T], None] | None = None,
        *,
        long: bool = False,
    ) -> T:
        """Runs `work` on one snapshot, in the thread of an idle connection.

        `discard` gets what the work came to when the caller has left by then.
        """
        results: list[T] = []

        def in_one_snapshot(connection: sqlite3.Connection) -> T:
            connection.execute("BEGIN")
            try:
                with reading():
                    result = work(connection)
            except BaseException as error:
                close_cursors(error)
                raise
            else:
                if discard is not None:
                    results.append(result)
                return result
            finally:
                # A failed read may have ended the transaction already, and its error is the one to tell.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

        connection = await self._take(long=long)
        try:
            result = await connection.run(in_one_snapshot)
        except asyncio.CancelledError:
            # The thread is still at work. Whoever came next would queue behind it there, out of everybody's sight.
            settling = asyncio.create_task(
                self._settle(connection, results, discard, long=long), name="sessiond reader settles"
            )
            self._settling.add(settling)
            settling.add_done_callback(self._settling.discard)
            raise
        except BaseException:
            self._give_back(connection, long=long)
            raise
        self._give_back(connection, long=long)
        return result

    async def _settle(
        self, connection: EngineConnection, results: list[T], discard: Callable[[T], None] | None, *, long: bool
    ) -> None:
        """Gives a connection back when its thread has done what it was asked for."""
        try:
            await connection.run(lambda _: None)
        finally:
            self._give_back(connection, long=long)
        if discard is not None:
            for result in results:
                discard(result)

    async def _take(self, *, long: bool) -> EngineConnection:
        if long:
            await self._long_slots.acquire()
        try:
            await self._slots.acquire()
        except asyncio.CancelledError:
            if long:
                self._long_slots.release()
            raise
        return self._idle.pop()

    def _give_back(self, connection: EngineConnection, *, long: bool) -> None:
        self._idle.append(connection)
        self._slots.release()
        if long:
            self._long_slots.release()

    async def close(self) -> None:
        """Closes all connections."""
        if self._settling:
            await asyncio.wait(self._settling)
        for connection in self._connections:
            await connection.close()
