"""Archives: a session is taken out whole, and put back as it was."""

import asyncio

import pytest

from sessiond.store.errors import AlreadyExistsError, InvalidFieldError, NotFoundError
from sessiond.store.sqlite.engine import SqliteStore
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.error_reason_pb2 import ErrorReason
from sessionstore.v1.event_pb2 import StoredEvent
from sessionstore.v1.session_pb2 import SessionConfig
from tests.builders import append, collect, commit, complete, event_fragments, part, tool_call, user_message
from tests.unit.store.sessions import create, info, listed, merged, submit


async def archive(store: SqliteStore, session_id: str = "s") -> admin_pb.ArchiveInfo:
    return (await store.archive_session(admin_pb.ArchiveSessionRequest(session_id=session_id))).archive


async def restore(store: SqliteStore, session_id: str = "s") -> admin_pb.RestoreSessionResponse:
    return await store.restore_session(admin_pb.RestoreSessionRequest(session_id=session_id))


async def delete(store: SqliteStore, session_id: str = "s") -> admin_pb.DeleteArchiveResponse:
    return await store.delete_archive(admin_pb.DeleteArchiveRequest(session_id=session_id))


async def events(store: SqliteStore) -> list[StoredEvent]:
    return await collect(event_fragments(store.get_events(pb.GetEventsRequest(session_id="s"))), "events")


async def fill(store: SqliteStore, session_id: str = "s") -> None:
    await create(store, session_id, SessionConfig(system_prompt="p", metadata={"team": "a"}))
    await submit(
        store,
        pb.Mutation(append_message=user_message("m")),
        pb.Mutation(set_active_message=pb.ActiveMessageUpdate(message_id="m")),
        pb.Mutation(create_tool_call=tool_call("c")),
        append(part("a")),
        append(complete("opus"), "e"),
        session_id=session_id,
    )


async def test_an_archived_session_is_found_by_no_call_but_those_on_archives(store: SqliteStore) -> None:
    """Reading, changing, trimming, deleting and following it answer that there is none."""
    await fill(store)
    await archive(store)
    assert await listed(store, pb.ListSessionsRequest()) == []
    assert await listed(store, pb.ListSessionsRequest(filter=pb.SessionFilter(metadata={"team": "a"}))) == []
    session_id = "s"
    for reading in (
        store.get_session(pb.GetSessionRequest(session_id=session_id)),
        store.get_messages(pb.GetMessagesRequest(session_id=session_id)),
        store.get_events(pb.GetEventsRequest(session_id=session_id)),
        store.get_pending_tool_calls(pb.GetPendingToolCallsRequest(session_id=session_id)),
    ):
        with pytest.raises(NotFoundError, match="no session 's'"):
            await anext(reading)
    for call in (
        store.submit(commit(session_id, append(part()))),
        store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id=session_id, before_sequence=1)),
        store.delete_session(pb.DeleteSessionRequest(session_id=session_id)),
        store.list_messages(pb.ListMessagesRequest(session_id=session_id)),
        store.open_feed(session_id),
    ):
        with pytest.raises(NotFoundError, match="no session 's'"):
            await call


async def test_a_restored_session_is_what_it_was(store: SqliteStore) -> None:
    """Content, counters, times and numbers are those from before, and go on from there."""
    await fill(store)
    before, shown, stored = await merged(store), await info(store), await events(store)
    archived = await archive(store)
    restored = await restore(store)
    assert shown == archived.session == restored.session
    assert (before, stored) == (await merged(store), await events(store))
    (added,) = await submit(store, append(part("b")))
    (again,) = await submit(store, append(complete("opus"), "e"))
    assert (added.append_event.sequence, again.append_event.sequence) == (2, 1)


async def test_archiving_again_answers_as_the_first_time(store: SqliteStore) -> None:
    """A repeat moves no time; after a restore a new time counts."""
    await fill(store)
    first = await archive(store)
    assert first == await archive(store)
    await restore(store)
    assert (await archive(store)).archived_at.ToMicroseconds() >= first.archived_at.ToMicroseconds()


async def test_what_is_not_archived_is_no_archive(store: SqliteStore) -> None:
    """A live session and an unknown one are told apart from an archive by name, and are left alone."""
    await fill(store)
    for session_id in ("s", "unknown"):
        for call in (restore, delete):
            with pytest.raises(NotFoundError, match=f"no archive '{session_id}'") as caught:
                await call(store, session_id)
            assert caught.value.reason == ErrorReason.ERROR_REASON_ARCHIVE_NOT_FOUND
    with pytest.raises(NotFoundError, match="no session 'unknown'"):
        await archive(store, "unknown")
    assert len(await events(store)) == 2


async def test_a_deleted_archive_is_gone_for_good(store: SqliteStore) -> None:
    """Its events are counted, its id is free again, and a repeat finds none."""
    await fill(store)
    await archive(store)
    assert (await delete(store)).deleted_events == 2
    with pytest.raises(NotFoundError, match="no archive 's'"):
        await delete(store)
    await create(store)
    assert await events(store) == []


async def test_the_id_of_an_archived_session_is_taken(store: SqliteStore) -> None:
    """Creating it anew is refused with the ways out, also for the very request that made it."""
    request = pb.CreateSessionRequest(session_id="s", request_id="r")
    await store.create_session(request)
    await archive(store)
    for repeated in (request, pb.CreateSessionRequest(request_id="r"), pb.CreateSessionRequest(session_id="s")):
        with pytest.raises(AlreadyExistsError, match="archived; restore it, delete the archive"):
            await store.create_session(repeated)
    await restore(store)
    assert (await store.create_session(request)).already_existed


@pytest.mark.parametrize("size", [1, 2, 4, 5, 0])
async def test_archives_are_listed_newest_first_by_pages(store: SqliteStore, size: int) -> None:
    """Pages of any size show each archive once; live sessions are not among them."""
    for index in range(5):
        await create(store, f"s{index}", SessionConfig(metadata={"n": str(index)}))
    await create(store, "live")
    await asyncio.gather(*(archive(store, f"s{index}") for index in (2, 0, 4)))
    for index in (1, 3):
        await archive(store, f"s{index}")
    seen = []
    request = admin_pb.ListArchivesRequest(page_size=size)
    while True:
        response = await store.list_archives(request)
        assert len(response.archives) <= (size or 100)
        seen += [(item.session.id, item.session.metadata["n"]) for item in response.archives]
        if not response.next_page_token:
            break
        request.page_token = response.next_page_token
    # Those of one transaction share a time; the one created last comes first.
    assert [("s3", "3"), ("s1", "1"), ("s4", "4"), ("s2", "2"), ("s0", "0")] == seen


async def test_a_token_of_another_list_is_refused(store: SqliteStore) -> None:
    """A token of the list of sessions is none of the list of archives."""
    for index in range(3):
        await create(store, f"s{index}")
    token = (await store.list_sessions(pb.ListSessionsRequest(page_size=1))).next_page_token
    for bad in (token, "junk"):
        with pytest.raises(InvalidFieldError, match="page_token"):
            await store.list_archives(admin_pb.ListArchivesRequest(page_token=bad))


async def test_what_waits_together_is_applied_in_order(store: SqliteStore) -> None:
    """In one transaction a session is written to, archived, restored, written to, deleted and made anew."""
    await create(store)
    _, archived, refused, restored, second, deleted, _, new = await asyncio.gather(
        submit(store, append(part("a")), append(complete("opus"))),
        archive(store),
        submit(store, append(part("refused"))),
        restore(store),
        submit(store, append(part("b"))),
        store.delete_session(pb.DeleteSessionRequest(session_id="s")),
        create(store),
        submit(store, append(part("new"))),
        return_exceptions=True,
    )
    assert isinstance(archived, admin_pb.ArchiveInfo)
    assert isinstance(restored, admin_pb.RestoreSessionResponse)
    assert isinstance(second, list)
    assert isinstance(deleted, pb.DeleteSessionResponse)
    assert isinstance(new, list)
    assert isinstance(refused, NotFoundError)
    assert (archived.session.last_model, restored.session.last_event_sequence) == ("opus", 1)
    assert (second[0].append_event.sequence, deleted.deleted_events) == (2, 3)
    assert (new[0].append_event.sequence, new[0].append_event.position) == (0, 4)
    assert ["new"] == [stored.event.message_part.content for stored in await events(store)]
    assert not (await info(store)).HasField("last_model")
