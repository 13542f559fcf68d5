"""What is left of an exception of the client that was handled: nothing that only a collection of garbage would free."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sessionstore import AsyncSessionStore, SessionStore
from sessionstore.errors import SequenceConflictError, SessionNotFoundError, SessionStoreError
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import part
from tests.garbage import garbage
from tests.integration.process import DaemonProcess

KEPT = (SessionStoreError, pb.CommitRequest, pb.TailEventsRequest)


async def refused_append(client: AsyncSessionStore) -> None:
    with pytest.raises(SessionNotFoundError):
        await client.append_event("nowhere", part("x"))


async def lost_race(client: AsyncSessionStore) -> None:
    with pytest.raises(SequenceConflictError):
        await client.append_event("s", part("x"), expected_last_sequence=7)


async def refused_call(client: AsyncSessionStore) -> None:
    with pytest.raises(SessionNotFoundError):
        await client.delete_session("nowhere")


async def refused_read(client: AsyncSessionStore) -> None:
    with pytest.raises(SessionNotFoundError):
        _ = [event async for event in client.get_events("nowhere")]


async def refused_tail(client: AsyncSessionStore) -> None:
    async with client.tail("nowhere") as events:
        with pytest.raises(SessionNotFoundError):
            await anext(events)


@pytest.mark.parametrize("refuse", [refused_append, lost_race, refused_call, refused_read, refused_tail])
async def test_an_exception_of_the_client_is_let_go_of_with_what_was_sent(
    client: AsyncSessionStore, refuse: Callable[[AsyncSessionStore], Awaitable[None]]
) -> None:
    """An event may be large, and who loses races for a number has many such exceptions."""
    await client.create_session(session_id="s")
    await refuse(client)
    with garbage() as found:
        for _ in range(8):
            await refuse(client)

    assert [] == [each for each in found if isinstance(each, KEPT)]


def test_so_is_one_of_the_blocking_client(tmp_path: Path) -> None:
    with DaemonProcess(tmp_path / "data") as process, SessionStore(process.address) as client:

        def refuse() -> None:
            with pytest.raises(SessionNotFoundError):
                client.append_event("nowhere", part("x"))
            with pytest.raises(SessionNotFoundError):
                client.delete_session("nowhere")
            with pytest.raises(SessionNotFoundError):
                list(client.get_events("nowhere"))

        refuse()
        with garbage() as found:
            for _ in range(8):
                refuse()

    assert [] == [each for each in found if isinstance(each, KEPT)]
