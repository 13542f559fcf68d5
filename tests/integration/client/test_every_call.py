"""Every method of the asyncio client against a daemon."""

import pytest

from sessionstore import AsyncSessionStore, errors
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.admin_service_pb2 import DURABILITY_NORMAL
from sessionstore.v1.session_pb2 import SESSION_STATUS_ACTIVE, SessionConfig
from sessionstore.v1.tool_pb2 import TOOL_CALL_STATUS_COMPLETED, TOOL_CALL_STATUS_EXECUTING, ToolCall
from tests.builders import append, part, result, tool_call, user_message


async def test_create_session_lets_the_server_choose_or_not(client: AsyncSessionStore) -> None:
    """Without an id the server chooses one and each call makes a session; with one a repeat is the same session."""
    first, second = await client.create_session(), await client.create_session()
    assert first.session.id != second.session.id
    named = await client.create_session(SessionConfig(system_prompt="be kind"), session_id="s")
    again = await client.create_session(SessionConfig(system_prompt="be kind"), session_id="s")
    assert (named.session.id, named.already_existed, again.already_existed) == ("s", False, True)
    repeated = [await client.create_session(request_id="r") for _ in range(2)]
    assert repeated[0].session.id == repeated[1].session.id


async def test_get_session_merges_the_fragments(client: AsyncSessionStore) -> None:
    """A session of several fragments comes as one, with or without its content."""
    await client.create_session(session_id="s")
    texts = [f"{number}" * 200_000 for number in range(4)]
    for number, text in enumerate(texts):
        await client.append_message("s", user_message(f"m{number}", text))
    whole, bare = await client.get_session("s"), await client.get_session("s", omit_content=True)
    assert texts == [message.message.user.content[0].text for message in whole.state.messages]
    assert (whole.state.message_count, bare.state.message_count, len(bare.state.messages)) == (4, 4, 0)


async def test_update_and_delete_session(client: AsyncSessionStore) -> None:
    """An update answers the session as it is then; a deletion counts what was removed."""
    await client.create_session(session_id="s")
    await client.append_message("s", user_message("m"))
    updated = await client.update_session("s", pb.SessionUpdate(status=SESSION_STATUS_ACTIVE, set_metadata={"k": "v"}))
    assert (updated.session.status, dict(updated.session.metadata)) == (SESSION_STATUS_ACTIVE, {"k": "v"})
    assert (await client.delete_session("s")).deleted_messages == 1
    with pytest.raises(errors.SessionNotFoundError, match="'s'"):
        await client.get_session("s")


async def test_list_sessions_turns_the_pages(client: AsyncSessionStore) -> None:
    """All pages come as one, in order, within limit, offset and filter."""
    for number in range(7):
        await client.create_session(SessionConfig(metadata={"odd": str(number % 2)}), session_id=f"s{number}")
    listed = [session.id async for session in client.list_sessions(page_size=2, ascending=True)]
    assert [f"s{number}" for number in range(7)] == listed
    cut = [session.id async for session in client.list_sessions(page_size=2, ascending=True, limit=3, offset=2)]
    assert cut == ["s2", "s3", "s4"]
    odd = pb.SessionFilter(metadata={"odd": "1"})
    assert [session.id async for session in client.list_sessions(filter=odd)] == ["s5", "s3", "s1"]
    page = await client.list_sessions_page(pb.ListSessionsRequest(page_size=4))
    assert (len(page.sessions), bool(page.next_page_token)) == (4, True)


async def test_messages_are_appended_and_read(client: AsyncSessionStore) -> None:
    """Messages come back in order, from any sequence, all or a page."""
    await client.create_session(session_id="s")
    appended = [await client.append_message("s", user_message(f"m{number}")) for number in range(3)]
    assert [response.sequence for response in appended] == [0, 1, 2]
    read = [message.message.id async for message in client.get_messages("s", after_sequence=0, limit=5)]
    assert read == ["m1", "m2"]
    page = await client.list_messages_page(pb.ListMessagesRequest(session_id="s", page_size=1))
    assert [message.message.id for message in page.messages] == ["m0"]
    await client.update_active_message_id("s", "m1")
    assert (await client.get_session("s", omit_content=True)).state.active_message_id == "m1"
    await client.update_active_message_id("s", None)
    assert not (await client.get_session("s", omit_content=True)).state.HasField("active_message_id")


async def test_tool_calls_are_followed_to_their_end(client: AsyncSessionStore) -> None:
    """A call is pending, then unfinished, then gone from both lists."""
    await client.create_session(session_id="s")
    assert not (await client.create_tool_call("s", tool_call("c"))).already_existed
    assert [found.tool_call.id async for found in client.get_pending_tool_calls("s")] == ["c"]
    await client.update_tool_call("s", pb.ToolCallUpdate(tool_call_id="c", status=TOOL_CALL_STATUS_EXECUTING))
    assert [found.tool_call.id async for found in client.get_pending_tool_calls("s")] == []
    unfinished = [found.tool_call.id async for found in client.get_pending_tool_calls("s", include_unfinished=True)]
    assert unfinished == ["c"]
    done = await client.update_tool_call(
        "s", pb.ToolCallUpdate(tool_call_id="c", status=TOOL_CALL_STATUS_COMPLETED, result=result("42"))
    )
    assert (done.status, done.kind) == (TOOL_CALL_STATUS_COMPLETED, "external")


async def test_events_are_appended_with_an_id_and_read(client: AsyncSessionStore) -> None:
    """The client chooses an id where the caller did not, and keeps the caller's."""
    await client.create_session(session_id="s")
    first = await client.append_event("s", part("a"), expect_no_events=True)
    second = await client.append_event("s", part("b"), event_id="mine", expected_last_sequence=0)
    again = await client.append_event("s", part("b"), event_id="mine", expected_last_sequence=0)
    assert [first.sequence, second.sequence, again.sequence, again.already_existed] == [0, 1, 1, True]
    events = [event async for event in client.get_events("s")]
    assert [bool(event.event_id) for event in events] == [True, True]
    assert events[1].event_id == "mine"
    newest = [event.sequence async for event in client.get_events("s", descending=True, limit=1)]
    between = [event.sequence async for event in client.get_events("s", after_sequence=0, before_sequence=2)]
    typed = [event.sequence async for event in client.get_events("s", types=["custom"])]
    assert (newest, between, typed) == ([1], [1], [])


async def test_deleted_events_are_told_or_skipped(client: AsyncSessionStore) -> None:
    """A cursor before the oldest event is HistoryTrimmedError unless the caller skips."""
    await client.create_session(session_id="s")
    for _ in range(4):
        await client.append_event("s", part())
    deleted = await client.delete_events_before("s", 2)
    assert (deleted.deleted_count, deleted.first_available_sequence) == (2, 2)
    with pytest.raises(errors.HistoryTrimmedError) as caught:
        _ = [event async for event in client.get_events("s", after_sequence=0)]
    assert caught.value.first_available_sequence == 2
    skipped = [event.sequence async for event in client.get_events("s", after_sequence=0, skip_trimmed=True)]
    assert skipped == [2, 3]
    with pytest.raises(errors.CursorAheadError) as ahead:
        _ = [event async for event in client.get_events("s", after_sequence=9)]
    assert ahead.value.last_sequence == 3


async def test_commit_fills_ids_on_a_copy(client: AsyncSessionStore) -> None:
    """All mutations take effect together; what the caller handed over is not changed."""
    await client.create_session(session_id="s")
    mutations = [pb.Mutation(append_message=user_message("m")), append(part("a")), append(part("b"), "mine")]
    applied = await client.commit("s", iter(mutations), expect_no_events=True)
    assert [outcome.WhichOneof("kind") for outcome in applied.results] == [
        "append_message",
        "append_event",
        "append_event",
    ]
    assert not mutations[1].append_event.HasField("event_id")
    ids = [event.event_id async for event in client.get_events("s")]
    assert (bool(ids[0]), ids[1]) == (True, "mine")
    with pytest.raises(errors.SequenceConflictError) as caught:
        await client.commit("s", [append(part("c"))], expected_last_sequence=0)
    assert (caught.value.expected, caught.value.actual) == (0, 1)


async def test_archives_come_and_go(client: AsyncSessionStore) -> None:
    """A session is archived, listed, restored, archived again and deleted."""
    for session_id in ("a", "b", "c"):
        await client.create_session(session_id=session_id)
        await client.archive_session(session_id)
    archived = [archive.session.id async for archive in client.list_archives(page_size=1)]
    assert archived == ["c", "b", "a"]
    with pytest.raises(errors.SessionNotFoundError):
        await client.get_session("a")
    assert (await client.restore_session("a")).session.id == "a"
    assert (await client.get_session("a")).id == "a"
    assert (await client.delete_archive("b")).deleted_events == 0
    with pytest.raises(errors.ArchiveNotFoundError):
        await client.delete_archive("b")


async def test_the_server_tells_of_itself(client: AsyncSessionStore) -> None:
    """Health, version, store and limits."""
    assert await client.ping() is True
    info = await client.get_server_info()
    assert (bool(info.version), info.durability, info.limits.max_mutations_per_commit) == (
        True,
        DURABILITY_NORMAL,
        1000,
    )


async def test_each_failure_has_its_exception(client: AsyncSessionStore) -> None:
    """What the server refuses is raised with its kind, code and field."""
    await client.create_session(session_id="s")
    await client.append_message("s", user_message("m"))
    await client.create_tool_call("s", tool_call("c"))
    with pytest.raises(errors.SessionAlreadyExistsError):
        await client.create_session(SessionConfig(system_prompt="other"), session_id="s")
    with pytest.raises(errors.MessageAlreadyExistsError):
        await client.append_message("s", user_message("m", "other"))
    with pytest.raises(errors.ToolCallAlreadyExistsError):
        await client.create_tool_call("s", tool_call("c", "other"))
    with pytest.raises(errors.MessageNotFoundError):
        await client.update_active_message_id("s", "x")
    with pytest.raises(errors.ToolCallNotFoundError):
        await client.update_tool_call("s", pb.ToolCallUpdate(tool_call_id="x"))
    with pytest.raises(errors.InvalidPageTokenError):
        await client.list_sessions_page(pb.ListSessionsRequest(page_token="x"))
    with pytest.raises(errors.TooLargeError) as too_large:
        await client.append_event("s", part("x" * 5_000_000))
    assert too_large.value.size_bytes is not None
    assert too_large.value.size_bytes > (too_large.value.limit_bytes or 0) > 0
    with pytest.raises(errors.InvalidFieldError) as invalid:
        await client.create_tool_call("s", ToolCall(id="j", name="n", parameters_json="{"))
    assert [violation.field for violation in invalid.value.field_violations] == ["tool_call.parameters_json"]


async def test_contradictions_are_refused_before_anything_is_sent(client: AsyncSessionStore) -> None:
    """Two expectations, two starts or a number out of range are a ValueError."""
    with pytest.raises(ValueError, match="exclude each other"):
        await client.append_event("s", part(), expected_last_sequence=0, expect_no_events=True)
    with pytest.raises(ValueError, match="exclude each other"):
        await client.commit("s", [append(part())], expected_last_sequence=0, expect_no_events=True)
    with pytest.raises(ValueError, match="not both"):
        client.tail("s", after_sequence=0, from_now=True)
    with pytest.raises(ValueError, match="-1"):
        client.get_events("s", after_sequence=-1)
