"""The calls that look after the store."""

import asyncio
from dataclasses import dataclass
from typing import Any

import grpc

from sessiond import __version__
from sessiond.call_counts import CallCounts
from sessiond.contract.limits import Limits
from sessiond.contract.requests import check_request
from sessiond.contract.timestamps import from_us
from sessiond.process.loop_lag import LoopLag
from sessiond.process.usage import open_descriptors, resident_memory_bytes
from sessiond.store.protocol import Store
from sessionstore.v1 import admin_service_pb2 as pb
from sessionstore.v1 import admin_service_pb2_grpc as pb_grpc

__all__ = ["AdminService", "ServerFacts"]

_WRITE = "/sessionstore.v1.SessionStoreService/Write"

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server knows of itself from its start on."""

    durability: str
    started_at_us: int


class AdminService(pb_grpc.AdminServiceServicer):
    """See AdminService in the protos for what each call promises."""

    def __init__(self, store: Store, limits: Limits, facts: ServerFacts, counts: CallCounts, lag: LoopLag) -> None:
        self._store = store
        self._limits = limits
        self._facts = facts
        self._counts = counts
        self._lag = lag

    async def GetServerInfo(  # noqa: N802, D102
        self, request: pb.GetServerInfoRequest, context: Context
    ) -> pb.GetServerInfoResponse:
        check_request(request, self._limits)
        full = self._facts.durability == "full"
        return pb.GetServerInfoResponse(
            version=__version__,
            schema_version=self._store.info.schema_version,
            store_id=self._store.info.store_id,
            durability=pb.Durability.DURABILITY_FULL if full else pb.Durability.DURABILITY_NORMAL,
            started_at=from_us(self._facts.started_at_us),
            open_tails=self._store.open_feeds,
            limits=pb.Limits(
                max_item_bytes=self._limits.max_item_bytes,
                max_request_bytes=self._limits.max_request_bytes,
                max_mutations_per_commit=self._limits.max_mutations_per_commit,
                max_commits_in_flight=self._limits.max_commits_in_flight,
                max_metadata_bytes=self._limits.max_metadata_bytes,
                max_bytes_in_flight=self._limits.max_bytes_in_flight,
                max_sessions=self._limits.max_sessions,
                max_events_per_session=self._limits.max_events_per_session,
                max_bytes_per_session=self._limits.max_bytes_per_session,
                max_tails_per_client=self._limits.max_tails_per_client,
            ),
        )

    async def ArchiveSession(  # noqa: N802, D102
        self, request: pb.ArchiveSessionRequest, context: Context
    ) -> pb.ArchiveSessionResponse:
        check_request(request, self._limits)
        return await self._store.archive_session(request)

    async def RestoreSession(  # noqa: N802, D102
        self, request: pb.RestoreSessionRequest, context: Context
    ) -> pb.RestoreSessionResponse:
        check_request(request, self._limits)
        return await self._store.restore_session(request)

    async def ListArchives(  # noqa: N802, D102
        self, request: pb.ListArchivesRequest, context: Context
    ) -> pb.ListArchivesResponse:
        check_request(request, self._limits)
        return await self._store.list_archives(request)

    async def DeleteArchive(  # noqa: N802, D102
        self, request: pb.DeleteArchiveRequest, context: Context
    ) -> pb.DeleteArchiveResponse:
        check_request(request, self._limits)
        return await self._store.delete_archive(request)

    async def GetServerMetrics(  # noqa: N802, D102
        self, request: pb.GetServerMetricsRequest, context: Context
    ) -> pb.GetServerMetricsResponse:
        check_request(request, self._limits)
        store = self._store.metrics()
        return pb.GetServerMetricsResponse(
            resident_memory_bytes=resident_memory_bytes(),
            open_descriptors=open_descriptors(),
            tasks=len(asyncio.all_tasks()),
            open_calls=self._counts.open_calls,
            open_tails=self._store.open_feeds,
            open_write_streams=self._counts.open_streams[_WRITE],
            waiting_writes=store.waiting_writes,
            waiting_bytes=store.waiting_bytes,
            readers_busy=store.readers_busy,
            read_transactions=store.read_transactions,
            write_transactions=store.write_transactions,
            wal_bytes=store.log_bytes,
            loop_lag_longest_seconds=self._lag.take_longest(),
            loop_lag_p99_seconds=self._lag.p99(),
            writes=store.writes,
            groups=store.groups,
            events=store.events,
            frames=self._counts.frames,
            refusals=self._counts.refusals,
        )
