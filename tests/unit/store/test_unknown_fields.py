"""What a newer client wrote, a newer client reads back: unknown fields survive at every depth."""

from google.protobuf.unknown_fields import UnknownFieldSet

from sessiond.store.sqlite.engine import SqliteStore
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import Event, StoredEvent
from sessionstore.v1.message_pb2 import Message
from sessionstore.v1.session_pb2 import SessionConfig
from sessionstore.v1.tool_pb2 import ToolCall, ToolCallStats, ToolConfig, ToolResult
from tests.builders import append, collect, event_fragments, part, result, tool_call, user_message
from tests.unit.store.sessions import create, merged, submit

NEWER = bytes.fromhex("fa3e056e65776572")
"""Field 1007, of the text `newer`, as no message of ours has it."""

ALSO = bytes.fromhex("803f2a")
"""Field 1008, of the number 42."""


def newer_message() -> Message:
    """A message with unknown fields in itself, in its role and in its content."""
    message = user_message("m")
    message.user.content[0].MergeFromString(NEWER)
    message.user.MergeFromString(NEWER)
    message.MergeFromString(NEWER + ALSO)
    return message


def newer_event() -> Event:
    event = part("x")
    event.message_part.MergeFromString(NEWER)
    event.MergeFromString(NEWER)
    return event


async def read_events(store: SqliteStore, **fields: object) -> list[StoredEvent]:
    request = pb.GetEventsRequest(session_id="s", **fields)  # type: ignore[arg-type]
    return await collect(event_fragments(store.get_events(request)), "events")


def numbers(message: Message | ToolCall | ToolResult | ToolCallStats | Event | SessionConfig | ToolConfig) -> list[int]:
    unknown = UnknownFieldSet(message)
    return [unknown[index].field_number for index in range(len(unknown))]


async def test_of_messages(store: SqliteStore) -> None:
    """A message comes back to the byte, by every call that reads messages."""
    await create(store)
    message = newer_message()
    await submit(store, pb.Mutation(append_message=message))
    (listed,) = (await store.list_messages(pb.ListMessagesRequest(session_id="s"))).messages
    (got,) = await collect(store.get_messages(pb.GetMessagesRequest(session_id="s")), "messages")
    (whole,) = (await merged(store)).state.messages
    for stored in (listed, got, whole):
        assert message == stored.message
        assert numbers(stored.message) == [1007, 1008]
        assert message.SerializeToString(deterministic=True) == stored.message.SerializeToString(deterministic=True)


async def test_of_events_from_the_table_and_from_memory(store: SqliteStore) -> None:
    """An event comes back with everything, whether it is read or followed."""
    await create(store)
    feed = await store.open_feed("s")
    event = newer_event()
    await submit(store, append(event))
    (encoded,) = (await feed.read(-1)).events
    followed = StoredEvent.FromString(encoded)
    feed.close()
    (read,) = await read_events(store)
    assert event == followed.event == read.event
    assert (numbers(followed.event), numbers(read.event)) == ([1007], [1007])


async def test_of_a_kind_of_event_that_only_a_newer_client_knows(store: SqliteStore) -> None:
    """An event whose kind is unknown is kept, numbered and read back, and no filter by type lets it through."""
    await create(store)
    event = Event.FromString(NEWER)
    (answer,) = await submit(store, append(event, "e"))
    (again,) = await submit(store, append(event, "e"))
    assert (answer.append_event.sequence, again.append_event.already_existed) == (0, True)
    assert [event] == [stored.event for stored in await read_events(store)]
    assert [] == await read_events(store, types=["message_part", "custom"])


async def test_of_tool_calls_their_results_and_stats(store: SqliteStore) -> None:
    """Call, result and stats keep what is not known."""
    await create(store)
    call, outcome, stats = tool_call("c"), result("r"), ToolCallStats(success=True)
    for item in (call, outcome, outcome.external, stats):
        item.MergeFromString(NEWER)
    update = pb.ToolCallUpdate(tool_call_id="c", result=outcome, stats=stats)
    await submit(store, pb.Mutation(create_tool_call=call), pb.Mutation(update_tool_call=update))
    (state,) = (await merged(store)).state.tool_calls
    assert (call, outcome, stats) == (state.tool_call, state.result, state.stats)
    assert numbers(state.tool_call) == numbers(state.result) == numbers(state.stats) == [1007]


async def test_of_a_kind_of_result_that_only_a_newer_client_knows(store: SqliteStore) -> None:
    """A result whose type is unknown is kept; its kind is external."""
    await create(store)
    update = pb.ToolCallUpdate(tool_call_id="c", result=ToolResult.FromString(NEWER))
    await submit(store, pb.Mutation(create_tool_call=tool_call("c")), pb.Mutation(update_tool_call=update))
    (state,) = (await merged(store)).state.tool_calls
    assert (state.kind, numbers(state.result)) == ("external", [1007])


async def test_of_configurations_through_changes_and_archives(store: SqliteStore) -> None:
    """A change of what is known leaves what is not known alone."""
    config = SessionConfig(system_prompt="old", metadata={"a": "b"})
    config.tool_config.MergeFromString(NEWER)
    config.MergeFromString(NEWER)
    await create(store, config=config)
    masked = pb.SessionUpdate(config=SessionConfig(system_prompt="new"), set_metadata={"c": "d"})
    masked.update_mask.paths.append("system_prompt")
    await submit(store, pb.Mutation(update_session=masked))
    await store.archive_session(admin_pb.ArchiveSessionRequest(session_id="s"))
    await store.restore_session(admin_pb.RestoreSessionRequest(session_id="s"))
    found = (await merged(store)).config
    assert (found.system_prompt, dict(found.metadata)) == ("new", {"a": "b", "c": "d"})
    assert numbers(found) == numbers(found.tool_config) == [1007]


async def test_unknown_fields_in_another_order_are_the_same_content(store: SqliteStore) -> None:
    """Clients that encode the same message differently repeat each other; other unknown content is other content."""
    await create(store)
    forward, backward = Event.FromString(NEWER + ALSO), Event.FromString(ALSO + NEWER)
    await submit(store, append(forward, "e"))
    (again,) = await submit(store, append(backward, "e"))
    assert again.append_event.already_existed
