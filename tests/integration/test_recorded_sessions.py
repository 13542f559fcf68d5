"""The main job on recorded sessions: whole sessions in, whole sessions out."""

import asyncio
import json
from pathlib import Path

import pytest

from sessiond.importers import find_transcripts
from sessionstore import AsyncSessionStore
from sessionstore.v1.message_pb2 import Message
from sessionstore.v1.tool_pb2 import ToolCallStatus
from tests.integration.conftest import DaemonUnderTest
from tests.integration.process import DaemonProcess, run_command

pytestmark = pytest.mark.recorded

# As the list of sources says: entries, tool calls, results, of which errors. The subagent's error was counted by hand.
RECORDED = {
    "fe5e1c67-53e7-4862-81ae-d0e013e3270b.jsonl": (438, 167, 167, 23),
    "turn-1.jsonl": (25, 7, 6, 0),
    "turn-2.jsonl": (50, 14, 14, 0),
    "turn-1/subagents/agent-a485154.jsonl": (44, 20, 20, 1),
    "turn-2/subagents/agent-a485154.jsonl": (45, 20, 20, 1),
    "rollout-2026-05-11T11-26-55-019e1625-789d-76c0-80ab-3724b5ddb799.jsonl": (386, 105, 102, 0),
    "marshmallow-code__marshmallow-1867.function_calling.traj": (24, 11, 11, 0),
    "marshmallow-code__marshmallow-1343.traj.json": (380, 189, 188, 0),
}

WITHOUT_ID = {"rollout-2026-05-11T11-26-55-019e1625-789d-76c0-80ab-3724b5ddb799.jsonl": 3}
"""Web searches that carry no call id: their one entry says that they are completed, and has no result."""


def recorded_file(transcripts: Path, name: str) -> Path:
    (found,) = [path for path in transcripts.rglob("*") if str(path).endswith(f"/{name}")]
    return found


def texts_of(message: Message) -> list[str]:
    """The texts of a message, as its writer gave them."""
    match message.WhichOneof("role"):
        case "user":
            return [item.text for item in message.user.content if item.WhichOneof("kind") == "text"]
        case "assistant":
            return [item.text for item in message.assistant.content if item.WhichOneof("kind") == "text"]
        case "system":
            return [item.text for item in message.system.content]
    return []


async def stored_messages(client: AsyncSessionStore, session_id: str) -> list[Message]:
    return [stored.message async for stored in client.get_messages(session_id)]


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_counts_agree_with_the_sources(transcripts: Path, tmp_path: Path, name: str) -> None:
    """Every entry is accounted for, every call and result is there, and importing again adds nothing."""
    path = recorded_file(transcripts, name)
    entries, calls, results, errors = RECORDED[name]
    with DaemonProcess(tmp_path, "--durability", "normal") as daemon:
        first = json.loads(run_command("import", "--json", str(path), address=daemon.address).stdout)
        shown = run_command("show", first["session_id"], "--json", address=daemon.address).stdout.splitlines()
        again = json.loads(run_command("import", "--json", str(path), address=daemon.address).stdout)
    states = [item for item in map(json.loads, shown) if item["kind"] != "session" and "tool_call" in item]
    assert (entries, calls, results) == (first["entries"], first["tool_calls"], first["tool_results"])
    assert first["entries"] == sum(first[key] for key in ("message_entries", "raw_entries", "skipped", "invalid"))
    assert errors == first["tool_errors"]
    assert calls == len(states)
    ended = [state for state in states if state["status"] in ("TOOL_CALL_STATUS_COMPLETED", "TOOL_CALL_STATUS_FAILED")]
    assert results + WITHOUT_ID.get(name, 0) == len(ended)
    assert {"messages": 0, "tool_calls": 0, "events": 0, "customs": 0} == {
        key: again["new"][key] for key in ("messages", "tool_calls", "events", "customs")
    }
    assert first["new"] == again["already_there"]


async def test_every_text_comes_back_byte_for_byte(
    transcripts: Path, client: AsyncSessionStore, daemon: DaemonUnderTest
) -> None:
    """The texts that the files hold are those that GetMessages answers, in their order."""
    path = recorded_file(transcripts, "fe5e1c67-53e7-4862-81ae-d0e013e3270b.jsonl")
    await asyncio.to_thread(run_command, "import", str(path), address=daemon.address)
    written: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        content = entry.get("message", {}).get("content", [])
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        written += [block["text"] for block in blocks if block["type"] == "text"]
    messages = await stored_messages(client, "fe5e1c67-53e7-4862-81ae-d0e013e3270b")
    read = [text for message in messages for text in texts_of(message) if message.WhichOneof("role") != "system"]
    assert len(written) > 50
    assert written == read


async def test_every_text_of_chat_formats_comes_back_byte_for_byte(
    transcripts: Path, client: AsyncSessionStore, daemon: DaemonUnderTest
) -> None:
    """So are those of a trajectory that is one JSON object."""
    path = recorded_file(transcripts, "marshmallow-code__marshmallow-1343.traj.json")
    await asyncio.to_thread(run_command, "import", str(path), address=daemon.address)
    messages = json.loads(path.read_text(encoding="utf-8"))["messages"]
    (info,) = [session async for session in client.list_sessions()]
    stored = await stored_messages(client, info.id)
    assert len(messages) == len(stored)
    for given, message in zip(messages, stored, strict=True):
        if given["role"] in ("user", "assistant", "system") and given["content"]:
            assert [given["content"]] == texts_of(message)
        elif given["role"] == "tool":
            result = message.tool.result
            payload = result.external.payload or result.error.execution.message
            assert given["content"] == payload


async def test_a_grown_transcript_adds_only_what_is_new(
    transcripts: Path, client: AsyncSessionStore, daemon: DaemonUnderTest
) -> None:
    """Turn 2 over turn 1: the old messages keep their numbers, new ones follow, and open calls are settled."""
    folder = transcripts / "codemie-code" / "incremental-subagents"
    await asyncio.to_thread(run_command, "import", str(folder / "turn-1.jsonl"), address=daemon.address)
    (info,) = [session async for session in client.list_sessions()]
    before = await stored_messages(client, info.id)
    (open_call,) = [state async for state in client.get_pending_tool_calls(info.id, include_unfinished=True)]
    await asyncio.to_thread(run_command, "import", str(folder / "turn-2.jsonl"), address=daemon.address)
    after = await stored_messages(client, info.id)
    session = await client.get_session(info.id)
    settled = {state.tool_call.id: state.status for state in session.state.tool_calls}
    assert before == after[: len(before)]
    assert len(after) > len(before)
    assert ToolCallStatus.TOOL_CALL_STATUS_COMPLETED == settled[open_call.tool_call.id]
    assert 14 == len(settled)


async def test_an_entry_inserted_in_the_middle_is_added_and_no_number_moves(
    transcripts: Path, client: AsyncSessionStore, daemon: DaemonUnderTest
) -> None:
    """The subagent's file of turn 2 has one row more, in the middle."""
    folder = transcripts / "codemie-code" / "incremental-subagents"
    for turn in ("turn-1", "turn-2"):
        path = folder / turn / "subagents" / "agent-a485154.jsonl"
        await asyncio.to_thread(run_command, "import", str(path), address=daemon.address)
        (info,) = [session async for session in client.list_sessions()]
        if turn == "turn-1":
            before = [event async for event in client.get_events(info.id)]
    after = [event async for event in client.get_events(info.id)]
    assert before == after[: len(before)]
    assert 1 == len(after) - len(before)
    parent = info.metadata["parent_session_id"]
    assert info.id.startswith(parent)


async def test_tails_before_during_and_after_an_import_see_the_same(
    transcripts: Path, client: AsyncSessionStore, daemon: DaemonUnderTest
) -> None:
    """Whenever a tail is opened, it sees exactly the same events in the same order."""
    path = recorded_file(transcripts, "fe5e1c67-53e7-4862-81ae-d0e013e3270b.jsonl")
    (found,) = find_transcripts([path])
    assert found.transcript is not None
    create = found.transcript.create
    await client.create_session(create.config, session_id=create.session_id)
    expected = sum(
        mutation.WhichOneof("kind") == "append_event"
        for step in found.transcript.steps()
        if step.commit is not None
        for mutation in step.commit.mutations
    )

    async def follow(started: asyncio.Event) -> list[bytes]:
        seen = []
        async with AsyncSessionStore(daemon.address) as own, own.tail(create.session_id) as tail:
            started.set()
            async for event in tail:
                seen.append(event.SerializeToString(deterministic=True))
                if len(seen) == expected:
                    break
        return seen

    started = [asyncio.Event() for _ in range(3)]
    before = asyncio.create_task(follow(started[0]))
    await started[0].wait()
    importing = asyncio.create_task(asyncio.to_thread(run_command, "import", str(path), address=daemon.address))
    async with client.tail(create.session_id) as watching:
        await anext(watching)
    during = asyncio.create_task(follow(started[1]))
    await importing
    after = asyncio.create_task(follow(started[2]))
    first, second, third = await asyncio.wait_for(asyncio.gather(before, during, after), 30)
    assert expected == len(first)
    assert first == second == third


@pytest.mark.parametrize("name", sorted(RECORDED))
async def test_every_message_of_every_format_comes_back(
    transcripts: Path, client: AsyncSessionStore, daemon: DaemonUnderTest, name: str
) -> None:
    """GetMessages answers the very messages that the importer made of a file, in their order, to the byte."""
    path = recorded_file(transcripts, name)
    (found,) = find_transcripts([path])
    assert found.transcript is not None
    made = [
        mutation.append_message.SerializeToString(deterministic=True)
        for step in found.transcript.steps()
        if step.commit is not None
        for mutation in step.commit.mutations
        if mutation.WhichOneof("kind") == "append_message"
    ]
    await asyncio.to_thread(run_command, "import", str(path), address=daemon.address)
    read = await stored_messages(client, found.transcript.session_id)
    assert made == [message.SerializeToString(deterministic=True) for message in read]
