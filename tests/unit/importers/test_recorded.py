"""The recorded sessions: every entry is accounted for, every text comes back, every entry can be rebuilt."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sessiond.contract.limits import Limits
from sessiond.contract.requests import check_commit
from sessiond.importers import Transcript, find_transcripts, open_transcript, rebuild_entry, remainder_message_ids
from sessionstore.v1.message_pb2 import Message
from tests.unit.importers.entries import events, messages, problems

pytestmark = pytest.mark.recorded

FOLDER = "codemie-code/incremental-subagents"
COUNTS = {
    "claude-code-viewer/fe5e1c67-53e7-4862-81ae-d0e013e3270b.jsonl": ("claude-code", 438, 167, 167, 23),
    f"{FOLDER}/turn-1.jsonl": ("claude-code", 25, 7, 6, 0),
    f"{FOLDER}/turn-1/subagents/agent-a485154.jsonl": ("claude-code", 44, 20, 20, 1),
    f"{FOLDER}/turn-2.jsonl": ("claude-code", 50, 14, 14, 0),
    f"{FOLDER}/turn-2/subagents/agent-a485154.jsonl": ("claude-code", 45, 20, 20, 1),
    "codemie-code/rollout-2026-05-11T11-26-55-019e1625-789d-76c0-80ab-3724b5ddb799.jsonl": ("codex", 386, 105, 102, 0),
    "mini-swe-agent/marshmallow-code__marshmallow-1343.traj.json": ("mini-swe-agent", 380, 189, 188, 0),
    "swe-agent/marshmallow-code__marshmallow-1867.function_calling.traj": ("swe-agent", 24, 11, 11, 0),
}


@pytest.fixture(params=sorted(COUNTS))
def recorded(request: pytest.FixtureRequest, transcripts: Path) -> Transcript:
    """Each recorded session."""
    return open_transcript(transcripts / request.param, root=transcripts)


def test_the_counts_are_those_of_the_sources(recorded: Transcript) -> None:
    """Nothing is invalid, nothing is skipped, and the numbers add up."""
    assert [] == problems(recorded.steps())
    summary = recorded.summary
    adds = summary.adds
    found = (recorded.format_name, summary.entries, adds.tool_calls, adds.tool_results, adds.tool_errors)
    assert COUNTS[recorded.name] == found
    assert (0, 0, True) == (summary.skipped, summary.invalid, summary.adds_up)


def test_every_commit_is_acceptable_and_every_id_unique(recorded: Transcript) -> None:
    """The store would take them all."""
    seen: set[str] = set()
    for step in recorded.steps():
        assert step.commit is not None
        check_commit(step.commit, Limits())
        for mutation in step.commit.mutations:
            match mutation.WhichOneof("kind"):
                case "append_message":
                    identifier = f"message {mutation.append_message.id}"
                case "create_tool_call":
                    identifier = f"call {mutation.create_tool_call.id}"
                case "append_event":
                    identifier = f"event {mutation.append_event.event_id}"
                case _:
                    continue
            assert identifier not in seen
            seen.add(identifier)


def test_every_entry_comes_back(recorded: Transcript) -> None:
    """Lines to the byte, items of a JSON object in their value, whether they became messages or were kept raw."""
    rebuilt: list[str] = []
    for step in recorded.steps():
        by_id = {message.id: message for message in messages([step])}
        for event in events([step]):
            if event.custom.type.endswith("/entry"):
                data = event.custom.data
                rebuilt.append(rebuild_entry(data, [by_id[name] for name in remainder_message_ids(data)]))
            elif event.HasField("custom"):
                rebuilt.append(event.custom.data.decode())
    if recorded.path.suffix == ".jsonl":
        assert recorded.path.read_text().splitlines() == rebuilt
        return
    pieces = [
        piece
        for value in json.loads(recorded.path.read_text()).values()
        for piece in (value if isinstance(value, list) else [value])
    ]
    assert pieces == [json.loads(text) for text in rebuilt]


def test_every_text_of_the_conversation_is_in_a_message(recorded: Transcript) -> None:
    """Byte for byte, as the model, the user and the tools wrote it."""
    stored = {text for message in messages(recorded.steps()) for text in _stored_texts(message)}
    wanted = list(_conversation_texts(recorded))
    assert wanted
    for text in wanted:
        assert text in stored or any(text in candidate for candidate in stored)


def test_the_last_call_of_the_mini_run_is_an_orphan(transcripts: Path) -> None:
    """It submits, and the run ends with the role exit."""
    transcript = open_transcript(transcripts / "mini-swe-agent/marshmallow-code__marshmallow-1343.traj.json")
    last = messages(transcript.steps())[-1]
    assert "exit" == last.custom.role


def test_the_folder_is_searched(transcripts: Path) -> None:
    """All eight are found, and what else lies there is reported."""
    found = list(find_transcripts([transcripts]))
    assert sorted(COUNTS) == sorted(str(file.path.relative_to(transcripts)) for file in found if file.transcript)
    assert "SOURCES.md" in {file.path.name for file in found if file.error}


def _stored_texts(message: Message) -> Iterator[str]:
    match message.WhichOneof("role"):
        case "user":
            yield from (part.text for part in message.user.content)
        case "assistant":
            for part in message.assistant.content:
                yield part.text
                yield part.thought.signed.text
                yield part.thought.simple.text
        case "tool":
            yield message.tool.result.external.payload
            yield message.tool.result.error.execution.message
        case "system":
            yield from (part.text for part in message.system.content)
        case "custom":
            yield message.custom.data.decode()


def _conversation_texts(transcript: Transcript) -> Iterator[str]:
    text = transcript.path.read_text()
    match transcript.format_name:
        case "claude-code":
            for line in map(json.loads, text.splitlines()):
                yield from _texts(line.get("message", {}).get("content"))
        case "codex":
            for line in map(json.loads, text.splitlines()):
                if line["type"] == "response_item":
                    yield from _texts(line["payload"].get("content"))
                    yield from _texts(line["payload"].get("output"))
        case _:
            value = json.loads(text)
            for message in value.get("history") or value["messages"]:
                yield from _texts(message["content"])


def _texts(content: Any) -> Iterator[str]:
    match content:
        case str():
            yield content
        case list():
            for block in content:
                yield from _texts(block.get("text"))
                yield from _texts(block.get("thinking"))
                yield from _texts(block.get("content"))
