"""Everything that a client may retry is safe to retry."""

import pytest

from sessiond.store.errors import AlreadyExistsError, SequenceConflictError
from sessiond.store.sqlite.engine import SqliteStore
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.error_reason_pb2 import ErrorReason
from sessionstore.v1.session_pb2 import SessionConfig
from sessionstore.v1.tool_pb2 import ToolCallStatus
from tests.builders import append, collect, commit, event_fragments, part, result, tool_call, user_message


@pytest.fixture(autouse=True)
async def session(store: SqliteStore) -> None:
    await store.create_session(pb.CreateSessionRequest(session_id="s"))


async def events(store: SqliteStore) -> list[str]:
    stored = await collect(event_fragments(store.get_events(pb.GetEventsRequest(session_id="s"))), "events")
    return [item.event.message_part.content for item in stored]


async def test_same_session_id_and_config_answers_as_the_first_time(store: SqliteStore) -> None:
    """A repeated creation answers what the first one answered, whatever happened to the session since."""
    request = pb.CreateSessionRequest(session_id="t", config=SessionConfig(metadata={"a": "b"}))
    first = await store.create_session(request)
    update = pb.SessionUpdate(set_metadata={"later": "yes"})
    await store.submit(commit("t", pb.Mutation(update_session=update)))
    again = await store.create_session(request)
    assert first.session == again.session
    assert [first.already_existed, again.already_existed] == [False, True]


async def test_same_session_id_with_another_config_is_refused(store: SqliteStore) -> None:
    """An id stands for one session."""
    with pytest.raises(AlreadyExistsError) as caught:
        await store.create_session(pb.CreateSessionRequest(session_id="s", config=SessionConfig(system_prompt="x")))
    assert caught.value.reason == ErrorReason.ERROR_REASON_SESSION_ALREADY_EXISTS


async def test_same_request_id_creates_one_session(store: SqliteStore) -> None:
    """A request that is repeated without a session id gets the session that it made."""
    request = pb.CreateSessionRequest(request_id="r")
    first, again = await store.create_session(request), await store.create_session(request)
    assert first.session.id == again.session.id
    with pytest.raises(AlreadyExistsError, match="request_id"):
        await store.create_session(pb.CreateSessionRequest(request_id="r", session_id="other"))


@pytest.mark.parametrize(
    ("mutation", "field", "other", "reason"),
    [
        (
            pb.Mutation(append_message=user_message("m", "one")),
            "append_message",
            pb.Mutation(append_message=user_message("m", "two")),
            ErrorReason.ERROR_REASON_MESSAGE_ALREADY_EXISTS,
        ),
        (
            pb.Mutation(create_tool_call=tool_call("c", "one")),
            "create_tool_call",
            pb.Mutation(create_tool_call=tool_call("c", "two")),
            ErrorReason.ERROR_REASON_TOOL_CALL_ALREADY_EXISTS,
        ),
        (
            append(part("one"), "e"),
            "append_event",
            append(part("two"), "e"),
            ErrorReason.ERROR_REASON_EVENT_ALREADY_EXISTS,
        ),
    ],
)
async def test_same_id(
    store: SqliteStore, mutation: pb.Mutation, field: str, other: pb.Mutation, reason: ErrorReason
) -> None:
    """The same id with the same content answers as the first time, with other content it is refused."""
    first = getattr((await store.submit(commit("s", mutation))).results[0], field)
    again = getattr((await store.submit(commit("s", mutation))).results[0], field)
    assert [first.already_existed, again.already_existed] == [False, True]
    again.already_existed = False
    assert first == again
    with pytest.raises(AlreadyExistsError) as caught:
        await store.submit(commit("s", other))
    assert reason == caught.value.reason


async def test_maps_in_another_order_are_the_same_content(store: SqliteStore) -> None:
    """Content is compared as protobuf means it, not as one client happened to encode it."""
    forward, backward = pb.Mutation(), pb.Mutation()
    for mutation, keys in ((forward, "abc"), (backward, "cba")):
        mutation.append_event.event_id = "e"
        mutation.append_event.event.message_complete.model = "m"
        for key in keys:
            mutation.append_event.event.message_complete.metadata[key] = key
    await store.submit(commit("s", forward))
    assert (await store.submit(commit("s", backward))).already_applied


async def test_an_event_without_id_is_appended_each_time(store: SqliteStore) -> None:
    """Without an id nothing tells a repeat from a second event."""
    for _ in range(2):
        await store.submit(commit("s", append(part("x"))))
    assert await events(store) == ["x", "x"]


async def test_a_repeated_commit_undoes_nothing_that_came_later(store: SqliteStore) -> None:
    """A commit that was applied before changes nothing, although its updates would by themselves."""
    begin = commit(
        "s",
        pb.Mutation(create_tool_call=tool_call("c")),
        pb.Mutation(
            update_tool_call=pb.ToolCallUpdate(tool_call_id="c", status=ToolCallStatus.TOOL_CALL_STATUS_EXECUTING)
        ),
        append(part("began"), "e1"),
    )
    first = await store.submit(begin)
    done = pb.ToolCallUpdate(tool_call_id="c", status=ToolCallStatus.TOOL_CALL_STATUS_COMPLETED, result=result("r"))
    await store.submit(commit("s", pb.Mutation(update_tool_call=done)))
    again = await store.submit(begin)
    assert not first.already_applied
    assert again.already_applied
    assert first.results[2].append_event.sequence == again.results[2].append_event.sequence
    assert again.results[1].update_tool_call.status == ToolCallStatus.TOOL_CALL_STATUS_COMPLETED
    assert await events(store) == ["began"]


async def test_a_commit_that_is_stored_in_part_adds_the_rest(store: SqliteStore) -> None:
    """Of the items with an id those that are missing are added."""
    await store.submit(commit("s", append(part("a"), "a")))
    response = await store.submit(commit("s", append(part("a"), "a"), append(part("b"), "b")))
    assert [(item.append_event.sequence, item.append_event.already_existed) for item in response.results] == [
        (0, True),
        (1, False),
    ]
    assert not response.already_applied
    assert await events(store) == ["a", "b"]


async def test_the_expectation_is_checked(store: SqliteStore) -> None:
    """A commit that expects another last event changes nothing and carries both numbers."""
    await store.submit(commit("s", append(part("a"), "a"), expect_no_events=True))
    await store.submit(commit("s", append(part("b"), "b"), expected_last_sequence=0))
    for expectation, expected in (({"expected_last_sequence": 0}, "0"), ({"expect_no_events": True}, "")):
        with pytest.raises(SequenceConflictError) as caught:
            await store.submit(commit("s", append(part("c"), "c"), **expectation))
        assert {"expected_last_sequence": expected, "actual_last_sequence": "1"} == caught.value.metadata
    assert await events(store) == ["a", "b"]


async def test_a_retry_of_an_applied_commit_skips_the_expectation(store: SqliteStore) -> None:
    """A retry answers the first result, although the expectation fails by now."""
    request = commit("s", append(part("a"), "a"), expect_no_events=True)
    first = await store.submit(request)
    await store.submit(commit("s", append(part("b"), "b")))
    again = await store.submit(request)
    assert again.already_applied
    assert first.results[0].append_event.sequence == again.results[0].append_event.sequence


async def test_a_retry_of_an_applied_append_skips_the_expectation(store: SqliteStore) -> None:
    """As it does in a commit."""
    request = pb.AppendEventRequest(session_id="s", event=part("a"), event_id="a", expect_no_events=True)
    first, again = await store.append_event(request), await store.append_event(request)
    assert (0, False) == (first.sequence, first.already_existed)
    assert (0, True) == (again.sequence, again.already_existed)


async def test_only_one_of_two_expecting_writers_wins(store: SqliteStore) -> None:
    """Two commits that expect the same last event cannot both be applied."""
    racing = [store.submit(commit("s", append(part(name), name), expect_no_events=True)) for name in ("a", "b")]
    assert (await racing[0]).results[0].append_event.sequence == 0
    with pytest.raises(SequenceConflictError):
        await racing[1]


async def test_an_event_id_is_forgotten_with_its_event(store: SqliteStore) -> None:
    """The id is remembered for as long as the event is stored, as the API says."""
    await store.submit(commit("s", append(part("a"), "a")))
    await store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=1))
    response = await store.submit(commit("s", append(part("a"), "a")))
    assert response.results[0].append_event.sequence == 1
