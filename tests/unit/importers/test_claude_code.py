"""How Claude Code's lines become messages, tool calls and events."""

from pathlib import Path
from typing import Any

import pytest

from sessiond.contract.limits import MAX_MODEL_BYTES, Limits
from sessiond.contract.requests import check_commit
from sessiond.importers import Outcome, open_transcript
from sessionstore.v1.tool_pb2 import ToolCallStatus
from tests.unit.importers.conftest import OpenLines
from tests.unit.importers.entries import (
    SESSION,
    claude,
    claude_assistant,
    claude_user,
    event_kinds,
    events,
    messages,
    mutations,
    tool_result,
    tool_use,
    updates,
)


def test_a_line_is_a_message_with_its_id_parent_time_and_role(fixtures: Path) -> None:
    """Ids and parents are those of the lines, times keep their digits, and system lines with text are messages."""
    found = messages(open_transcript(fixtures / "claude_code.jsonl").steps())
    assert ["u1", "u2", "u3", "u4", "u6"] == [message.id for message in found]
    assert ["", "u1", "u2", "u3", "u5"] == [message.parent_message_id for message in found]
    assert ["user", "assistant", "assistant", "tool", "system"] == [message.WhichOneof("role") for message in found]
    assert (1768418403, 207_000_000) == (found[0].timestamp.seconds, found[0].timestamp.nanos)


def test_texts_thoughts_and_calls_keep_their_bytes(fixtures: Path) -> None:
    """Each block finds its place in the model, unchanged."""
    found = messages(open_transcript(fixtures / "claude_code.jsonl").steps())
    assert "Count the sheep, please. ☁" == found[0].user.content[0].text
    thought = found[1].assistant.content[0].thought.signed
    assert ("They are behind the fence.", "c2ln") == (thought.text, thought.signature)
    call = found[2].assistant.content[1].tool_call
    assert ("toolu_1", "Bash", '{"command":"ls fence"}') == (call.id, call.name, call.parameters_json)
    result = found[3].tool.result.external
    assert ("toolu_1", "Bash", "dolly\nshaun") == (found[3].tool.tool_use_id, result.tool_name, result.payload)


def test_events_tell_the_story_in_order(fixtures: Path) -> None:
    """Each message is announced once, a result by the end of its call, and what is no message is kept raw."""
    transcript = open_transcript(fixtures / "claude_code.jsonl")
    expected = [
        "claude-code/summary",
        "message_complete",
        "message_complete",
        "message_complete",
        "tool_call_started",
        "tool_call_completed",
        "claude-code/progress",
        "message_complete",
    ]
    assert expected == event_kinds(transcript.steps())


def test_model_usage_and_labels_are_on_the_events(open_lines: OpenLines) -> None:
    """The model is on the events of messages and calls, the tokens and the API's message id on the message's."""
    steps = list(
        open_lines(
            claude_assistant("u1", tool_use("t1"), requestId="req_1"), claude_user("u2", [tool_result("t1", "ok")])
        ).steps()
    )
    complete, started, _entry, ended, *_ = events(steps)
    assert "claude-sonnet-4-5" == complete.message_complete.model == started.tool_call_started.model
    assert "claude-sonnet-4-5" == ended.tool_call_completed.model
    usage = complete.message_complete.usage
    assert (10, 8) == (usage.input_tokens, usage.output_tokens)
    assert {"message.id": "msg_1", "request_id": "req_1"} == dict(complete.message_complete.metadata)
    assert {"message_id": "u2"} == dict(ended.tool_call_completed.metadata)


def test_a_model_that_the_store_does_not_take_is_only_in_what_is_kept_of_the_entry(open_lines: OpenLines) -> None:
    """The messages and calls of such an entry are stored all the same."""
    for name, taken in (("m" * MAX_MODEL_BYTES, "m" * MAX_MODEL_BYTES), ("é" * (MAX_MODEL_BYTES // 2 + 1), "")):
        entry = claude_assistant("u1", tool_use("t1"))
        entry["message"]["model"] = name
        steps = list(open_lines(entry).steps())
        for step in steps:
            if step.commit is not None:
                check_commit(step.commit, Limits())
        complete, started, kept, *_ = events(steps)
        assert taken == complete.message_complete.model == started.tool_call_started.model
        assert name in kept.custom.data.decode()


def test_a_call_executes_until_its_result_ends_it(open_lines: OpenLines) -> None:
    """The updates carry the times of the two lines."""
    later = "2026-01-14T19:20:04.5Z"
    transcript = open_lines(
        claude_assistant("u1", tool_use("t1")), claude_user("u2", [tool_result("t1", "ok")], timestamp=later)
    )
    began, ended = updates(transcript.steps())
    assert (ToolCallStatus.TOOL_CALL_STATUS_EXECUTING, 1768418403) == (began.status, began.changed_at.seconds)
    assert (ToolCallStatus.TOOL_CALL_STATUS_COMPLETED, 500_000_000) == (ended.status, ended.changed_at.nanos)
    assert "ok" == ended.result.external.payload


def test_a_result_that_is_an_error_fails_its_call(open_lines: OpenLines) -> None:
    """The text of the error is in the message, in the call and in the event."""
    transcript = open_lines(
        claude_assistant("u1", tool_use("t1", "Write")),
        claude_user("u2", [tool_result("t1", "File has not been read yet.", is_error=True)]),
    )
    steps = list(transcript.steps())
    error = messages(steps)[1].tool.result.error.execution
    assert ("Write", "File has not been read yet.") == (error.tool_name, error.message)
    failed = updates(steps)[1]
    assert ToolCallStatus.TOOL_CALL_STATUS_FAILED == failed.status
    assert "File has not been read yet." == failed.error
    assert ["message_complete", "tool_call_started", "tool_call_failed"] == event_kinds(steps)
    assert 1 == transcript.summary.adds.tool_errors


def test_a_call_without_result_stays_executing(open_lines: OpenLines) -> None:
    """A reader sees the orphan."""
    statuses = [update.status for update in updates(open_lines(claude_assistant("u1", tool_use("t1"))).steps())]
    assert [ToolCallStatus.TOOL_CALL_STATUS_EXECUTING] == statuses


def test_several_results_and_texts_of_a_line_lose_nothing(open_lines: OpenLines) -> None:
    """Each result is a message, the texts between them too; the last has the line's id, which later lines name."""
    transcript = open_lines(
        claude_assistant("u1", tool_use("t1"), tool_use("t2")),
        claude_user(
            "u2",
            [
                tool_result("t2", "second"),
                {"type": "text", "text": "between"},
                tool_result("t1", [{"type": "text", "text": "first"}]),
                {"type": "text", "text": "after"},
                {"type": "image", "source": {"type": "base64", "data": "aGk="}},
            ],
            "u1",
        ),
    )
    found = messages(transcript.steps())[1:]
    assert ["u2#1", "u2#2", "u2#3", "u2"] == [message.id for message in found]
    assert ["u1", "u2#1", "u2#2", "u2#3"] == [message.parent_message_id for message in found]
    assert ("t2", "second") == (found[0].tool.tool_use_id, found[0].tool.result.external.payload)
    assert "between" == found[1].user.content[0].text
    assert ("t1", "first") == (found[2].tool.tool_use_id, found[2].tool.result.external.payload)
    image = found[3].user.content[1].custom
    assert ("image", "application/json") == (image.type, image.content_type)
    assert b'{"type":"image","source":{"type":"base64","data":"aGk="}}' == image.data


def test_a_result_of_several_blocks_keeps_them(open_lines: OpenLines) -> None:
    """Texts are joined by line feeds; with anything else among them the list is JSON."""
    picture = {"type": "image", "source": {"data": "aGk="}}
    transcript = open_lines(
        claude_assistant("u1", tool_use("t1"), tool_use("t2"), tool_use("t3")),
        claude_user("u2", [tool_result("t1", [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])]),
        claude_user("u3", [tool_result("t2", [picture])]),
        claude_user("u4", [tool_result("t3", None)]),
    )
    payloads = [message.tool.result.external.payload for message in messages(transcript.steps())[1:]]
    assert ["a\nb", '[{"type":"image","source":{"data":"aGk="}}]', ""] == payloads


def test_a_result_without_call_is_a_message_only(open_lines: OpenLines) -> None:
    """Nothing else can be said of it, and no call is touched."""
    steps = list(open_lines(claude_user("u1", [tool_result("lost", "found")])).steps())
    assert "found" == messages(steps)[0].tool.result.external.payload
    assert [] == updates(steps)
    assert ["message_complete"] == event_kinds(steps)


def test_blocks_without_a_place_keep_their_json(open_lines: OpenLines) -> None:
    """Unknown blocks, thoughts of other kinds and calls that the store would refuse all stay in the message."""
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "redacted_thinking", "data": "RUVF"},
        {"type": "hologram", "depth": 3},
        {"type": "tool_use", "id": "t1", "name": "", "input": {}},
    ]
    parts = messages(open_lines(claude_assistant("u1", *blocks)).steps())[0].assistant.content
    assert "hm" == parts[0].thought.simple.text
    assert "RUVF" == parts[1].thought.redacted.data
    assert ("hologram", b'{"type":"hologram","depth":3}') == (parts[2].custom.type, parts[2].custom.data)
    assert "tool_use" == parts[3].custom.type


def test_what_a_person_writes_meanwhile_is_a_user_message(open_lines: OpenLines) -> None:
    """It is in no line of the user's; what the program attaches by itself is kept raw."""

    def queued(uuid: str, parent: str, **attachment: Any) -> dict[str, Any]:
        return claude("attachment", uuid, parent, attachment={"type": "queued_command"} | attachment)

    picture = {"type": "image", "source": {}}
    steps = list(
        open_lines(
            claude_user("u1", "go"),
            queued("u2", "u1", commandMode="prompt", prompt="and the tests"),
            queued("u3", "u2", prompt=[{"type": "text", "text": "look"}, picture]),
            queued("u4", "u3", commandMode="task-notification", prompt="<task-notification/>"),
            claude("attachment", "u5", "u4", attachment={"type": "skill_listing", "prompt": "x"}),
        ).steps()
    )
    first, second = messages(steps)[1:]
    assert ("u2", "u1", "and the tests") == (first.id, first.parent_message_id, first.user.content[0].text)
    assert ("look", "image") == (second.user.content[0].text, second.user.content[1].custom.type)
    assert [Outcome.MESSAGE] * 3 + [Outcome.KEPT_RAW] * 2 == [step.outcome for step in steps]


def test_lines_that_are_no_messages_keep_their_bytes(open_lines: OpenLines) -> None:
    """Spaces and the order of keys included; the type says what the line was."""
    line = (
        b'{ "type":"system", "subtype":"turn_duration",  "uuid":"u2","sessionId":"%s", "ms":1.50 }' % SESSION.encode()
    )
    transcript = open_lines(claude_user("u1", "hi"), line, {"type": "brand-new", "sessionId": SESSION})
    steps = list(transcript.steps())
    customs = [event.custom for event in events(steps[1:])]
    assert ["claude-code/system/turn_duration", "claude-code/brand-new"] == [custom.type for custom in customs]
    assert line == customs[0].data
    assert [Outcome.MESSAGE, Outcome.KEPT_RAW, Outcome.KEPT_RAW] == [step.outcome for step in steps]


def test_a_repeated_line_is_skipped_and_a_changed_one_is_kept_raw(open_lines: OpenLines) -> None:
    """An id stands for one content: nothing is stored twice, and nothing is lost."""
    transcript = open_lines(claude_user("u1", "hi"), claude_user("u1", "hi"), claude_user("u1", "other"))
    steps = list(transcript.steps())
    assert [Outcome.MESSAGE, Outcome.SKIPPED, Outcome.KEPT_RAW] == [step.outcome for step in steps]
    identifiers = [item.append_event.event_id for item in mutations(steps) if item.HasField("append_event")]
    assert len(identifiers) == len(set(identifiers))
    assert transcript.summary.adds_up


def test_a_subagents_file_is_a_session_that_names_its_parent(open_lines: OpenLines) -> None:
    """Inline side chains are part of their session; a file that begins with an agent's is one of its own."""
    own = open_lines(claude("user", "u1", None, isSidechain=True, agentId="a48", message={"content": "go"}))
    assert f"{SESSION}.agent-a48" == own.session_id
    assert SESSION == own.create.config.metadata["parent_session_id"]
    inline = open_lines(claude_user("u1", "go"), claude_user("u2", "aside", isSidechain=True, agentId="a48"))
    assert SESSION == inline.session_id
    assert "parent_session_id" not in inline.create.config.metadata


def test_a_session_that_continues_another_is_its_own(open_lines: OpenLines) -> None:
    """Its file begins with the other's entries, as those of all who continue that do, and is named after itself."""
    inherited = [claude_user("u1", "go"), claude_assistant("u2", {"type": "text", "text": "yes"}, parent="u1")]
    for own in ("57f6f27a-f714-44de-a160-29f6de7bfd73", "68b66e66-63a7-4385-a6ea-13158d97e1cb"):
        lines = [*inherited, claude_user(f"u3-{own}", "on", "u2", sessionId=own)]
        transcript = open_lines(*lines, name=f"{own}.jsonl")
        assert own == transcript.session_id
        metadata = transcript.create.config.metadata
        assert (own, SESSION) == (metadata["source.session_id"], metadata["parent_session_id"])
        assert ["u1", "u2", f"u3-{own}"] == [message.id for message in messages(transcript.steps())]
        assert SESSION == open_lines(*lines, name="copy.jsonl").session_id


def test_a_session_keeps_its_id_when_its_first_message_comes(open_lines: OpenLines) -> None:
    """What stands before that names no session; the file does, where Claude Code has named it."""
    snapshot = {"type": "file-history-snapshot", "messageId": "m", "snapshot": {}}
    for name, is_named in ((SESSION, True), ("copy", False)):
        first = open_lines(snapshot, name=f"{name}.jsonl").session_id
        grown = open_lines(snapshot, claude_user("u1", "go"), name=f"{name}.jsonl").session_id
        assert SESSION == grown
        assert is_named == (first == grown)


@pytest.mark.parametrize("name", ["x", "\udcff", "a" * 101])
def test_a_name_is_no_session_unless_an_entry_says_so(open_lines: OpenLines, name: str) -> None:
    """Nor when the input of a tool says it, nor when it cannot be an id."""
    called = claude_assistant("u1", tool_use("t1", sessionId=name.encode(errors="replace").decode()))
    more = [claude_user("u2", "on", "u1", sessionId=name)] if len(name) > 100 else []
    assert SESSION == open_lines(called, *more, name=f"{name}.jsonl").session_id


def test_the_session_is_described_by_its_first_entry(fixtures: Path) -> None:
    """Workspace and metadata do not depend on what follows."""
    create = open_transcript(fixtures / "claude_code.jsonl").create
    assert SESSION == create.session_id
    assert "/home/ada/engine" == create.config.workspace.local.path
    expected = {
        "source.format": "claude-code",
        "source.session_id": SESSION,
        "source.started_at": "2026-01-14T19:20:03.207Z",
        "source.agent_version": "2.1.7",
        "source.git_branch": "main",
    }
    assert expected == dict(create.config.metadata)
