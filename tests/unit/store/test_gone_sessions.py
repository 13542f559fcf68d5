"""Feeds of sessions that are archived or deleted learn of it, whatever else happened in the same transaction."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sessiond.store.protocol import SessionGoneError
from sessiond.store.sqlite.engine import SqliteStore
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part

Removal = Callable[[SqliteStore], Awaitable[object]]


async def write(store: SqliteStore, text: str) -> None:
    """In a task of its own, as all that are to be taken into one transaction: the writer looks when all have begun."""
    await store.submit(commit("s", append(part(text))))


def archive(store: SqliteStore) -> Awaitable[object]:
    return store.archive_session(admin_pb.ArchiveSessionRequest(session_id="s"))


def delete(store: SqliteStore) -> Awaitable[object]:
    return store.delete_session(pb.DeleteSessionRequest(session_id="s"))


@pytest.mark.parametrize("followers", [1, 3])
@pytest.mark.parametrize(("remove", "archived"), [(archive, True), (delete, False)])
async def test_an_event_in_the_same_transaction_hides_no_removal(
    store: SqliteStore, remove: Removal, archived: bool, followers: int
) -> None:
    """The event is not taken for the session's newest: a feed that waited at the head would wait there for ever."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    feeds = [await store.open_feed("s") for _ in range(followers)]
    for feed in feeds:
        await feed.read(-1)
    await asyncio.gather(write(store, "last"), remove(store))
    for feed in feeds:
        await feed.wait(60)
        with pytest.raises(SessionGoneError) as gone:
            await feed.read(-1)
        assert archived == gone.value.archived
        feed.close()


async def test_what_follows_a_restoration_in_the_same_transaction_is_read(store: SqliteStore) -> None:
    """A session that is archived and restored at once was never gone for its feeds."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    feed = await store.open_feed("s")
    await feed.read(-1)
    restore = admin_pb.RestoreSessionRequest(session_id="s")
    await asyncio.gather(write(store, "before"), archive(store), store.restore_session(restore), write(store, "after"))
    page = await feed.read(-1)
    assert (2, 1, True) == (len(page.events), page.last, page.reached_head)
    feed.close()
