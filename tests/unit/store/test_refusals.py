"""What is left of a refusal when it was told: nothing that only a collection of garbage would free."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from sessiond.store.errors import NotFoundError
from sessiond.store.sqlite.engine import SqliteStore
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part
from tests.garbage import garbage


async def refused_commit(store: SqliteStore) -> None:
    with suppress(NotFoundError):
        await store.submit(commit("nowhere", append(part("x"))))


async def refused_commit_of_several(store: SqliteStore) -> None:
    with suppress(NotFoundError):
        await store.submit(commit("nowhere", append(part("x")), append(part("y"))))


async def refused_read(store: SqliteStore) -> None:
    with suppress(NotFoundError):
        async for _ in store.get_events(pb.GetEventsRequest(session_id="nowhere")):
            raise AssertionError


@pytest.mark.parametrize("refuse", [refused_commit, refused_commit_of_several, refused_read])
async def test_a_refusal_leaves_nothing_to_the_collector(
    store: SqliteStore, refuse: Callable[[SqliteStore], Awaitable[None]]
) -> None:
    with garbage() as found:
        # More than one: what the threads did last they remember.
        for _ in range(8):
            await refuse(store)

    assert [kept for kept in found if isinstance(kept, NotFoundError | pb.CommitRequest | pb.GetEventsRequest)] == []
