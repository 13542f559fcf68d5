"""The steps by which clients of the crash campaign take a session from one place to another."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from sessionstore import AsyncSessionStore
from sessionstore.errors import ArchiveNotFoundError, SessionNotFoundError
from tests.faults.history import ARCHIVED, GONE, LIVE, SessionHistory
from tests.faults.insisting import insist

__all__ = ["move"]


async def move(client: AsyncSessionStore, history: SessionHistory, place: str) -> None:
    """Archives, restores or deletes a session that is somewhere else, and notes it before and after."""
    deleting = client.delete_session if LIVE in history.places[-1] else client.delete_archive
    calls: dict[str, Callable[[str], Awaitable[Any]]] = {
        ARCHIVED: client.archive_session,
        LIVE: client.restore_session,
        GONE: deleting,
    }
    history.send(place)
    # The call is repeated when its answer is lost, and then there may be nothing left to do it to.
    with suppress(ArchiveNotFoundError, SessionNotFoundError):
        await insist(calls[place], history.session_id)
    history.arrive(place)
