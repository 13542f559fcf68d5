"""Feeds of events for tails: who waits for which session, and the newest events of the sessions that are followed.

A wake-up carries nothing. The ring of the newest events spares the database when many tails sit at the head of one
session; whatever it does not hold is read from the table.
"""

import asyncio
from collections import deque
from itertools import count

from sessiond.contract.limits import TAIL_FRAME_BYTES
from sessiond.store.protocol import EventBounds, EventPage, SessionGoneError
from sessiond.store.sqlite.connection import ReaderPool
from sessiond.store.sqlite.event_filters import EventFilter
from sessiond.store.sqlite.event_pages import EventPageBuilder
from sessiond.store.sqlite.event_reads import FEW_EVENTS, SessionEvents, event_bounds, read_page
from sessiond.store.sqlite.publication import Publication, PublishedEvent
from sessiond.store.sqlite.shared_pages import PageKey, SharedPages
from sessiond.store.sqlite.wakeups import Wakeups

__all__ = ["FeedHub", "SqliteEventFeed"]

RING_BYTES = 1024 * 1024

_EVENT_BYTES = 140
"""What Python takes for an event in a ring beside its content: more than most parts of messages are themselves."""

_moments = count()


class EventRing:
    """The newest events of one session, without gaps, bounded in the memory that they take."""

    def __init__(self, end: int | None) -> None:
        self._events: deque[PublishedEvent] = deque()
        self._size_bytes = 0
        self._end = end
        """The sequence after the newest event; None while it is not known."""

    def take(self, change: Publication) -> None:
        """Takes in what a transaction did, and forgets everything when that does not follow on what is held."""
        complete = change.appended == len(change.events)
        if change.trimmed or change.gone or not complete:
            self._clear()
        # Of a session that is gone nothing is held: whoever reads on has to learn of it from the table.
        if change.gone or not complete or not change.events:
            return
        if self._end is not None and self._end != change.events[0].sequence:
            self._clear()
        for event in change.events:
            self._events.append(event)
            self._size_bytes += len(event.encoded) + _EVENT_BYTES
        self._end = change.events[-1].sequence + 1
        while self._size_bytes > RING_BYTES and self._events:
            self._size_bytes -= len(self._events.popleft().encoded) + _EVENT_BYTES

    def page(self, after: int, event_filter: EventFilter) -> EventPage | None:
        """The events after a sequence, or None when the ring does not hold all of them."""
        if self._end is None or not self._end - len(self._events) <= after + 1 <= self._end:
            return None
        page = EventPageBuilder(TAIL_FRAME_BYTES, whole_commits=True)
        last = self._end - 1
        skipped = after + 1 - (self._end - len(self._events))
        # The tails that are behind by little are the common case: walk from the newest end. Who is behind by much takes
        # one event after the other out, since the page ends long before the ring does.
        newer = map(self._events.__getitem__, range(skipped - len(self._events), 0))
        for event in newer:
            if page.is_full_before(event.sequence, event.commit_index):
                last = event.sequence - 1
                break
            if event_filter.passes(event.type):
                page.add(event.sequence, event.commit_index, event.encoded)
        return EventPage(page.events, last, after + 1, reached_head=last == self._end - 1)

    def has_few_after(self, after: int) -> bool:
        """Whether hardly any events are known to come after a sequence, in the ring or not."""
        return self._end is not None and self._end - after - 1 <= FEW_EVENTS

    def _clear(self) -> None:
        self._events.clear()
        self._size_bytes = 0
        self._end = None


class _Topic:
    """One followed session."""

    def __init__(self, end: int | None) -> None:
        self.ring = EventRing(end)
        self.feeds: set[SqliteEventFeed] = set()
        self.moment = next(_moments)
        """Another one after each change; no two sessions ever have the same."""
        self.waiting: set[asyncio.Future[None]] = set()

    def wake(self, wakeups: Wakeups) -> None:
        self.moment = next(_moments)
        if self.waiting:
            woken, self.waiting = self.waiting, set()
            wakeups.wake(woken)


class FeedHub:
    """The feeds that are open. Used from the event loop, but for `is_followed`."""

    def __init__(self) -> None:
        self._topics: dict[int, _Topic] = {}
        self._wakeups = Wakeups()
        self.pages = SharedPages()
        self.events = 0
        """How many events were published so far, followed or not."""
        self.published = 0
        """How often something was published so far."""

    def is_followed(self, session_key: int) -> bool:
        """Whether a session has feeds; may be called from any thread."""
        return session_key in self._topics

    @property
    def open_feeds(self) -> int:
        """The number of open feeds."""
        return sum(len(topic.feeds) for topic in self._topics.values())

    def publish(self, changes: dict[int, Publication]) -> None:
        """Tells the feeds what a transaction changed, or some of it, once it is on disk."""
        self.published += 1
        for session_key, change in changes.items():
            self.events += change.appended
            topic = self._topics.get(session_key)
            if topic is not None:
                topic.ring.take(change)
                topic.wake(self._wakeups)

    def wake_all(self) -> None:
        """Wakes every feed."""
        for topic in self._topics.values():
            topic.wake(self._wakeups)

    def open(
        self, found: SessionEvents, event_filter: EventFilter, readers: ReaderPool, *, published: int
    ) -> "SqliteEventFeed":
        """A new feed of a session that was found, registered for wake-ups; `published` is as it was before that."""
        topic = self._topics.get(found.session_key)
        if topic is None:
            # When nothing was published in the meantime, there is nothing yet after what was found.
            topic = _Topic(found.bounds.next if published == self.published else None)
            self._topics[found.session_key] = topic
        feed = SqliteEventFeed(self, found, topic, event_filter, readers)
        topic.feeds.add(feed)
        return feed

    def close(self, feed: "SqliteEventFeed", session_key: int, topic: _Topic) -> None:
        """Forgets a feed, and the session when it was its last."""
        topic.feeds.discard(feed)
        if not topic.feeds and self._topics.get(session_key) is topic:
            del self._topics[session_key]


class SqliteEventFeed:
    """See EventFeed."""

    def __init__(
        self, hub: FeedHub, found: SessionEvents, topic: _Topic, event_filter: EventFilter, readers: ReaderPool
    ) -> None:
        self.opened_at = found.bounds
        """See EventFeed."""
        self._hub = hub
        self._session_key = found.session_key
        self._topic = topic
        self._filter = event_filter
        self._readers = readers
        self._seen = -1
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def read(self, after: int) -> EventPage:
        """See EventFeed."""
        # Before the read: what is published during it wakes the wait that follows.
        topic = self._topic
        self._seen = topic.moment
        if len(topic.feeds) == 1:
            return topic.ring.page(after, self._filter) or await self._read(after)
        key = PageKey(topic.moment, after, self._filter.types)
        page = self._hub.pages.find(key)
        if page is not None:
            return page
        page = topic.ring.page(after, self._filter)
        if page is None:
            return await self._hub.pages.read(key, lambda: self._read(after))
        self._hub.pages.keep(key, page)
        return page

    async def _read(self, after: int) -> EventPage:
        return await self._readers.run(
            lambda connection: read_page(
                connection,
                self._session_key,
                self._alive(event_bounds(connection, self._session_key)),
                self._filter,
                after=after,
                page_bytes=TAIL_FRAME_BYTES,
                whole_commits=True,
            ),
            # Who catches up reads as much as fits into a frame.
            long=not self._topic.ring.has_few_after(after),
        )

    async def wait(self, timeout_seconds: float) -> None:
        """See EventFeed."""
        if self._topic.moment != self._seen:
            return
        loop = asyncio.get_running_loop()
        self._deadline = loop.time() + timeout_seconds
        # The timer of an earlier wait is kept, and put off when it rings: most waits end long before their time.
        if self._timer is None or self._timer.when() > self._deadline:
            self._set_timer(loop)
        waiter = self._waiter = loop.create_future()
        self._topic.waiting.add(waiter)
        try:
            await waiter
        finally:
            self._waiter = None
            self._topic.waiting.discard(waiter)

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(self._deadline, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if loop.time() < self._deadline:
            self._set_timer(loop)
        else:
            self._waiter.set_result(None)

    def close(self) -> None:
        """See EventFeed."""
        if self._timer is not None:
            self._timer.cancel()
        self._hub.close(self, self._session_key, self._topic)

    def _alive(self, found: tuple[EventBounds, bool] | None) -> EventBounds:
        if found is None:
            raise SessionGoneError(archived=False)
        bounds, archived = found
        if archived:
            raise SessionGoneError(archived=True)
        return bounds
