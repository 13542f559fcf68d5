"""Where the original store was wrong, one test for each mistake that is not made here."""

import sqlite3
from pathlib import Path

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.store.errors import InvalidFieldError, NotFoundError
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.error_reason_pb2 import ErrorReason
from sessionstore.v1.session_pb2 import Session, SessionConfig, SessionStatus
from sessionstore.v1.tool_pb2 import ApprovalPolicy, MixedApproval, ToolCallStatus, ToolConfig
from tests.builders import append, collect, commit, event_fragments, part, result, tool_call, user_message


async def create(store: SqliteStore, session_id: str = "s", config: SessionConfig | None = None) -> None:
    await store.create_session(pb.CreateSessionRequest(session_id=session_id, config=config))


async def merged(store: SqliteStore, session_id: str = "s") -> Session:
    session = Session()
    async for fragment in store.get_session(pb.GetSessionRequest(session_id=session_id)):
        session.MergeFrom(fragment.session)
    return session


async def listed(store: SqliteStore, request: pb.ListSessionsRequest) -> list[str]:
    return [session.id for session in (await store.list_sessions(request)).sessions]


async def test_metadata_filter_filters(store: SqliteStore) -> None:
    """Only sessions whose metadata holds every pair are listed."""
    await create(store, "both", SessionConfig(metadata={"team": "a", "kind": "x"}))
    await create(store, "one", SessionConfig(metadata={"team": "a"}))
    await create(store, "none")
    assert await listed(store, pb.ListSessionsRequest(filter=pb.SessionFilter(metadata={"team": "a"}))) == [
        "one",
        "both",
    ]
    assert await listed(
        store, pb.ListSessionsRequest(filter=pb.SessionFilter(metadata={"team": "a", "kind": "x"}))
    ) == ["both"]


async def test_tool_results_are_returned_with_the_session(store: SqliteStore) -> None:
    """A session is read back with the results of its tool calls."""
    await create(store)
    update = pb.ToolCallUpdate(tool_call_id="c", status=ToolCallStatus.TOOL_CALL_STATUS_COMPLETED, result=result("r"))
    await store.submit(commit("s", pb.Mutation(create_tool_call=tool_call("c")), pb.Mutation(update_tool_call=update)))
    (state,) = (await merged(store)).state.tool_calls
    assert result("r") == state.result


async def test_update_session_keeps_the_system_prompt_and_changes_the_status(store: SqliteStore) -> None:
    """The system prompt is replaced or left alone as the mask says, and the status changes."""
    await create(store, config=SessionConfig(system_prompt="old"))
    update = pb.SessionUpdate(status=SessionStatus.SESSION_STATUS_ACTIVE, set_metadata={"k": "v"})
    await store.submit(commit("s", pb.Mutation(update_session=update)))
    kept = await merged(store)
    masked = pb.SessionUpdate(config=SessionConfig(system_prompt="new"), update_mask=FieldMask(paths=["system_prompt"]))
    await store.submit(commit("s", pb.Mutation(update_session=masked)))
    changed = await merged(store)
    assert (kept.config.system_prompt, kept.status) == ("old", SessionStatus.SESSION_STATUS_ACTIVE)
    assert (changed.config.system_prompt, dict(changed.config.metadata)) == ("new", {"k": "v"})


async def test_mixed_policy_keeps_ask_for_others(store: SqliteStore) -> None:
    """The whole approval policy comes back."""
    policy = ApprovalPolicy(mixed=MixedApproval(pre_approved=["ls"], ask_for_others=True))
    await create(store, config=SessionConfig(tool_config=ToolConfig(approval_policy=policy)))
    assert policy == (await merged(store)).config.tool_config.approval_policy


async def test_both_times_of_a_message_are_kept(store: SqliteStore) -> None:
    """A message keeps the time that its writer gave, beside the time at which it was stored."""
    await create(store)
    message = user_message("m")
    message.timestamp.CopyFrom(Timestamp(seconds=1_700_000_000, nanos=123_456_789))
    await store.submit(commit("s", pb.Mutation(append_message=message)))
    (stored,) = (await merged(store)).state.messages
    assert message.timestamp == stored.message.timestamp
    assert stored.stored_at.seconds > message.timestamp.seconds


async def test_numbers_are_never_reused(store: SqliteStore) -> None:
    """After the newest events are deleted the next one gets the next number, and so does its position."""
    await create(store)
    first = await store.submit(commit("s", append(part()), append(part())))
    await store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=2))
    second = await store.submit(commit("s", append(part())))
    assert [item.append_event.sequence for item in first.results] == [0, 1]
    assert second.results[0].append_event.sequence == 2
    assert second.results[0].append_event.position > first.results[1].append_event.position


async def test_concurrent_writers_never_share_a_number(store: SqliteStore) -> None:
    """However many writers append at once, each event gets a number of its own, without gaps."""
    await create(store)
    answers = [store.submit(commit("s", append(part(str(index))))) for index in range(200)]
    sequences = [(await answer).results[0].append_event.sequence for answer in answers]
    assert list(range(200)) == sequences


async def test_no_event_and_event_zero_differ(store: SqliteStore) -> None:
    """The last event sequence is absent before the first event, and 0 after it."""
    await create(store)
    before = (await merged(store)).state
    await store.submit(commit("s", append(part())))
    after = (await merged(store)).state
    assert not before.HasField("last_event_sequence")
    assert after.HasField("last_event_sequence")
    assert after.last_event_sequence == 0


async def test_what_does_not_exist_is_not_found_by_name(store: SqliteStore) -> None:
    """Changing what does not exist says what it is that does not."""
    await create(store)
    update = pb.ToolCallUpdate(tool_call_id="nope", status=ToolCallStatus.TOOL_CALL_STATUS_APPROVED)
    active = pb.ActiveMessageUpdate(message_id="nope")
    for bad, reason in (
        (commit("zz", append(part())), ErrorReason.ERROR_REASON_SESSION_NOT_FOUND),
        (commit("s", pb.Mutation(update_tool_call=update)), ErrorReason.ERROR_REASON_TOOL_CALL_NOT_FOUND),
        (commit("s", pb.Mutation(set_active_message=active)), ErrorReason.ERROR_REASON_MESSAGE_NOT_FOUND),
    ):
        with pytest.raises(NotFoundError) as caught:
            await store.submit(bad)
        assert reason == caught.value.reason
    with pytest.raises(NotFoundError, match="no session 'zz'"):
        await store.delete_session(pb.DeleteSessionRequest(session_id="zz"))
    with pytest.raises(NotFoundError, match="no session 'zz'"):
        await collect(event_fragments(store.get_events(pb.GetEventsRequest(session_id="zz"))), "events")


async def test_offset_works_without_limit(store: SqliteStore) -> None:
    """An offset alone skips that many sessions."""
    for index in range(4):
        await create(store, f"s{index}")
    assert await listed(store, pb.ListSessionsRequest(offset=2)) == ["s1", "s0"]


async def test_times_are_integers_in_the_database(store: SqliteStore, data_dir: Path) -> None:
    """Times are stored as microseconds, and compare as numbers at both ends of a filter."""
    await create(store)
    created = (await merged(store)).created_at
    with sqlite3.connect(data_dir / DATABASE_NAME) as connection:
        (stored,) = connection.execute("SELECT created_at_us FROM sessions").fetchone()
    connection.close()
    assert created.ToMicroseconds() == stored
    exactly = pb.SessionFilter(created_after=created, created_before=created)
    assert await listed(store, pb.ListSessionsRequest(filter=exactly)) == ["s"]
    later = Timestamp(seconds=created.seconds, nanos=created.nanos + 1)
    assert await listed(store, pb.ListSessionsRequest(filter=pb.SessionFilter(created_after=later))) == []


async def test_counters_on_the_session_row_equal_what_is_stored(store: SqliteStore) -> None:
    """The counts that a list shows are those of the messages and events."""
    await create(store)
    for index in range(3):
        await store.submit(commit("s", pb.Mutation(append_message=user_message(f"m{index}")), append(part())))
    (info,) = (await store.list_sessions(pb.ListSessionsRequest())).sessions
    assert (info.message_count, info.last_event_sequence) == (3, 2)


async def test_page_three_follows_page_two(store: SqliteStore) -> None:
    """A page token names where the next page begins, so that no page repeats another."""
    await create(store)
    for index in range(7):
        await store.submit(commit("s", pb.Mutation(append_message=user_message(f"m{index}"))))
    request = pb.ListMessagesRequest(session_id="s", page_size=2)
    pages = []
    while True:
        response = await store.list_messages(request)
        pages.append([stored.sequence for stored in response.messages])
        if not response.next_page_token:
            break
        request.page_token = response.next_page_token
    assert pages == [[0, 1], [2, 3], [4, 5], [6]]


async def test_a_foreign_page_token_is_refused(store: SqliteStore) -> None:
    """A token is good for the request that it was made for only."""
    for name in ("a", "b"):
        await create(store, name)
        for index in range(3):
            await store.submit(commit(name, pb.Mutation(append_message=user_message(f"m{index}"))))
    token = (await store.list_messages(pb.ListMessagesRequest(session_id="a", page_size=1))).next_page_token
    for bad in (pb.ListMessagesRequest(session_id="b", page_token=token), pb.ListMessagesRequest(page_token="junk")):
        with pytest.raises(InvalidFieldError) as caught:
            await store.list_messages(bad)
        assert caught.value.reason == ErrorReason.ERROR_REASON_INVALID_PAGE_TOKEN


async def test_tool_call_ids_are_unique_within_a_session_only(store: SqliteStore) -> None:
    """Two sessions may use one tool-call id."""
    for name in ("a", "b"):
        await create(store, name)
        await store.submit(commit(name, pb.Mutation(create_tool_call=tool_call("c", name=f"tool-{name}"))))
    assert [(await merged(store, name)).state.tool_calls[0].tool_call.name for name in ("a", "b")] == [
        "tool-a",
        "tool-b",
    ]
