"""The engine: one database file, one writer, a few readers."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sessiond.contract.limits import Limits
from sessiond.store.errors import CorruptedError, StorageUnavailableError
from sessiond.store.protocol import EventFeed, StoreInfo, StoreMetrics
from sessiond.store.sqlite.commits import AppendOneEvent, CommitOperation
from sessiond.store.sqlite.connection import Durability, EngineConnection, ReaderPool, open_writer
from sessiond.store.sqlite.database_head import DatabaseHead
from sessiond.store.sqlite.event_filters import EventFilter
from sessiond.store.sqlite.event_reads import session_events
from sessiond.store.sqlite.feeds import FeedHub
from sessiond.store.sqlite.horizon_advance import hot_at_start
from sessiond.store.sqlite.reads import StreamingReads
from sessiond.store.sqlite.removals import are_removals_left
from sessiond.store.sqlite.reserve import Reserve
from sessiond.store.sqlite.session_listing import list_archives, list_at_once, list_sessions
from sessiond.store.sqlite.session_operations import (
    ArchiveSession,
    CreateSession,
    DeleteArchive,
    DeleteSession,
    RestoreSession,
)
from sessiond.store.sqlite.trims import DeleteEventsBefore
from sessiond.store.sqlite.upkeep import Upkeep
from sessiond.store.sqlite.writer import Writer
from sessiond.store.sqlite.writer_memory import WriterMemory
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["DATABASE_NAME", "TRIMS_AT_ONCE", "SqliteStore"]

DATABASE_NAME = "sessions.db"
READERS = 3
TRIMS_AT_ONCE = 4
"""So many may share a transaction, each with as many events as one of them deletes at once; the others wait in turn."""


class SqliteStore(StreamingReads):
    """See Store. Must be used from the event loop that opened it."""

    def __init__(
        self, writer: Writer, readers: ReaderPool, hub: FeedHub, info: StoreInfo, data_dir: Path, limits: Limits
    ) -> None:
        super().__init__(readers, temporary=data_dir)
        self._writer = writer
        self._hub = hub
        self._info = info
        self._limits = limits
        self._trims = asyncio.Semaphore(TRIMS_AT_ONCE)
        self._log_path = data_dir / f"{DATABASE_NAME}-wal"

    @classmethod
    async def open(
        cls,
        data_dir: Path,
        *,
        durability: Durability = "full",
        limits: Limits | None = None,
        reserve: Reserve | None = None,
    ) -> "SqliteStore":
        """Opens the migrated database of a data directory, whose lock the caller holds.

        `reserve` is the room that is kept for deletions, so that a full disk does not refuse them; without it there is
        none.
        """
        path = data_dir / DATABASE_NAME
        connection = await _open_writer(path, durability)
        hub = FeedHub()
        try:
            # The first write of a connection makes the log's files, without which no reader can be opened.
            await connection.run(lambda writing: writing.execute("BEGIN IMMEDIATE").execute("COMMIT"))
            info = await connection.run(_read_info)
            upkeep = await connection.run(lambda _: Upkeep(path, reserve or Reserve(data_dir, 0)))
            memory = WriterMemory(
                hot=await connection.run(hot_at_start), removals_left=await connection.run(are_removals_left)
            )
            readers = await ReaderPool.open(path, READERS)
        except OSError as error:
            await connection.close()
            raise StorageUnavailableError(f"the files of the store cannot be used: {error.strerror}") from error
        except BaseException:
            await connection.close()
            raise
        writer = Writer(connection, upkeep, memory, is_followed=hub.is_followed, publish=hub.publish)
        return cls(writer, readers, hub, info, data_dir, limits or Limits())

    @property
    def info(self) -> StoreInfo:
        """See Store."""
        return self._info

    @property
    def open_feeds(self) -> int:
        """See Store."""
        return self._hub.open_feeds

    def metrics(self) -> StoreMetrics:
        """See Store."""
        writer, readers = self._writer, self._readers
        return StoreMetrics(
            waiting_writes=writer.waiting_writes,
            waiting_bytes=writer.waiting_bytes,
            readers_busy=readers.busy,
            read_transactions=readers.transactions,
            write_transactions=int(writer.in_transaction),
            # Where somebody took the file away there is no log, which the health tells.
            log_bytes=self._log_path.stat().st_size if self._log_path.exists() else 0,
            writes=writer.writes,
            groups=writer.groups,
            events=self._hub.events,
        )

    async def writing_change(self, known: bool) -> bool:
        """See Store."""
        return await self._writer.state.change(known)

    async def create_session(self, request: pb.CreateSessionRequest) -> pb.CreateSessionResponse:
        """See Store."""
        return await self._writer.submit(CreateSession(request, self._limits))

    async def delete_session(self, request: pb.DeleteSessionRequest) -> pb.DeleteSessionResponse:
        """See Store."""
        response = await self._writer.submit(DeleteSession(request.session_id))
        await self._writer.wait_for_removals_when_full()
        return response

    async def list_sessions(self, request: pb.ListSessionsRequest) -> pb.ListSessionsResponse:
        """See Store."""
        found = await self._readers.run(lambda connection: list_at_once(connection, request))
        if found is None:
            found = await self._readers.run(lambda connection: list_sessions(connection, request), long=True)
        return found

    async def delete_events_before(self, request: pb.DeleteEventsBeforeRequest) -> pb.DeleteEventsBeforeResponse:
        """See Store."""
        trim: DeleteEventsBefore | None = DeleteEventsBefore(request)
        deleted = 0
        while trim is not None:
            async with self._trims:
                response = await self._writer.submit(trim)
            deleted += response.deleted_count
            trim = trim.rest
        response.deleted_count = deleted
        return response

    def submit(self, commit: pb.CommitRequest, source: object = None) -> "asyncio.Future[pb.CommitResponse]":
        """See Store."""
        return self._writer.submit(CommitOperation(commit, self._limits), source)

    def append_event(self, request: pb.AppendEventRequest) -> "asyncio.Future[pb.AppendEventResponse]":
        """See Store."""
        return self._writer.submit(AppendOneEvent(request, self._limits))

    @property
    def is_crowded(self) -> bool:
        """See Store."""
        return self._writer.is_crowded

    async def wait_for_room(self) -> None:
        """See Store."""
        await self._writer.wait_for_room()

    async def open_feed(self, session_id: str, types: Sequence[str] = ()) -> EventFeed:
        """See Store."""
        published = self._hub.published
        found = await self._readers.run(lambda connection: session_events(connection, session_id))
        return self._hub.open(found, EventFilter.of(types), self._readers, published=published)

    def wake_feeds(self) -> None:
        """See Store."""
        self._hub.wake_all()

    async def archive_session(self, request: admin_pb.ArchiveSessionRequest) -> admin_pb.ArchiveSessionResponse:
        """See Store."""
        return await self._writer.submit(ArchiveSession(request.session_id))

    async def restore_session(self, request: admin_pb.RestoreSessionRequest) -> admin_pb.RestoreSessionResponse:
        """See Store."""
        return await self._writer.submit(RestoreSession(request.session_id))

    async def list_archives(self, request: admin_pb.ListArchivesRequest) -> admin_pb.ListArchivesResponse:
        """See Store."""
        return await self._readers.run(lambda connection: list_archives(connection, request))

    async def delete_archive(self, request: admin_pb.DeleteArchiveRequest) -> admin_pb.DeleteArchiveResponse:
        """See Store."""
        response = await self._writer.submit(DeleteArchive(request.session_id))
        await self._writer.wait_for_removals_when_full()
        return response

    async def close(self) -> None:
        """See Store."""
        # The readers first: the last connection to close checkpoints, and only the writer may.
        await self._writer.drain()
        await self._readers.close()
        await self._writer.close()


async def _open_writer(path: Path, durability: Durability) -> EngineConnection:
    try:
        return await open_writer(path, durability)
    except StorageUnavailableError as error:
        head = DatabaseHead(path)
        try:
            if head.may_be_written():
                raise
        finally:
            head.close()
        raise CorruptedError("the head of the database, which forbids writing,") from error


def _read_info(connection: sqlite3.Connection) -> StoreInfo:
    store_id = connection.execute("SELECT value FROM store_info WHERE key = 'store_id'").fetchone()
    if store_id is None:
        raise CorruptedError("the id of the store")
    return StoreInfo(store_id=store_id[0], schema_version=connection.execute("PRAGMA user_version").fetchone()[0])
