"""Pages that several tails of a session ask for: read once and encoded once, bounded in bytes.

A page is shared only by tails that ask for the same at the same moment of their session. A moment is a number that is
drawn anew whenever something in a session changes, and never twice, so that nothing has to be taken back.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, NamedTuple

from sessiond.store.protocol import EventPage

__all__ = ["PageKey", "SharedPages"]

SHARED_BYTES = 8 * 1024 * 1024


class PageKey(NamedTuple):
    """What makes two pages the same.

    Attributes:
        moment: The moment of the session, which also tells the session.
        after: The cursor.
        types: The types of events that are let through.
    """

    moment: int
    after: int
    types: frozenset[str]


class SharedPages:
    """The pages that were asked for last, of all sessions, and those that are being read."""

    def __init__(self, max_bytes: int = SHARED_BYTES) -> None:
        self._max_bytes = max_bytes
        self._pages: OrderedDict[PageKey, EventPage] = OrderedDict()
        self._reads: dict[PageKey, asyncio.Task[EventPage]] = {}
        self.size_bytes = 0

    def find(self, key: PageKey) -> EventPage | None:
        """The page, if it is kept."""
        page = self._pages.get(key)
        if page is not None:
            self._pages.move_to_end(key)
        return page

    def keep(self, key: PageKey, page: EventPage) -> None:
        """Keeps a page, and forgets those that were asked for least lately when they are too large together."""
        if key in self._pages or page.kept_bytes > self._max_bytes:
            return
        self._pages[key] = page
        self.size_bytes += page.kept_bytes
        while self.size_bytes > self._max_bytes:
            self.size_bytes -= self._pages.popitem(last=False)[1].kept_bytes

    async def read(self, key: PageKey, reading: Callable[[], Coroutine[Any, Any, EventPage]]) -> EventPage:
        """The page, from the read that is under way or from a new one, which goes on when this caller leaves."""
        task = self._reads.get(key)
        if task is None:
            task = self._reads[key] = asyncio.create_task(reading())
            task.add_done_callback(partial(self._finished, key))
        return await asyncio.shield(task)

    def _finished(self, key: PageKey, task: asyncio.Task[EventPage]) -> None:
        del self._reads[key]
        if not task.cancelled() and task.exception() is None:
            self.keep(key, task.result())
