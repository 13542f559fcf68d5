"""What an index has lost is told: nobody is answered that it does not exist, and no list leaves it out."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from sessiond.store.errors import CorruptedError, NotFoundError
from sessiond.store.sqlite import index_copies
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.event_index import EVENTS_AT_ONCE
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig
from tests.builders import append, collect, commit, custom, event_fragments, part, tool_call, user_message
from tests.unit.store.sessions import listed, merged, submit

Call = Callable[[SqliteStore], Awaitable[object]]

NEWEST = "z"
"""What comes last in each index, by its id, its time, and its key."""


def creation(session_id: str) -> pb.CreateSessionRequest:
    config = SessionConfig(metadata={"kind": "x"})
    return pb.CreateSessionRequest(session_id=session_id, request_id=f"request {session_id}", config=config)


async def fill(store: SqliteStore) -> None:
    """Two sessions and two archives; the newest session has one of everything, and its newest event has an id."""
    for session_id in ("archive a", "archive b", "a", NEWEST):
        await store.create_session(creation(session_id))
    for session_id in ("archive a", "archive b"):
        await store.archive_session(admin_pb.ArchiveSessionRequest(session_id=session_id))
    await submit(
        store,
        *(append(part(str(number))) for number in range(40)),
        pb.Mutation(append_message=user_message(NEWEST)),
        pb.Mutation(create_tool_call=tool_call(NEWEST)),
        session_id=NEWEST,
    )
    await submit(store, append(part(NEWEST), NEWEST), session_id=NEWEST)


@asynccontextmanager
async def damaged(data_dir: Path, damage: Callable[[Path], None]) -> AsyncIterator[SqliteStore]:
    """A store that was filled, and whose database was damaged while it was closed."""
    store = await SqliteStore.open(data_dir, durability="normal")
    await fill(store)
    await store.close()
    damage(data_dir / DATABASE_NAME)
    store = await SqliteStore.open(data_dir, durability="normal")
    yield store
    await store.close()


def only_page(path: Path, index: str) -> tuple[int, int]:
    """Where the only page of an index begins, and its length."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (index,)).fetchone()
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    return (page - 1) * page_bytes, page_bytes


def lose_last_entry(path: Path, index: str) -> None:
    """Takes the last cell of the index's only page off the count of its cells."""
    begin, _ = only_page(path, index)
    with path.open("r+b") as file:
        # The count of cells stands behind the type of the page and its first free block.
        file.seek(begin + 3)
        cells = int.from_bytes(file.read(2))
        assert 0 < cells
        file.seek(-2, 1)
        file.write((cells - 1).to_bytes(2))


def change(path: Path, index: str, old: bytes, new: bytes) -> None:
    """Changes bytes of the newest entry that has them, in the index's only page, which fills up from its end."""
    begin, page_bytes = only_page(path, index)
    with path.open("r+b") as file:
        file.seek(begin)
        page = file.read(page_bytes)
        assert old in page
        assert len(old) == len(new)
        file.seek(begin)
        file.write(page.replace(old, new, 1))


def put_in_place(path: Path, index: str, kept: int, lost: int) -> None:
    """Has one entry of the index's only page in place of another one, so that it is there twice."""
    begin, _ = only_page(path, index)
    with path.open("r+b") as file:
        # Where the entries lie stands behind the header of the page, two bytes each.
        file.seek(begin + 8 + 2 * kept)
        place = file.read(2)
        file.seek(begin + 8 + 2 * lost)
        file.write(place)


async def session(store: SqliteStore) -> object:
    return await merged(store, NEWEST)


async def create_again(store: SqliteStore) -> object:
    return await store.create_session(creation(NEWEST))


async def create_by_request(store: SqliteStore) -> object:
    request = creation(NEWEST)
    request.ClearField("session_id")
    return await store.create_session(request)


async def all_sessions(store: SqliteStore) -> object:
    return await listed(store, pb.ListSessionsRequest())


async def oldest_first(store: SqliteStore) -> object:
    return await listed(store, pb.ListSessionsRequest(ascending=True))


async def by_label(store: SqliteStore) -> object:
    return await listed(store, pb.ListSessionsRequest(filter={"metadata": {"kind": "x"}}))


async def by_label_and_update(store: SqliteStore) -> object:
    order = pb.SessionOrder.SESSION_ORDER_UPDATED_AT
    return await listed(store, pb.ListSessionsRequest(filter={"metadata": {"kind": "x"}}, order_by=order))


async def archives(store: SqliteStore) -> object:
    return await store.list_archives(admin_pb.ListArchivesRequest())


async def pending(store: SqliteStore) -> object:
    return await collect(store.get_pending_tool_calls(pb.GetPendingToolCallsRequest(session_id=NEWEST)), "tool_calls")


async def update(store: SqliteStore) -> object:
    return await store.submit(commit(NEWEST, pb.Mutation(update_tool_call=pb.ToolCallUpdate(tool_call_id=NEWEST))))


async def repeat_event(store: SqliteStore) -> object:
    return await submit(store, append(part(NEWEST), NEWEST), session_id=NEWEST)


async def activate(store: SqliteStore) -> object:
    active = pb.ActiveMessageUpdate(message_id=NEWEST)
    return await store.submit(commit(NEWEST, pb.Mutation(set_active_message=active)))


@pytest.mark.parametrize(
    ("index", "call"),
    [
        *(("sqlite_autoindex_sessions_1", call) for call in (session, create_again)),
        ("sqlite_autoindex_sessions_2", create_by_request),
        *(
            (f"{index}{copy}", call)
            for copy in ("", "_again")
            for index, call in (
                ("sessions_by_created_at", all_sessions),
                ("sessions_by_created_at", oldest_first),
                ("session_metadata_by_value", by_label),
                ("session_metadata_by_value", by_label_and_update),
                ("sessions_by_archived_at", archives),
            )
        ),
        ("session_metadata", by_label),
        ("tool_calls_by_order", session),
        ("tool_calls_unfinished", pending),
        ("tool_calls_by_id", update),
        ("messages_by_id", activate),
        ("events_by_sequence", repeat_event),
    ],
)
async def test_what_an_index_has_lost_is_told(data_dir: Path, index: str, call: Call) -> None:
    """By whatever call needs it."""
    async with damaged(data_dir, lambda path: lose_last_entry(path, index)) as store:
        with pytest.raises(CorruptedError):
            await call(store)


async def test_a_request_that_its_index_leads_to_another_session_is_damage(data_dir: Path) -> None:
    """And not a conflict of the client's, who sends again what made its session."""
    async with damaged(
        data_dir, lambda path: change(path, "sqlite_autoindex_sessions_2", b"request z\x04", b"request z\x03")
    ) as store:
        for call in (create_again, create_by_request):
            with pytest.raises(CorruptedError):
                await call(store)


# The entry of the third call of session 1. The type of its key becomes that of NULL, or the key a negative number.
THIRD_CALL = b"\x04\x09\x01\x01\x09\x09"
WITHOUT_KEY, NEGATIVE_KEY = b"\x04\x09\x00\x01\x09\x09", b"\x04\x09\x01\x01\x89\x09"


@pytest.mark.parametrize("damaged", [WITHOUT_KEY, NEGATIVE_KEY])
async def test_pending_calls_that_a_walk_does_not_meet_are_told(data_dir: Path, damaged: bytes) -> None:
    """Where a key is out of order, a walk from a key on can begin at another place than one of the whole session."""
    store = await SqliteStore.open(data_dir, durability="normal")
    for session_id in (NEWEST, "b", "c", "d"):
        await store.create_session(creation(session_id))
    for number in range(3):
        for session_id in (NEWEST, "b", "c", "d"):
            created = pb.Mutation(create_tool_call=tool_call(f"{number}"))
            await submit(store, created, session_id=session_id)
    await store.close()
    change(data_dir / DATABASE_NAME, "tool_calls_unfinished", THIRD_CALL, damaged)
    store = await SqliteStore.open(data_dir, durability="normal")
    with pytest.raises(CorruptedError):
        await pending(store)
    await store.close()


def stored_items(path: Path) -> tuple[int, int]:
    """How many messages and tool calls there are, whatever the indexes have."""
    with closing(sqlite3.connect(path)) as connection:
        (messages,) = connection.execute("SELECT count(*) FROM messages NOT INDEXED").fetchone()
        (tool_calls,) = connection.execute("SELECT count(*) FROM tool_calls NOT INDEXED").fetchone()
    return messages, tool_calls


async def repeat_message(store: SqliteStore) -> object:
    return await submit(store, pb.Mutation(append_message=user_message(NEWEST)), session_id=NEWEST)


async def repeat_tool_call(store: SqliteStore) -> object:
    return await submit(store, pb.Mutation(create_tool_call=tool_call(NEWEST)), session_id=NEWEST)


async def repeat_with_an_update(store: SqliteStore) -> object:
    """Looked for as a whole, since the update may not be made again."""
    active = pb.Mutation(set_active_message=pb.ActiveMessageUpdate())
    return await submit(store, pb.Mutation(append_message=user_message(NEWEST)), active, session_id=NEWEST)


async def repeat_that_expects_an_event(store: SqliteStore) -> object:
    message = pb.Mutation(append_message=user_message(NEWEST))
    return await store.submit(commit(NEWEST, message, expected_last_sequence=1))


@pytest.mark.parametrize(
    ("index", "call"),
    [
        ("messages_by_id", repeat_message),
        ("messages_by_id", repeat_with_an_update),
        ("messages_by_id", repeat_that_expects_an_event),
        ("tool_calls_by_id", repeat_tool_call),
    ],
)
async def test_a_repeat_whose_id_is_damaged_in_the_index_is_not_stored_again(
    data_dir: Path, index: str, call: Call
) -> None:
    """Of one of the newest, which is what clients repeat."""
    async with damaged(data_dir, lambda path: change(path, index, NEWEST.encode(), b"{")) as store:
        with pytest.raises(CorruptedError):
            await call(store)
        assert (1, 1) == stored_items(data_dir / DATABASE_NAME)


@pytest.mark.parametrize(
    ("index", "call"),
    [("messages_by_sequence", repeat_message), ("tool_calls_by_order", repeat_tool_call)],
)
async def test_nothing_is_added_to_a_session_whose_newest_cannot_be_told(
    data_dir: Path, index: str, call: Call
) -> None:
    """The index by id alone would not tell whether it is new."""
    async with damaged(data_dir, lambda path: lose_last_entry(path, index)) as store:
        with pytest.raises(CorruptedError):
            await call(store)


async def events_of(store: SqliteStore, *types: str, descending: bool) -> object:
    request = pb.GetEventsRequest(session_id="a", types=types, descending=descending)
    return await collect(event_fragments(store.get_events(request)), "events")


@pytest.mark.parametrize("descending", [False, True])
async def test_an_event_in_place_of_another_one_is_told_behind_a_filter(data_dir: Path, descending: bool) -> None:
    """As many entries as there should be, one of them twice."""
    store = await SqliteStore.open(data_dir, durability="normal")
    await store.create_session(creation("a"))
    await submit(store, *(append(part()), append(custom("x"))) * 5, session_id="a")
    await store.close()
    put_in_place(data_dir / DATABASE_NAME, "events_by_sequence", kept=5, lost=4)
    store = await SqliteStore.open(data_dir, durability="normal")
    with pytest.raises(CorruptedError):
        await events_of(store, "message_part", "message_complete", descending=descending)
    await store.close()


@pytest.mark.parametrize("descending", [False, True])
async def test_events_of_a_type_that_a_walk_does_not_meet_are_told(data_dir: Path, descending: bool) -> None:
    """The numbers of all entries are right, and a walk over those of one type ends at one in the middle."""
    store = await SqliteStore.open(data_dir, durability="normal")
    await store.create_session(creation("a"))
    await submit(store, *(append(custom("x")),) * EVENTS_AT_ONCE, session_id="a")
    await store.close()
    sequence = EVENTS_AT_ONCE // 2
    change(data_dir / DATABASE_NAME, "event_types", b"custom:x" + bytes([sequence]), b"custom:y" + bytes([sequence]))
    store = await SqliteStore.open(data_dir, durability="normal")
    with pytest.raises(CorruptedError):
        await events_of(store, "custom:x", descending=descending)
    await store.close()


@pytest.mark.parametrize("copy", ["", "_again"])
async def test_sessions_that_a_walk_backwards_does_not_meet_are_told(data_dir: Path, copy: str) -> None:
    """Where a key is out of order, a walk to it can meet all that one from it on stops before."""
    store = await SqliteStore.open(data_dir, durability="normal")
    await fill(store)
    await store.close()
    database = data_dir / DATABASE_NAME
    with closing(sqlite3.connect(database)) as connection:
        (key, created_at_us), *_ = connection.execute("SELECT session_key, created_at_us FROM sessions WHERE id = 'a'")
    entry = created_at_us.to_bytes(8) + bytes([key])
    change(database, f"session_metadata_by_value{copy}", b"kindx" + entry, b"jindx" + entry)
    store = await SqliteStore.open(data_dir, durability="normal")
    with pytest.raises(CorruptedError):
        await by_label(store)
    await store.close()


@pytest.mark.parametrize("call", [by_label, by_label_and_update])
async def test_a_session_of_which_only_the_labels_are_left_is_told(
    data_dir: Path, store: SqliteStore, call: Call
) -> None:
    """A list by a label goes from the labels to the sessions."""
    await fill(store)
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection, connection:
        connection.execute("DELETE FROM sessions WHERE id = ?", (NEWEST,))
    with pytest.raises(CorruptedError):
        await call(store)


async def by_update(store: SqliteStore) -> object:
    return await listed(store, pb.ListSessionsRequest(order_by=pb.SessionOrder.SESSION_ORDER_UPDATED_AT))


async def by_messages(store: SqliteStore) -> object:
    return await listed(store, pb.ListSessionsRequest(order_by=pb.SessionOrder.SESSION_ORDER_MESSAGE_COUNT))


@pytest.mark.parametrize(
    ("index", "call"), [("sessions_by_updated_at", by_update), ("sessions_by_message_count", by_messages)]
)
async def test_sessions_that_an_order_has_lost_are_told_where_they_are_few(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, index: str, call: Call
) -> None:
    """And what it has too often; to count many would take longer than the list."""
    async with damaged(data_dir, lambda path: lose_last_entry(path, index)) as store:
        with pytest.raises(CorruptedError):
            await call(store)
        monkeypatch.setattr(index_copies, "COUNTED_SESSIONS", 0)
        assert ["a"] == await call(store)


async def test_a_session_that_a_list_meets_twice_is_told(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many sessions there are: its index leads there by two entries."""
    monkeypatch.setattr(index_copies, "COUNTED_SESSIONS", 0)
    # One message, and the key of the newest session twice, the second time as the row that the entry leads to.
    right, wrong = b"\x04\x09\x01\x01\x04\x04", b"\x04\x09\x01\x01\x04\x03"
    async with damaged(data_dir, lambda path: change(path, "sessions_by_message_count", right, wrong)) as store:
        with pytest.raises(CorruptedError):
            await by_messages(store)


async def test_what_was_never_there_is_not_found(store: SqliteStore) -> None:
    """A second look finds nothing either."""
    await fill(store)
    with pytest.raises(NotFoundError):
        await merged(store, "other")
    other = pb.ToolCallUpdate(tool_call_id="other")
    for mutation in (
        pb.Mutation(update_tool_call=other),
        pb.Mutation(set_active_message=pb.ActiveMessageUpdate(message_id="other")),
    ):
        with pytest.raises(NotFoundError):
            await store.submit(commit(NEWEST, mutation))
