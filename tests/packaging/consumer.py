"""A program of somebody else, as their type checker sees it: nothing of the library is Any."""

from typing import assert_type

from sessionstore import AsyncSessionStore, BlockingTail, SessionStore
from sessionstore.v1.event_pb2 import Event, SessionSaved, StoredEvent
from sessionstore.v1.session_store_service_pb2 import AppendEventResponse

__all__ = ["append", "append_blocking"]

SAVED = Event(session_saved=SessionSaved(session_id="s"))


async def append(session_id: str) -> None:
    """Appends an event and reads the tail, with asyncio."""
    async with AsyncSessionStore() as store:
        assert_type(await store.append_event(session_id, SAVED), AppendEventResponse)
        async for stored in store.tail(session_id, follow=False):
            assert_type(stored, StoredEvent)


def append_blocking(session_id: str) -> None:
    """Appends an event and reads the tail, in a thread that waits."""
    with SessionStore() as store:
        assert_type(store.append_event(session_id, SAVED), AppendEventResponse)
        tail = store.tail(session_id, follow=False)
        assert_type(tail, BlockingTail)
        for stored in tail:
            assert_type(stored, StoredEvent)
