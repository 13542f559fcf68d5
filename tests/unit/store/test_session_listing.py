"""Lists of sessions: order, limit, offset and pages."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessiond.store.errors import InvalidFieldError
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.page_tokens import encode_token
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.error_reason_pb2 import ErrorReason
from sessionstore.v1.session_pb2 import SessionConfig
from tests.builders import append, part, user_message
from tests.unit.store.session_sums import sum_sessions_again
from tests.unit.store.sessions import create, listed, submit

CREATED = pb.SessionOrder.SESSION_ORDER_CREATED_AT
UPDATED = pb.SessionOrder.SESSION_ORDER_UPDATED_AT
COUNT = pb.SessionOrder.SESSION_ORDER_MESSAGE_COUNT

COLUMNS = {CREATED: "created_at_us", UPDATED: "updated_at_us", COUNT: "message_count"}


async def all_pages(store: SqliteStore, request: pb.ListSessionsRequest) -> list[list[str]]:
    pages = []
    while True:
        response = await store.list_sessions(request)
        pages.append([session.id for session in response.sessions])
        if not response.next_page_token:
            return pages
        request.page_token = response.next_page_token


def flat(pages: list[list[str]]) -> list[str]:
    return [session_id for page in pages for session_id in page]


@pytest.fixture
async def ten(store: SqliteStore, data_dir: Path) -> SqliteStore:
    """Ten sessions; by each order there are three groups of ties."""
    for index in range(10):
        await create(store, f"s{index}")
    connection = sqlite3.connect(data_dir / DATABASE_NAME)
    with connection:
        for column in COLUMNS.values():
            connection.execute(f"UPDATE sessions SET {column} = session_key % 3")  # noqa: S608 - our own names
        sum_sessions_again(connection)
    connection.close()
    return store


def expected(*, ascending: bool) -> list[str]:
    """By the key modulo 3, ties in the order of creation."""
    keys = sorted(range(1, 11), key=lambda key: (key % 3, key), reverse=not ascending)
    return [f"s{key - 1}" for key in keys]


@pytest.mark.parametrize("order", [pb.SessionOrder.SESSION_ORDER_UNSPECIFIED, *COLUMNS])
@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize("page_size", [1, 3, 4, 10, 0])
async def test_pages_keep_the_order_and_break_ties_by_creation(
    ten: SqliteStore, order: pb.SessionOrder, ascending: bool, page_size: int
) -> None:
    """Every session is in one page, in the order of the whole list, also where many have the same value."""
    pages = await all_pages(ten, pb.ListSessionsRequest(order_by=order, ascending=ascending, page_size=page_size))
    assert expected(ascending=ascending) == flat(pages)
    assert all(len(page) == page_size for page in pages[:-1])
    assert pages[-1]


def bounds() -> Iterator[tuple[int | None, int | None]]:
    for limit in (None, 0, 1, 4, 9, 10, 11):
        for offset in (None, 0, 3, 10, 12):
            yield limit, offset


@pytest.mark.parametrize("page_size", [1, 3, 0])
async def test_limit_and_offset_count_over_all_pages(ten: SqliteStore, page_size: int) -> None:
    """Pages add up to what one page would have shown."""
    for limit, offset in bounds():
        request = pb.ListSessionsRequest(limit=limit, offset=offset, page_size=page_size)
        start = offset or 0
        end = None if limit is None else start + limit
        assert expected(ascending=False)[start:end] == flat(await all_pages(ten, request))


async def test_the_orders_follow_what_happens(store: SqliteStore) -> None:
    """Any change moves a session by its time of update; each message counts."""
    for session_id in ("a", "b", "c"):
        await create(store, session_id)
    for index in range(2):
        await submit(store, pb.Mutation(append_message=user_message(f"m{index}")), session_id="b")
    await submit(store, append(part()), session_id="a")
    assert await listed(store, pb.ListSessionsRequest(order_by=CREATED)) == ["c", "b", "a"]
    assert await listed(store, pb.ListSessionsRequest(order_by=UPDATED)) == ["a", "b", "c"]
    assert await listed(store, pb.ListSessionsRequest(order_by=COUNT)) == ["b", "c", "a"]
    assert await listed(store, pb.ListSessionsRequest(order_by=COUNT, ascending=True)) == ["a", "c", "b"]


async def test_a_session_made_between_two_pages_moves_none(store: SqliteStore) -> None:
    """The next page begins after the last row of the page before, wherever that is by then."""
    for index in range(6):
        await create(store, f"s{index}")
    request = pb.ListSessionsRequest(page_size=3)
    first = await store.list_sessions(request)
    await create(store, "new")
    await store.delete_session(pb.DeleteSessionRequest(session_id=first.sessions[-1].id))
    request.page_token = first.next_page_token
    assert await listed(store, request) == ["s2", "s1", "s0"]


async def test_a_page_is_bounded_in_bytes(store: SqliteStore) -> None:
    """Sessions with much metadata come in smaller pages, none is left out."""
    for index in range(40):
        await create(store, f"s{index:02d}", SessionConfig(metadata={"k": "x" * 60_000}))
    pages = await all_pages(store, pb.ListSessionsRequest(page_size=1000, limit=35))
    assert [17, 17, 1] == [len(page) for page in pages]
    assert [f"s{index:02d}" for index in range(39, 4, -1)] == flat(pages)


@pytest.mark.parametrize(
    "other",
    [
        pb.ListSessionsRequest(ascending=True),
        pb.ListSessionsRequest(order_by=UPDATED),
        pb.ListSessionsRequest(limit=5),
        pb.ListSessionsRequest(offset=1),
        pb.ListSessionsRequest(filter=pb.SessionFilter(id_prefix="s")),
        pb.ListSessionsRequest(filter=pb.SessionFilter(metadata={"a": "b"})),
    ],
)
async def test_a_token_of_other_arguments_is_refused(store: SqliteStore, other: pb.ListSessionsRequest) -> None:
    """A token says where to go on in one list only."""
    for index in range(3):
        await create(store, f"s{index}")
    other.page_token = (await store.list_sessions(pb.ListSessionsRequest(page_size=1))).next_page_token
    with pytest.raises(InvalidFieldError) as caught:
        await store.list_sessions(other)
    assert caught.value.reason == ErrorReason.ERROR_REASON_INVALID_PAGE_TOKEN


@pytest.mark.parametrize("token", ["junk", "AAAA", "ä", "=" * 8, "A" * 43])
async def test_garbage_is_no_token(store: SqliteStore, token: str) -> None:
    """Whatever stands in the field, it is refused by name."""
    with pytest.raises(InvalidFieldError, match="page_token"):
        await store.list_sessions(pb.ListSessionsRequest(page_token=token))


@pytest.mark.parametrize("remaining", [-(2**63), -5, -2])
async def test_a_token_that_somebody_made_up_does_not_do_away_with_the_size_of_a_page(
    ten: SqliteStore, remaining: int
) -> None:
    """How many sessions are left of a limit is never below zero, which to the database is no limit."""
    request = pb.ListSessionsRequest(page_size=2)
    request.page_token = encode_token(request, 2**63 - 1, 2**63 - 1, remaining)
    with pytest.raises(InvalidFieldError, match="page_token"):
        await ten.list_sessions(request)


async def test_pages_of_maps_in_another_order_are_of_one_list(store: SqliteStore) -> None:
    """A client that encodes the pairs of a filter in another order may use its token."""
    pairs = dict.fromkeys("abc", "v")
    for index in range(3):
        await create(store, f"s{index}", SessionConfig(metadata=pairs))
    first = pb.ListSessionsRequest(page_size=1, filter=pb.SessionFilter(metadata=pairs))
    token = (await store.list_sessions(first)).next_page_token
    backwards = pb.SessionFilter(metadata=dict(reversed(pairs.items())))
    assert await listed(store, pb.ListSessionsRequest(filter=backwards, page_token=token)) == ["s1", "s0"]


async def test_sessions_of_one_transaction_keep_their_order(store: SqliteStore) -> None:
    """Sessions that are created at the same microsecond are listed in the order of their creation."""
    made = await asyncio.gather(*(create(store, f"s{index:02d}") for index in range(30)))
    pages = await all_pages(store, pb.ListSessionsRequest(ascending=True, page_size=7))
    assert len({session.created_at.ToMicroseconds() for session in made}) < 30
    assert [session.id for session in made] == flat(pages)
