"""Reads of whole sessions: fragments that merge to one snapshot."""

import sqlite3
from pathlib import Path

import pytest

from sessiond.contract.limits import FRAGMENT_BYTES
from sessiond.store.errors import CorruptedError, NotFoundError
from sessiond.store.sqlite import session_reads
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import Session, SessionConfig
from sessionstore.v1.tool_pb2 import BashToolSettings, ToolCallStatus, ToolConfig, ToolSettings
from tests.builders import append, complete, result, tool_call, user_message
from tests.unit.store.sessions import create, fragments_of, merged, submit

COMPLETED = ToolCallStatus.TOOL_CALL_STATUS_COMPLETED


def settle(call_id: str, payload: str) -> pb.Mutation:
    return pb.Mutation(
        update_tool_call=pb.ToolCallUpdate(tool_call_id=call_id, status=COMPLETED, result=result(payload))
    )


async def fill(store: SqliteStore, count: int, size: int) -> None:
    """Messages and finished tool calls, each of about `size` bytes."""
    await create(store, config=SessionConfig(system_prompt="be kind"))
    for index in range(count):
        await submit(
            store,
            pb.Mutation(append_message=user_message(f"m{index}", "x" * size)),
            pb.Mutation(create_tool_call=tool_call(f"c{index}")),
            settle(f"c{index}", "y" * size),
        )


@pytest.mark.parametrize("memory_bytes", [1, session_reads.MEMORY_BYTES])
async def test_fragments_merge_to_the_whole(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, memory_bytes: int
) -> None:
    """Each fragment is bounded; together they hold every message and tool call once, in order."""
    monkeypatch.setattr(session_reads, "MEMORY_BYTES", memory_bytes)
    await fill(store, count=30, size=40_000)
    fragments = await fragments_of(store)
    whole = Session()
    for fragment in fragments:
        assert fragment.ByteSize() <= FRAGMENT_BYTES + 10_000
        whole.MergeFrom(fragment)
    assert len(fragments) > 8
    assert list(range(30)) == [stored.sequence for stored in whole.state.messages]
    assert [f"m{index}" for index in range(30)] == [stored.message.id for stored in whole.state.messages]
    assert [f"c{index}" for index in range(30)] == [state.tool_call.id for state in whole.state.tool_calls]
    assert {40_000} == {len(state.result.external.payload) for state in whole.state.tool_calls}
    assert (whole.config.system_prompt, whole.state.message_count) == ("be kind", 30)


async def test_an_item_larger_than_a_fragment_is_a_fragment_of_its_own(store: SqliteStore) -> None:
    """No item is torn, and none is left out for its size."""
    await fill(store, count=3, size=FRAGMENT_BYTES * 2)
    fragments = await fragments_of(store)
    assert [0, 1, 1, 1, 0, 0, 0] == [len(fragment.state.messages) for fragment in fragments]
    assert [0, 0, 0, 0, 1, 1, 1] == [len(fragment.state.tool_calls) for fragment in fragments]


async def test_a_read_is_one_snapshot_although_writes_happen_between_its_fragments(store: SqliteStore) -> None:
    """Nothing that was written after the first fragment shows in the later ones."""
    await fill(store, count=8, size=100_000)
    await submit(store, pb.Mutation(create_tool_call=tool_call("waiting")))
    before = await merged(store)
    seen = Session()
    count = 0
    async for fragment in store.get_session(pb.GetSessionRequest(session_id="s")):
        seen.MergeFrom(fragment.session)
        await submit(
            store,
            pb.Mutation(append_message=user_message(f"late{count}")),
            pb.Mutation(create_tool_call=tool_call(f"late{count}")),
            append(complete("late")),
        )
        if count == 0:
            await submit(store, settle("waiting", "late"))
        count += 1
    assert count > 4
    assert before == seen


async def test_omit_content_leaves_out_messages_and_tool_calls_only(store: SqliteStore) -> None:
    """The header has the counts, the configuration and the approvals."""
    await fill(store, count=2, size=10)
    await submit(store, append(complete("opus")))
    await submit(store, pb.Mutation(update_session=pb.SessionUpdate(add_approved_tools=["ls"])))
    whole = await merged(store)
    header = Session()
    for fragment in await fragments_of(store, omit_content=True):
        header.MergeFrom(fragment)
    whole.state.ClearField("messages")
    whole.state.ClearField("tool_calls")
    assert whole == header
    assert (header.state.message_count, header.state.last_model, list(header.state.approved_tools)) == (
        2,
        "opus",
        ["ls"],
    )


async def test_approvals_are_those_of_the_configuration_and_those_given_later(store: SqliteStore) -> None:
    """Patterns of the configuration come first, none comes twice, and they follow the configuration."""
    tools = {"bash": ToolSettings(bash=BashToolSettings(approved_patterns=["ls *", "cat *"]))}
    await create(store, config=SessionConfig(tool_config=ToolConfig(tools=tools)))
    for patterns in (["git *", "ls *"], ["git *"], ["make *"]):
        update = pb.SessionUpdate(add_approved_bash_patterns=patterns, add_approved_tools=["edit"])
        await submit(store, pb.Mutation(update_session=update))
    state = (await merged(store)).state
    assert (list(state.approved_bash_patterns), list(state.approved_tools)) == (
        ["ls *", "cat *", "git *", "make *"],
        ["edit"],
    )
    await submit(store, pb.Mutation(update_session=pb.SessionUpdate(config=SessionConfig())))
    assert list((await merged(store)).state.approved_bash_patterns) == ["git *", "ls *", "make *"]


@pytest.mark.parametrize("archived", [False, True])
async def test_a_session_that_goes_while_it_is_read_is_not_found(store: SqliteStore, archived: bool) -> None:
    """A read never passes off a part as the whole."""
    await fill(store, count=8, size=100_000)
    fragments = store.get_session(pb.GetSessionRequest(session_id="s"))
    await anext(fragments)
    if archived:
        await store.archive_session(admin_pb.ArchiveSessionRequest(session_id="s"))
    else:
        await store.delete_session(pb.DeleteSessionRequest(session_id="s"))
        await create(store, "s")
    with pytest.raises(NotFoundError):
        async for _ in fragments:
            pass


async def test_an_abandoned_read_leaves_no_file(store: SqliteStore, data_dir: Path) -> None:
    """What was set aside on disk goes when the client does."""
    await fill(store, count=8, size=400_000)
    before = sorted(data_dir.iterdir())
    fragments = store.get_session(pb.GetSessionRequest(session_id="s"))
    await anext(fragments)
    await fragments.aclose()
    assert before == sorted(data_dir.iterdir())


@pytest.mark.parametrize(
    ("table", "column", "named"),
    [
        ("sessions", "config", "the configuration of session 's'"),
        ("sessions", "approvals", "the configuration of session 's'"),
        ("messages", "payload", "message 0 of session 's'"),
        ("tool_calls", "payload", "tool call 'c0'"),
        ("tool_calls", "result", "tool call 'c0'"),
        ("tool_calls", "stats", "tool call 'c0'"),
    ],
)
async def test_a_damaged_row_is_told_and_not_passed_on(
    store: SqliteStore, data_dir: Path, table: str, column: str, named: str
) -> None:
    """The error names what is damaged; the rest of the store stays readable."""
    await fill(store, count=2, size=10)
    await create(store, "other")
    with sqlite3.connect(data_dir / DATABASE_NAME) as connection:
        connection.execute(f"UPDATE {table} SET {column} = x'0AFF' WHERE rowid = 1")  # noqa: S608 - our own names
    connection.close()
    with pytest.raises(CorruptedError, match=named):
        await fragments_of(store)
    assert (await merged(store, "other")).id == "other"
