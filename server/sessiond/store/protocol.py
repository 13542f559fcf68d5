"""What an engine offers to the server.

The methods take the requests of the API, checked by `sessiond.contract`, and give its answers: protobuf messages are
the domain types. They raise the errors of `sessiond.store.errors`. A write is on disk, as far as the durability says,
when its method returns or its future is done. Cancelling a write leaves its outcome unknown; ids settle it.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from sessiond.contract.encoded_events import encode_batch
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["EventBounds", "EventFeed", "EventPage", "SessionGoneError", "Store", "StoreInfo", "StoreMetrics"]


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What a store says of itself."""

    store_id: str
    schema_version: int


@dataclass(frozen=True, slots=True)
class StoreMetrics:
    """What a store is doing, and did since it was opened; see GetServerMetricsResponse for what each figure means."""

    waiting_writes: int
    waiting_bytes: int
    readers_busy: int
    read_transactions: int
    write_transactions: int
    log_bytes: int
    writes: int
    groups: int
    events: int


@dataclass(frozen=True, slots=True)
class EventBounds:
    """Which events of a session are stored.

    Attributes:
        first: The sequence of the oldest stored event, or of the next one when none is stored.
        next: The sequence that the next event gets.
    """

    first: int
    next: int

    @property
    def last(self) -> int | None:
        """The sequence of the newest event ever appended."""
        return self.next - 1 if self.next else None


_PAGE_BYTES, _EVENT_BYTES = 500, 50
"""What Python takes for a page, and for each event in it, beside their content."""


@dataclass(slots=True)
class EventPage:
    """A run of events after a cursor, which tails may share.

    Attributes:
        events: Those that the filter lets through, in order, as encoded StoredEvents; the events of one commit are not
            torn apart.
        last: The last sequence that the page accounts for; the cursor itself when there was nothing after it.
        first_available: The oldest stored sequence, as the page was read.
        reached_head: Whether nothing was stored after `last`, as the page was read.
    """

    events: Sequence[bytes]
    last: int
    first_available: int
    reached_head: bool
    _frame: tuple[int, bytes] | None = None

    @property
    def size_bytes(self) -> int:
        """How large the events are."""
        return sum(map(len, self.events))

    @property
    def kept_bytes(self) -> int:
        """About how much memory the page takes, encoded too."""
        return _PAGE_BYTES + _EVENT_BYTES * len(self.events) + 2 * self.size_bytes

    def frame(self, first_sequence: int) -> bytes:
        """The encoded TailEventsResponse with the events; encoded once for the tails that have come equally far."""
        if self._frame is None or self._frame[0] != first_sequence:
            self._frame = first_sequence, encode_batch(first_sequence, self.last, self.events)
        return self._frame[1]


class SessionGoneError(Exception):
    """The session of a feed was deleted or archived."""

    def __init__(self, *, archived: bool) -> None:
        super().__init__("the session is gone")
        self.archived = archived


class EventFeed(Protocol):
    """The events of one session, for one reader that follows them.

    A wake-up carries nothing and may come for no reason: rows are the truth. None is lost between a `read` and the
    `wait` after it.
    """

    @property
    def opened_at(self) -> EventBounds:
        """Which events were stored as it was opened."""
        ...

    async def read(self, after: int) -> EventPage:
        """The next page of committed events after a cursor, -1 being before the first. Raises SessionGoneError."""
        ...

    async def wait(self, timeout_seconds: float) -> None:
        """Returns when something may have changed since the last `read`, or after the time."""
        ...

    def close(self) -> None:
        """Ends the feed; it holds nothing in the database."""
        ...


class Store(Protocol):
    """An engine that keeps sessions."""

    @property
    def info(self) -> StoreInfo:
        """What the store says of itself."""
        ...

    @property
    def open_feeds(self) -> int:
        """The number of feeds that are open."""
        ...

    def metrics(self) -> StoreMetrics:
        """What the store is doing, and did so far."""
        ...

    async def writing_change(self, known: bool) -> bool:
        """Waits until writing is possible, or impossible, otherwise than `known`; returns whether it is.

        Impossible is what the storage does not take: a full disk, one that fails, files that are gone. A store is open
        with True, and finds out by itself when writing is possible again.
        """
        ...

    async def create_session(self, request: pb.CreateSessionRequest) -> pb.CreateSessionResponse:
        """Creates a session, or answers the first time's answer."""
        ...

    def get_session(self, request: pb.GetSessionRequest) -> AsyncGenerator[pb.GetSessionResponse, None]:
        """A session as one snapshot, in fragments."""
        ...

    async def delete_session(self, request: pb.DeleteSessionRequest) -> pb.DeleteSessionResponse:
        """Removes a session and everything in it."""
        ...

    async def list_sessions(self, request: pb.ListSessionsRequest) -> pb.ListSessionsResponse:
        """A page of sessions."""
        ...

    def get_messages(self, request: pb.GetMessagesRequest) -> AsyncGenerator[pb.GetMessagesResponse, None]:
        """Messages in order, in fragments."""
        ...

    async def list_messages(self, request: pb.ListMessagesRequest) -> pb.ListMessagesResponse:
        """A page of messages."""
        ...

    def get_pending_tool_calls(
        self, request: pb.GetPendingToolCallsRequest
    ) -> AsyncGenerator[pb.GetPendingToolCallsResponse, None]:
        """The tool calls that wait for approval, in fragments."""
        ...

    def get_events(self, request: pb.GetEventsRequest) -> AsyncGenerator[bytes, None]:
        """Events, in fragments: encoded GetEventsResponses."""
        ...

    async def delete_events_before(self, request: pb.DeleteEventsBeforeRequest) -> pb.DeleteEventsBeforeResponse:
        """Removes the oldest events of a session."""
        ...

    def submit(self, commit: pb.CommitRequest, source: object = None) -> "asyncio.Future[pb.CommitResponse]":
        """Queues a commit; what a source submits one after another is applied in that order.

        `source` is the stream that it came in, if any: who sends little goes before others who send much.
        """
        ...

    def append_event(self, request: pb.AppendEventRequest) -> "asyncio.Future[pb.AppendEventResponse]":
        """Queues what a commit of this event alone would do, of no stream."""
        ...

    @property
    def is_crowded(self) -> bool:
        """Whether so much waits to be written that those who can wait with more should."""
        ...

    async def wait_for_room(self) -> None:
        """Returns when some of what waits was taken."""
        ...

    async def open_feed(self, session_id: str, types: Sequence[str] = ()) -> EventFeed:
        """A feed of a session's events, all or those of some types, registered for wake-ups before it is returned."""
        ...

    def wake_feeds(self) -> None:
        """Wakes every feed, so that its reader looks around."""
        ...

    async def archive_session(self, request: admin_pb.ArchiveSessionRequest) -> admin_pb.ArchiveSessionResponse:
        """Takes a session out of the live store."""
        ...

    async def restore_session(self, request: admin_pb.RestoreSessionRequest) -> admin_pb.RestoreSessionResponse:
        """Puts an archived session back."""
        ...

    async def list_archives(self, request: admin_pb.ListArchivesRequest) -> admin_pb.ListArchivesResponse:
        """A page of archived sessions."""
        ...

    async def delete_archive(self, request: admin_pb.DeleteArchiveRequest) -> admin_pb.DeleteArchiveResponse:
        """Removes an archived session."""
        ...

    async def close(self) -> None:
        """Finishes the writes that were submitted and closes the store."""
        ...
