"""How the trajectories of SWE-agent and mini-swe-agent become messages, tool calls and events."""

import json
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sessiond.importers import Outcome, find_transcripts, json_members, open_transcript, trajectories
from sessiond.importers.json_members import TornFileError
from sessiond.importers.raw_entries import RawEntry
from sessiond.importers.swe_agent import SweAgentFormat
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migrations import migrate
from sessionstore.v1.session_pb2 import ContainerRuntime
from sessionstore.v1.session_store_service_pb2 import ListSessionsRequest
from sessionstore.v1.tool_pb2 import ToolCallStatus
from tests.unit.importers.entries import event_kinds, events, messages, mutations, problems, updates
from tests.unit.importers.importing import import_transcript


def _write(path: Path, **members: Any) -> Path:
    path.write_text(json.dumps(members, indent=1))
    return path


def test_the_history_becomes_messages_in_order(fixtures: Path) -> None:
    """Every item of it, with its role and text."""
    found = messages(open_transcript(fixtures / "swe_agent.traj").steps())
    roles = [message.WhichOneof("role") for message in found]
    assert ["system", "user", "assistant", "tool", "assistant", "tool"] == roles
    assert "SETTING: a shell." == found[0].system.content[0].text
    assert "First look." == found[2].assistant.content[0].text
    assert "b.py" == found[5].tool.result.external.payload


def test_repeated_call_ids_are_paired_by_position(fixtures: Path) -> None:
    """The second call of an id is stored under a name of its own, and so is its result."""
    steps = list(open_transcript(fixtures / "swe_agent.traj").steps())
    calls = [item.create_tool_call for item in mutations(steps) if item.HasField("create_tool_call")]
    assert [("call_x", '{"path":"."}'), ("call_x#2", '{"path":".."}')] == [
        (call.id, call.parameters_json) for call in calls
    ]
    results = {message.tool.tool_use_id: message.tool.result.external.payload for message in messages(steps)}
    assert {"call_x": "a.py", "call_x#2": "b.py"} == {key: value for key, value in results.items() if key}


def test_what_lies_beside_the_messages_is_kept_raw(fixtures: Path) -> None:
    """Each member, and each item of an array, is an attachment that keeps its bytes."""
    transcript = open_transcript(fixtures / "swe_agent.traj")
    attachments = [step for step in transcript.steps() if step.outcome is Outcome.ATTACHMENT]
    kinds = [
        "swe-agent/environment",
        "swe-agent/trajectory",
        "swe-agent/trajectory",
        "swe-agent/info",
        "swe-agent/replay_config",
    ]
    assert kinds == event_kinds(attachments)
    assert b'"execution_time": 0.25' in events(attachments)[1].custom.data
    assert "line 4, trajectory[0]" == attachments[1].location
    assert 6 == transcript.summary.entries
    assert 5 == transcript.summary.attachments
    assert transcript.summary.adds_up


def test_times_tokens_and_models_of_mini_swe_agent_are_kept(fixtures: Path) -> None:
    """Float seconds keep the digits that are written."""
    steps = list(open_transcript(fixtures / "mini_swe_agent.traj.json").steps())
    answer = messages(steps)[2]
    assert (1775891883, 64_217_800) == (answer.timestamp.seconds, answer.timestamp.nanos)
    complete = next(
        event.message_complete
        for event in events(steps)
        if event.HasField("message_complete") and event.message_complete.message.id == answer.id
    )
    assert "deepseek-chat" == complete.model
    assert (2036, 72) == (complete.usage.input_tokens, complete.usage.output_tokens)


def test_the_exit_role_is_a_custom_one_and_the_last_call_stays_open(fixtures: Path) -> None:
    """Submitting ends the run, so it never gets a result."""
    steps = list(open_transcript(fixtures / "mini_swe_agent.traj.json").steps())
    last = messages(steps)[-1].custom
    assert ("exit", b"diff --git a b") == (last.role, last.data)
    statuses = [update.status for update in updates(steps) if update.tool_call_id == "call_01"]
    assert [ToolCallStatus.TOOL_CALL_STATUS_EXECUTING] == statuses


def test_an_exception_fails_the_call(tmp_path: Path) -> None:
    """The content stays the result's, the exception becomes the call's error."""
    call = {"id": "c", "function": {"name": "bash", "arguments": "{}"}}
    path = _write(
        tmp_path / "run",
        messages=[
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "late", "extra": {"exception_info": "timeout"}},
        ],
        trajectory_format="mini-swe-agent-1.1",
    )
    steps = list(open_transcript(path).steps())
    assert ["timeout"] == [update.error for update in updates(steps) if update.HasField("error")]
    assert "late" == messages(steps)[1].tool.result.external.payload


def test_sessions_are_described_by_their_task(fixtures: Path) -> None:
    """The container, the task and the model, from wherever in the file they are."""
    swe = open_transcript(fixtures / "swe_agent.traj").create.config
    assert "example/task:1" == swe.workspace.container.image
    assert ("task-1", "gpt-4o") == (swe.metadata["source.instance_id"], swe.metadata["source.model"])
    mini = open_transcript(fixtures / "mini_swe_agent.traj.json").create.config
    assert ContainerRuntime.CONTAINER_RUNTIME_DOCKER == mini.workspace.container.runtime
    assert ("task-2", "/testbed") == (mini.metadata["source.instance_id"], mini.metadata["source.cwd"])


def test_the_options_of_a_run_may_be_a_text(fixtures: Path, tmp_path: Path) -> None:
    """As newer versions of SWE-agent write them; a text that is none says nothing of the task."""
    members = json.loads((fixtures / "swe_agent.traj").read_text())
    expected = open_transcript(fixtures / "swe_agent.traj").create
    for text, config in ((json.dumps(members["replay_config"]), expected.config), ("{", None)):
        path = _write(tmp_path / "run", **members | {"replay_config": text})
        found = open_transcript(path).create.config
        assert config is None or config == found
        assert (config is not None) == ("source.instance_id" in found.metadata)


def test_a_session_keeps_its_id_while_its_file_grows(tmp_path: Path) -> None:
    """The id is made of what comes before the first answer and of that; another answer is another run."""
    history = [{"role": "user", "content": "go"}, {"role": "assistant", "content": "yes"}]
    first = open_transcript(_write(tmp_path / "a", history=history)).session_id
    grown = open_transcript(_write(tmp_path / "b", info={}, history=[*history, {"role": "user", "content": "on"}]))
    other = open_transcript(_write(tmp_path / "c", history=[history[0], {"role": "assistant", "content": "no"}]))
    assert first == grown.session_id
    assert first != other.session_id


def test_runs_that_begin_alike_are_told_apart_by_their_first_step(tmp_path: Path) -> None:
    """SWE-agent's messages have no times; that the steps are more does not matter, nor that one says nothing."""
    history = [{"role": "user", "content": "go"}, {"role": "assistant", "content": "yes"}]
    steps: list[list[Any]] = [[{"execution_time": 0.25}], [{"execution_time": 0.25}, {}], [{"execution_time": 0.5}]]
    steps += [[], [{}], ["x"], [{"execution_time": None}]]
    ids = [open_transcript(_write(tmp_path / "run", trajectory=each, history=history)).session_id for each in steps]
    assert ids[0] == ids[1]
    assert 3 == len(set(ids))


@pytest.mark.parametrize("end", [0, 1, -60, -45])
def test_no_session_is_made_of_a_part_of_what_it_is_told_by(tmp_path: Path, end: int) -> None:
    """The agent writes the file again at each step; who looks meanwhile would find the session of another run."""
    history = [{"role": "user", "content": "go"}, {"role": "assistant", "content": "yes"}]
    path = _write(tmp_path / "run", trajectory=[{"execution_time": 0.25}], history=history)
    whole = path.read_text()
    path.write_text(whole[:end])
    with pytest.raises(TornFileError, match="ends before the first answer of the model"):
        SweAgentFormat().session_id(path)
    path.write_text(whole[:end] if end > 0 else whole[: whole.index("0.25")])
    with pytest.raises(TornFileError, match="ends before its messages"):
        list(SweAgentFormat().run_marks(path))


def test_a_file_that_is_written_is_told_and_makes_no_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among the files of a folder, too: it is a transcript, and not yet imported."""
    path = _write(tmp_path / "run", history=[{"role": "user", "content": "go"}], info={"exit_status": "x"})
    monkeypatch.setattr(json_members, "_CHUNK_BYTES", 32)
    path.write_text(path.read_text() + " " * 100)

    def overtaken(found: Path) -> Iterator[RawEntry]:
        for entry in json_members.read_members(found):
            yield entry
            os.utime(found, ns=(0, next(moments)))

    moments = count(1)
    monkeypatch.setattr(trajectories, "read_members", overtaken)
    (file,) = find_transcripts([tmp_path])
    assert (None, f"{path}: was written anew while it was read; import it again", False) == (
        file.transcript,
        file.error,
        file.was_read,
    )


def test_a_demonstration_is_labelled(fixtures: Path) -> None:
    """It is no part of what the model did in this run."""
    completes = [
        event.message_complete
        for event in events(open_transcript(fixtures / "swe_agent_marked.traj").steps())
        if event.HasField("message_complete")
    ]
    shown = [complete.metadata.get("demonstration") for complete in completes]
    assert [None, "true", "true", None, None] == shown


def test_parameters_that_are_no_strict_json_become_a_json_string(tmp_path: Path) -> None:
    """The text that the model wrote is kept, whatever it is."""
    texts = ['{"a": NaN}', "not json", '{"a": 1, "a": 2}', '{"a": 1.10}']
    calls = [{"id": f"c{n}", "function": {"name": "f", "arguments": text}} for n, text in enumerate(texts)]
    path = _write(tmp_path / "run", history=[{"role": "assistant", "content": "", "tool_calls": calls}])
    parts = messages(open_transcript(path).steps())[0].assistant.content
    assert [*map(json.dumps, texts[:3]), texts[3]] == [part.tool_call.parameters_json for part in parts]


def test_blocks_and_roles_without_a_place_keep_their_json(tmp_path: Path) -> None:
    """Pictures, calls without an id, and whatever other roles say."""
    picture = {"type": "image_url", "image_url": {"url": "data:,x"}}
    path = _write(
        tmp_path / "run",
        history=[
            {"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "system", "content": [picture]},
            {"role": "user", "content": [{"type": "text", "text": "look"}, picture]},
            {"role": "assistant", "content": [picture], "tool_calls": [{"function": {"name": "f"}}]},
            {"role": "tool", "content": "no id", "tool_call_ids": None},
            {"role": "assistant", "content": 5},
        ],
    )
    transcript = open_transcript(path)
    found = messages(transcript.steps())
    text = json.dumps(picture, separators=(",", ":")).encode()
    assert ["a", "b"] == [part.text for part in found[0].system.content]
    assert ("system", b"[" + text + b"]") == (found[1].custom.role, found[1].custom.data)
    assert ("image_url", text) == (found[2].user.content[1].custom.type, found[2].user.content[1].custom.data)
    assert ["image_url", "tool_call"] == [part.custom.type for part in found[3].assistant.content]
    assert ("tool", b"no id") == (found[4].custom.role, found[4].custom.data)
    summary = transcript.summary
    assert (6, 5, 1) == (summary.entries, summary.message_entries, summary.raw_entries)


def test_a_result_of_several_calls_is_a_message_for_each(tmp_path: Path) -> None:
    """Each call ends."""
    calls = [{"id": name, "function": {"name": "f", "arguments": {"n": 1}}} for name in ("c1", "c2")]
    path = _write(
        tmp_path / "run",
        history=[
            {"role": "assistant", "content": "", "tool_calls": calls},
            {"role": "tool", "content": "both", "tool_call_ids": ["c1", "c2"]},
        ],
    )
    steps = list(open_transcript(path).steps())
    assert ["c1", "c2"] == [message.tool.tool_use_id for message in messages(steps)[1:]]
    assert 2 == event_kinds(steps).count("tool_call_completed")


def test_results_that_repeat_have_ids_of_their_own(tmp_path: Path) -> None:
    """Each piece of the first, and the second as a whole."""
    result = {"role": "tool", "content": "all", "tool_call_ids": ["c1", "c2", "c3"]}
    steps = list(open_transcript(_write(tmp_path / "run", history=[result, result])).steps())
    assert [Outcome.MESSAGE] * 2 == [step.outcome for step in steps]
    assert 6 == len({message.id for message in messages(steps)})


def test_members_beside_the_messages_may_be_broken_or_large(tmp_path: Path) -> None:
    """A broken one is reported, a large one is kept in fragments."""
    path = tmp_path / "run"
    large = json.dumps("x" * 4_000_000)
    path.write_text(f'{{"history": [{{"role": "user", "content": "a"}}], "info": tru, "replay_config": {large}}}')
    transcript = open_transcript(path)
    (problem,) = problems(transcript.steps())
    assert "line 1, info" == problem.location
    steps = [step for step in transcript.steps() if step.outcome in (Outcome.ATTACHMENT, Outcome.CONTINUATION)]
    assert large.encode() == b"".join(event.custom.data for event in events(steps))
    summary = transcript.summary
    assert (1, 1, 1) == (summary.message_entries, summary.invalid, summary.attachments)


def test_tasks_that_begin_with_one_demonstration_are_sessions_of_their_own(tmp_path: Path) -> None:
    """Its answers come before the task, and are the same in every file."""
    shown = [{"role": "assistant", "content": f"step {number}", "is_demo": True} for number in range(30)]
    ids = [
        open_transcript(
            _write(
                tmp_path / name,
                history=[
                    {"role": "system", "content": "a shell"},
                    *shown,
                    {"role": "user", "content": task},
                    {"role": "assistant", "content": answer},
                ],
            )
        ).session_id
        for name, task, answer in [("a", "one", "yes"), ("b", "two", "yes"), ("c", "two", "no")]
    ]
    assert 3 == len(set(ids))


def _marked(text: str, *, cached: bool) -> list[dict[str, Any]]:
    mark = {"cache_control": {"type": "ephemeral"}} if cached else {}
    return [{"type": "text", "text": text} | mark]


async def test_messages_that_the_agent_marks_later_are_the_same(tmp_path: Path) -> None:
    """A file that is imported at each step holds each message once, and every version of what was marked."""
    call = {"id": "c", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
    answer = {"role": "assistant", "content": "I look.", "tool_calls": [call]}
    result = {"role": "tool", "tool_call_ids": ["c"]}
    versions = [
        [{"role": "user", "content": "go"}, answer, result | {"content": "a.py"}],
        [
            {"role": "user", "content": _marked("go", cached=True)},
            answer | {"tags": ["keep_output"]},
            result | {"content": _marked("a.py", cached=False), "cache_control": {"type": "ephemeral"}},
        ],
        [
            {"role": "user", "content": _marked("go", cached=False)},
            answer | {"tags": ["keep_output"]},
            result | {"content": _marked("a.py", cached=False)},
            {"role": "assistant", "content": "Done."},
        ],
    ]
    migrate(tmp_path / DATABASE_NAME)
    store = await SqliteStore.open(tmp_path, durability="normal")
    try:
        tallies = [
            await import_transcript(store, open_transcript(_write(tmp_path / "run", history=history)))
            for history in versions
        ]
        sessions = await store.list_sessions(ListSessionsRequest())
        (info,) = sessions.sessions
    finally:
        await store.close()
    assert [3, 0, 1] == [tally.new.messages for tally in tallies]
    assert [1, 0, 0] == [tally.new.tool_calls for tally in tallies]
    assert [3, 3, 3] == [tally.new.customs for tally in tallies]
    assert 4 == info.message_count


RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "model": "gpt-5-mini",
    "output": [
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        {"type": "function_call", "call_id": "c1", "name": "bash", "arguments": '{"command":"ls"}'},
        {"type": "new_kind", "x": 1},
    ],
    "usage": {"input_tokens": 10, "output_tokens": 5},
    "extra": {"timestamp": 1775891883.5},
}
OUTPUT = {
    "type": "function_call_output",
    "call_id": "c1",
    "output": "a.py",
    "extra": {"timestamp": 1775891884, "returncode": 0},
}


def _write_responses(path: Path, *more: dict[str, Any]) -> Path:
    head = [{"role": "system", "content": "a shell"}, {"role": "user", "content": "go"}]
    return _write(path, messages=[*head, *more], trajectory_format="mini-swe-agent-1.1")


def test_an_answer_may_be_a_response_of_the_responses_api(tmp_path: Path) -> None:
    """Its output is the message, with the call that the output of the function answers."""
    steps = list(open_transcript(_write_responses(tmp_path / "run", RESPONSE, OUTPUT)).steps())
    answer, result = messages(steps)[2:]
    kinds = ["thought", "text", "tool_call", "custom"]
    assert kinds == [part.WhichOneof("kind") for part in answer.assistant.content]
    assert ("hm", "I look.") == (answer.assistant.content[0].thought.simple.text, answer.assistant.content[1].text)
    assert ("c1", "a.py") == (result.tool.tool_use_id, result.tool.result.external.payload)
    assert (1775891883, 1775891884) == (answer.timestamp.seconds, result.timestamp.seconds)
    complete = next(event.message_complete for event in events(steps) if event.message_complete.model)
    assert ("gpt-5-mini", 10, 5) == (complete.model, complete.usage.input_tokens, complete.usage.output_tokens)
    statuses = [update.status for update in updates(steps) if update.tool_call_id == "c1"]
    assert ToolCallStatus.TOOL_CALL_STATUS_COMPLETED == statuses[-1]


def test_a_run_of_responses_keeps_its_session_while_it_grows(tmp_path: Path) -> None:
    """The first response is the first answer."""
    parts: list[dict[str, Any]] = [RESPONSE, OUTPUT, RESPONSE | {"id": "resp_2"}]
    ids = [
        open_transcript(_write_responses(tmp_path / "run", *parts[:length])).session_id
        for length in range(1, len(parts) + 1)
    ]
    other = open_transcript(_write_responses(tmp_path / "run", RESPONSE | {"id": "resp_3"})).session_id
    assert 1 == len(set(ids))
    assert other not in ids
