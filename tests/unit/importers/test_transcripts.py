"""Every entry is accounted for, whatever is wrong with it."""

import json
from pathlib import Path

import pytest

from sessiond.contract.limits import Limits
from sessiond.contract.requests import check_commit
from sessiond.importers import ImportTally, Outcome, Problem, Step, Summary, open_transcript, raw_entries
from sessionstore.v1.session_store_service_pb2 import (
    AppendEventResponse,
    AppendMessageResponse,
    CommitResponse,
    MutationResult,
)
from sessionstore.v1.tool_pb2 import ToolCallStatus
from tests.unit.importers.conftest import OpenLines, WriteLines
from tests.unit.importers.entries import (
    SESSION,
    claude_assistant,
    claude_user,
    event_kinds,
    events,
    messages,
    mutations,
    problems,
    tool_result,
    tool_use,
    updates,
)

MIB = 1024 * 1024


def test_torn_and_invalid_lines_are_reported_and_the_rest_goes_on(write_lines: WriteLines) -> None:
    """Each problem names its line; a torn last line is one of them."""
    path = write_lines(
        claude_user("u1", "a"), b'{"type": "us', b'{"x": "\xff"}', "", claude_user("u2", "b"), "[" * 50_000
    )
    path.write_bytes(path.read_bytes() + b'{"type":"user","uuid":"u3","message":{"content":"to')
    transcript = open_transcript(path)
    found = problems(transcript.steps())
    assert [2, 3, 6, 7] == [problem.line for problem in found]
    assert Problem("line 3", 3, "byte 8 is not UTF-8") == found[1]
    assert ["u1", "u2"] == [message.id for message in messages(transcript.steps())]
    summary = transcript.summary
    assert (7, 2, 0, 1, 4) == (
        summary.entries,
        summary.message_entries,
        summary.raw_entries,
        summary.skipped,
        summary.invalid,
    )
    assert summary.adds_up


def test_a_torn_last_line_is_imported_once_it_is_whole(write_lines: WriteLines) -> None:
    """A transcript can be imported while its agent writes it; the end of the line need not be there yet."""
    path = write_lines(claude_user("u1", "a"), claude_user("u2", "b"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert ["u1"] == [message.id for message in messages(open_transcript(path).steps())]
    path.write_bytes(whole[:-1])
    assert ["u1", "u2"] == [message.id for message in messages(open_transcript(path).steps())]


def test_a_torn_trajectory_gives_what_is_whole(tmp_path: Path) -> None:
    """The piece that is torn is reported with its place."""
    path = tmp_path / "run.traj"
    items = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    text = json.dumps({"history": items}, indent=1)
    path.write_text(text[: text.index('"c"')])
    transcript = open_transcript(path)
    *_, last = transcript.steps()
    assert Outcome.INVALID is last.outcome
    assert "line 11, history[2]" == last.location
    assert (3, 2, 1) == (transcript.summary.entries, transcript.summary.message_entries, transcript.summary.invalid)


def test_values_of_unexpected_types_are_kept_raw(open_lines: OpenLines) -> None:
    """No entry, however odd, stops an import."""
    lines = [
        claude_user("u1", "first"),
        "[]",
        "null",
        '"text"',
        "17",
        claude_user("u2", {"not": "a list"}),
        claude_assistant("u3") | {"message": None},
        claude_user("u4", "x", parent="\n", timestamp=5) | {"uuid": ["u4"]},
        claude_assistant("u5", None, 5, {"type": None}, {"type": "tool_use", "id": 5, "name": "x", "input": 1}),
        claude_user("u6", [tool_result("", "x"), {"type": "tool_result"}]),
        {"sessionId": SESSION, "type": "a\nb", "parentUuid": 5},
    ]
    transcript = open_lines(*lines)
    steps = list(transcript.steps())
    assert [None] * len(lines) == [step.error for step in steps]
    assert len(lines) == transcript.summary.entries
    assert transcript.summary.adds_up
    for step in steps:
        assert step.commit is not None
        check_commit(step.commit, Limits())


def test_an_entry_that_is_too_large_is_kept_in_fragments(open_lines: OpenLines) -> None:
    """The fragments, put together, are its bytes; the first has the outcome, the others continue it."""
    entry = claude_user("u1", "é" * (2 * MIB))
    transcript = open_lines(entry)
    steps = list(transcript.steps())
    assert [Outcome.KEPT_RAW, *[Outcome.CONTINUATION] * 4] == [step.outcome for step in steps]
    assert ["claude-code/fragment"] * 5 == event_kinds(steps)
    whole = b"".join(event.custom.data for event in events(steps))
    assert json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() == whole
    identifiers = [item.append_event.event_id for item in mutations(steps)]
    assert ["u1/fragment", *(f"u1/fragment/{number}" for number in range(2, 6))] == identifiers
    assert 1 == transcript.summary.entries
    assert transcript.summary.adds_up
    for step in steps:
        assert step.commit is not None
        check_commit(step.commit, Limits())


def test_a_result_that_is_too_large_still_ends_its_call(open_lines: OpenLines) -> None:
    """Its bytes are in the fragments, and the call does not look like an orphan."""
    transcript = open_lines(
        claude_assistant("u1", tool_use("t1"), tool_use("t2")),
        claude_user("u2", [tool_result("t1", "x" * (4 * MIB))]),
        claude_user("u3", [tool_result("t2", "x" * (4 * MIB), is_error=True)]),
    )
    steps = list(transcript.steps())
    ended = {update.tool_call_id: update.status for update in updates(steps)}
    assert ToolCallStatus.TOOL_CALL_STATUS_COMPLETED == ended["t1"]
    assert ToolCallStatus.TOOL_CALL_STATUS_FAILED == ended["t2"]
    assert ["u1"] == [message.id for message in messages(steps)]


def test_calls_of_an_entry_that_is_too_large_are_not_begun(open_lines: OpenLines) -> None:
    """Their results are messages without a call."""
    transcript = open_lines(
        claude_assistant("u1", tool_use("t1", content="x" * (4 * MIB))), claude_user("u2", [tool_result("t1", "done")])
    )
    steps = list(transcript.steps())
    assert [] == updates(steps)
    assert ["u2"] == [message.id for message in messages(steps)]


def test_a_line_that_is_too_long_to_read_is_reported(write_lines: WriteLines, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines after it are read."""
    path = write_lines(claude_user("u1", "a"), claude_user("u2", "x" * 2000), claude_user("u3", "b"))
    monkeypatch.setattr(raw_entries, "MAX_ENTRY_BYTES", 1000)
    transcript = open_transcript(path)
    assert [Problem("line 2", 2, "is longer than 1000 bytes")] == problems(transcript.steps())
    assert 2 == transcript.summary.message_entries


def test_progress_reaches_the_size_of_the_file(fixtures: Path) -> None:
    """The offsets grow, and end where the file ends."""
    for path in sorted(fixtures.iterdir()):
        transcript = open_transcript(path)
        offsets = [step.end_offset for step in transcript.steps()]
        assert sorted(offsets) == offsets
        assert transcript.size_bytes - offsets[-1] <= len("\n}\n")


def test_every_commit_is_one_that_the_store_takes(fixtures: Path) -> None:
    """And the numbers of every format add up."""
    for path in sorted(fixtures.iterdir()):
        transcript = open_transcript(path)
        for step in transcript.steps():
            assert step.commit is not None
            check_commit(step.commit, Limits())
            assert transcript.session_id == step.commit.session_id
        assert transcript.summary.adds_up


def test_a_summary_that_does_not_add_up_says_so() -> None:
    """An entry of no class, or a message that was not stored, is noticed."""
    assert Summary().adds_up
    assert not Summary(entries=1).adds_up
    assert not Summary(entries=1, message_entries=1).adds_up


def test_a_tally_tells_new_from_present(open_lines: OpenLines) -> None:
    """Item by item, and for a commit that had been applied before as a whole."""
    (step,) = open_lines(claude_user("u1", "a")).steps()
    partly = CommitResponse(
        results=[
            MutationResult(append_message=AppendMessageResponse(already_existed=True)),
            MutationResult(append_event=AppendEventResponse()),
            MutationResult(append_event=AppendEventResponse()),
        ]
    )
    tally = ImportTally()
    tally.count(step, partly)
    assert (0, 1, 1) == (tally.new.messages, tally.new.events, tally.new.customs)
    assert (1, 0, 0) == (tally.present.messages, tally.present.events, tally.present.customs)
    assert tally.added_anything
    again = ImportTally()
    again.count(step, CommitResponse(results=partly.results, already_applied=True))
    assert step.adds == again.present
    assert not again.added_anything


def test_a_tally_refuses_an_answer_to_something_else(open_lines: OpenLines) -> None:
    """Counting it would be a lie."""
    (step,) = open_lines(claude_user("u1", "a")).steps()
    with pytest.raises(ValueError, match="line 1"):
        ImportTally().count(step, CommitResponse())
    with pytest.raises(ValueError, match="line 9"):
        ImportTally().count(Step("line 9", 9, 0, Outcome.SKIPPED), CommitResponse())


@pytest.mark.parametrize("depth", [100, 300, 800])
def test_an_entry_that_is_nested_deeply_stops_nothing(open_lines: OpenLines, depth: int) -> None:
    """It becomes a message, is kept raw, or is reported, by how much of it can be read."""
    nested = json.loads("[" * depth + "]" * depth)
    transcript = open_lines(claude_user("u1", "a"), claude_user("u2", "b", deep=nested), claude_user("u3", "c"))
    assert {"u1", "u3"} <= {message.id for message in messages(transcript.steps())}
    assert transcript.summary.adds_up
    assert 3 == transcript.summary.entries
