"""Reads of messages: in fragments, and by pages."""

import sqlite3
from pathlib import Path

import pytest

from sessiond.contract.limits import FRAGMENT_BYTES
from sessiond.store.errors import CorruptedError, InvalidFieldError, NotFoundError
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.message_reads import message_bounds
from sessiond.store.sqlite.page_tokens import encode_token
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.error_reason_pb2 import ErrorReason
from tests.builders import collect, user_message
from tests.unit.store.sessions import create, submit


async def fill(store: SqliteStore, count: int, size: int = 1, session_id: str = "s") -> None:
    await create(store, session_id)
    for index in range(count):
        message = pb.Mutation(append_message=user_message(f"m{index}", "x" * size))
        await submit(store, message, session_id=session_id)


async def read(store: SqliteStore, **fields: object) -> list[int]:
    request = pb.GetMessagesRequest(session_id="s", **fields)  # type: ignore[arg-type]
    return [stored.sequence for stored in await collect(store.get_messages(request), "messages")]


async def pages(store: SqliteStore, page_size: int) -> list[list[int]]:
    found = []
    request = pb.ListMessagesRequest(session_id="s", page_size=page_size)
    while True:
        response = await store.list_messages(request)
        found.append([stored.sequence for stored in response.messages])
        if not response.next_page_token:
            return found
        request.page_token = response.next_page_token


async def test_after_and_limit(store: SqliteStore) -> None:
    """after_sequence leaves out what it names and all before; a limit bounds the whole answer."""
    await fill(store, 6)
    assert await read(store) == [0, 1, 2, 3, 4, 5]
    assert await read(store, after_sequence=3) == [4, 5]
    assert await read(store, after_sequence=1, limit=2) == [2, 3]
    assert await read(store, limit=0) == []
    assert await read(store, after_sequence=5) == []
    assert await read(store, after_sequence=2**63 - 1) == []


async def test_fragments_are_bounded_and_a_limit_spans_them(store: SqliteStore) -> None:
    """Messages come in fragments of about a fixed size, however many fit."""
    await fill(store, 10, FRAGMENT_BYTES // 3)
    request = pb.GetMessagesRequest(session_id="s", limit=7)
    fragments = [fragment async for fragment in store.get_messages(request)]
    assert [2, 2, 2, 1] == [len(fragment.messages) for fragment in fragments]
    assert max(fragment.ByteSize() for fragment in fragments) < FRAGMENT_BYTES


async def test_a_read_ends_at_the_newest_message_of_its_beginning(store: SqliteStore) -> None:
    """What is appended meanwhile is not part of the answer."""
    await fill(store, 6, FRAGMENT_BYTES // 2)
    sequences: list[int] = []
    async for fragment in store.get_messages(pb.GetMessagesRequest(session_id="s")):
        await submit(store, pb.Mutation(append_message=user_message(f"late{len(sequences)}")))
        sequences += [stored.sequence for stored in fragment.messages]
    assert list(range(6)) == sequences


@pytest.mark.parametrize("way", ["delete", "archive", "replace"])
async def test_a_session_that_goes_while_it_is_read_is_not_found(store: SqliteStore, way: str) -> None:
    """A part is never passed off as the whole, nor another session of the same id as its rest."""
    await fill(store, 6, FRAGMENT_BYTES // 2)
    fragments = store.get_messages(pb.GetMessagesRequest(session_id="s"))
    await anext(fragments)
    if way == "archive":
        await store.archive_session(admin_pb.ArchiveSessionRequest(session_id="s"))
    else:
        await store.delete_session(pb.DeleteSessionRequest(session_id="s"))
    if way == "replace":
        await fill(store, 8)
    with pytest.raises(NotFoundError, match="no session 's'"):
        async for _ in fragments:
            pass


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 7, 0])
async def test_pages_of_any_size_add_up(store: SqliteStore, size: int) -> None:
    """No page repeats or misses a message; the last has no token."""
    await fill(store, 6)
    found = await pages(store, size)
    assert list(range(6)) == [sequence for page in found for sequence in page]
    assert all(len(page) == size for page in found[:-1])
    assert found[-1]


async def test_a_session_without_messages_is_one_empty_page(store: SqliteStore) -> None:
    """There is no token where there is nothing."""
    await create(store)
    assert await pages(store, 3) == [[]]


async def test_pages_are_bounded_in_bytes(store: SqliteStore) -> None:
    """A page ends before it is too large for one answer, and its token leads on."""
    await fill(store, 5, FRAGMENT_BYTES // 2 + 1)
    assert await pages(store, 4) == [[0], [1], [2], [3], [4]]


async def test_the_size_of_a_page_may_change_between_pages(store: SqliteStore) -> None:
    """The token is tied to the session and not to the size."""
    await fill(store, 6)
    first = await store.list_messages(pb.ListMessagesRequest(session_id="s", page_size=1))
    rest = await store.list_messages(
        pb.ListMessagesRequest(session_id="s", page_size=9, page_token=first.next_page_token)
    )
    assert [stored.sequence for stored in rest.messages] == [1, 2, 3, 4, 5]
    assert rest.next_page_token == ""


@pytest.mark.parametrize("damage", ["%", "A", "ä", "AAAA", "=A", " ", "0" * 4000])
async def test_a_token_that_was_not_answered_is_refused(store: SqliteStore, damage: str) -> None:
    """Whatever stands in a token, the answer names the field."""
    await fill(store, 3)
    token = (await store.list_messages(pb.ListMessagesRequest(session_id="s", page_size=1))).next_page_token
    for bad in (damage, token + damage, damage + token):
        with pytest.raises(InvalidFieldError) as caught:
            await store.list_messages(pb.ListMessagesRequest(session_id="s", page_token=bad))
        assert ("page_token", ErrorReason.ERROR_REASON_INVALID_PAGE_TOKEN) == (
            caught.value.field,
            caught.value.reason,
        )


async def test_a_page_of_another_session_of_the_same_id_is_not_the_rest_of_a_list(store: SqliteStore) -> None:
    """A token leads on in the session that it was made for, also when that is archived and comes back."""
    await fill(store, 3)
    first = await store.list_messages(pb.ListMessagesRequest(session_id="s", page_size=2))
    rest = pb.ListMessagesRequest(session_id="s", page_size=2, page_token=first.next_page_token)
    await store.archive_session(admin_pb.ArchiveSessionRequest(session_id="s"))
    await store.restore_session(admin_pb.RestoreSessionRequest(session_id="s"))
    assert [2] == [stored.sequence for stored in (await store.list_messages(rest)).messages]
    await store.delete_session(pb.DeleteSessionRequest(session_id="s"))
    await fill(store, 5)
    with pytest.raises(InvalidFieldError) as caught:
        await store.list_messages(rest)
    assert ErrorReason.ERROR_REASON_INVALID_PAGE_TOKEN == caught.value.reason


@pytest.mark.parametrize("after", [-(2**63), -2, -1, 3, 2**63 - 1])
async def test_a_token_that_somebody_made_up_is_no_damage(store: SqliteStore, after: int) -> None:
    """Where it leads to no message, it is refused as any other; that none is found there says nothing of the store."""
    await fill(store, 3)
    request = pb.ListMessagesRequest(session_id="s")
    (session_key, _) = await store._readers.run(lambda connection: message_bounds(connection, "s"))
    request.page_token = encode_token(request, session_key, after)
    with pytest.raises(InvalidFieldError) as caught:
        await store.list_messages(request)
    assert ErrorReason.ERROR_REASON_INVALID_PAGE_TOKEN == caught.value.reason


async def test_reads_of_an_unknown_session_say_so(store: SqliteStore) -> None:
    """An unknown session is not an empty one."""
    with pytest.raises(NotFoundError, match="no session 's'"):
        await read(store)
    with pytest.raises(NotFoundError, match="no session 's'"):
        await pages(store, 3)


async def test_a_damaged_message_is_told_and_can_be_passed_by(store: SqliteStore, data_dir: Path) -> None:
    """Reading ends with an error that names the message; what comes after it can still be read."""
    await fill(store, 4, FRAGMENT_BYTES - 1000)
    with sqlite3.connect(data_dir / DATABASE_NAME) as connection:
        connection.execute("UPDATE messages SET payload = x'0AFF' WHERE sequence = 2")
    connection.close()
    with pytest.raises(CorruptedError, match="message 2 of session 's'"):
        await read(store)
    assert await read(store, limit=2) == [0, 1]
    assert await read(store, after_sequence=2) == [3]
