"""A transcript that grows, or gets an entry in its middle, keeps what was made of its old entries."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessiond.importers import Outcome, Transcript, open_transcript
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migrations import migrate
from tests.unit.importers.conftest import OpenLines
from tests.unit.importers.entries import claude_assistant, claude_user, codex, tool_result, tool_use
from tests.unit.importers.importing import import_transcript

FIXTURES = Path(__file__).parent / "fixtures"


def _items(transcript: Transcript) -> dict[str, bytes]:
    """Every item that has an id, by its kind and id."""
    return dict(_pairs(transcript))


def _pairs(transcript: Transcript) -> Iterator[tuple[str, bytes]]:
    for step in transcript.steps():
        for mutation in step.commit.mutations if step.commit is not None else ():
            match mutation.WhichOneof("kind"):
                case "append_message":
                    message = mutation.append_message
                    yield f"message {message.id}", message.SerializeToString(deterministic=True)
                case "create_tool_call":
                    call = mutation.create_tool_call
                    yield f"call {call.id}", call.SerializeToString(deterministic=True)
                case "append_event":
                    append = mutation.append_event
                    yield f"event {append.event_id}", append.event.SerializeToString(deterministic=True)


CLAUDE = [
    {"type": "file-history-snapshot", "messageId": "m", "snapshot": {}},
    claude_user("u1", "go"),
    claude_assistant("u2", tool_use("t1"), parent="u1"),
    {"type": "file-history-snapshot", "messageId": "m", "snapshot": {}},
    claude_user("u3", [tool_result("t1", "done")], "u2"),
    claude_assistant("u4", {"type": "text", "text": "fine"}, parent="u3"),
]
CODEX = [
    codex("session_meta", 0, id="s"),
    codex("event_msg", 1, type="token_count"),
    codex("response_item", 2, type="function_call", name="ls", arguments="{}", call_id="c"),
    codex("response_item", 3, type="function_call_output", call_id="c", output="a"),
    codex("event_msg", 1, type="token_count"),
]


@pytest.mark.parametrize("lines", [CLAUDE, CODEX], ids=["claude-code", "codex"])
def test_a_grown_transcript_keeps_every_old_item(open_lines: OpenLines, lines: list[object]) -> None:
    """Nothing that was made of the first lines depends on the later ones."""
    whole = open_lines(*lines)
    new = _items(whole)
    for length in range(2, len(lines)):
        part = open_lines(*lines[:length], name="other-name.jsonl")
        assert whole.create == part.create
        old = _items(part)
        assert old == {key: new[key] for key in old}


@pytest.mark.parametrize("lines", [CLAUDE, CODEX], ids=["claude-code", "codex"])
def test_an_inserted_entry_moves_no_id(open_lines: OpenLines, lines: list[object]) -> None:
    """Wherever it is, and even when it repeats an entry that has no id of its own."""
    old = _items(open_lines(*lines))
    for inserted in (lines[0], {"type": "event_msg", "timestamp": "2026-05-11T08:27:09Z", "payload": {"type": "new"}}):
        for position in range(2, len(lines) + 1):
            new = _items(open_lines(*lines[:position], inserted, *lines[position:]))
            assert old == {key: new[key] for key in old}
            assert len(old) + 1 == len(new)


async def test_a_line_that_is_ended_while_the_file_is_read_keeps_its_place(
    open_lines: OpenLines, tmp_path: Path
) -> None:
    """What follows it waits with it for the next import, which ends as one import of the whole would."""
    transcript = open_lines(*CLAUDE)
    whole = transcript.path.read_bytes()
    cut = whole.index(b'"tool_use"')
    migrate(tmp_path / DATABASE_NAME)
    store = await SqliteStore.open(tmp_path, durability="normal")
    try:
        await store.create_session(transcript.create)
        transcript.path.write_bytes(whole[:cut])
        for step in transcript.steps():
            if step.commit is not None:
                await store.submit(step.commit)
            if step.outcome is Outcome.INVALID:
                transcript.path.write_bytes(whole)
        again = await import_transcript(store, transcript)
        assert (3, 1, 1) == (again.new.messages, again.new.tool_calls, again.new.tool_results)
    finally:
        await store.close()


@pytest.mark.recorded
@pytest.mark.parametrize("name", ["", "subagents/agent-a485154"])
def test_the_second_snapshot_of_a_recorded_session_keeps_the_first(transcripts: Path, name: str) -> None:
    """The main file has more lines at its end, the subagent's has one in its middle."""
    folder = transcripts / "codemie-code" / "incremental-subagents"
    first, second = (
        open_transcript(folder / (f"turn-{turn}/{name}.jsonl" if name else f"turn-{turn}.jsonl")) for turn in (1, 2)
    )
    assert first.create == second.create
    old, new = _items(first), _items(second)
    assert old == {key: new[key] for key in old}
    added = [key for key in new if key not in old]
    assert added == (["event progress-test-001/raw"] if name else list(new)[len(old) :])


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.iterdir()))
async def test_importing_again_adds_nothing(fixtures: Path, tmp_path: Path, name: str) -> None:
    """And a transcript that is imported piece by piece ends as if it had been imported whole."""
    migrate(tmp_path / DATABASE_NAME)
    store = await SqliteStore.open(tmp_path, durability="normal")
    try:
        transcript = open_transcript(fixtures / name)
        first = await import_transcript(store, transcript)
        again = await import_transcript(store, transcript)
        assert transcript.summary.adds == first.new == again.present
        assert not again.added_anything
    finally:
        await store.close()


async def test_a_transcript_imported_while_it_is_written_ends_whole(fixtures: Path, tmp_path: Path) -> None:
    """Each import adds what has come since, wherever the file was cut."""
    migrate(tmp_path / DATABASE_NAME)
    store = await SqliteStore.open(tmp_path, durability="normal")
    data = (fixtures / "claude_code.jsonl").read_bytes()
    path = tmp_path / "growing.jsonl"
    messages = 0
    try:
        for size in [*range(400, len(data), 211), len(data)]:
            path.write_bytes(data[:size])
            messages += (await import_transcript(store, open_transcript(path))).new.messages
        assert 5 == messages
        path.write_text(json.dumps({"type": "summary", "leafUuid": "u9", "summary": "x"}) + "\n" + data.decode())
        last = await import_transcript(store, open_transcript(path))
        assert (0, 1) == (last.new.messages, last.new.customs)
    finally:
        await store.close()
