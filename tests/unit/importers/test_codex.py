"""How the lines of a Codex rollout become messages, tool calls and events."""

from pathlib import Path

from sessiond.importers import open_transcript
from sessionstore.v1.tool_pb2 import ToolCallStatus
from tests.unit.importers.conftest import OpenLines
from tests.unit.importers.entries import codex, event_kinds, events, messages, mutations, problems, updates


def test_messages_come_from_response_items_only(fixtures: Path) -> None:
    """What event_msg lines repeat is kept raw and is no second message."""
    transcript = open_transcript(fixtures / "codex.jsonl")
    roles = [message.WhichOneof("role") for message in messages(transcript.steps())]
    assert ["custom", "user", "assistant", "assistant", "tool", "assistant", "assistant", "assistant"] == roles
    kinds = event_kinds(transcript.steps())
    for kind in ("codex/session_meta", "codex/turn_context", "codex/event_msg/user_message"):
        assert 1 == kinds.count(kind)


def test_the_developers_role_is_a_custom_one(fixtures: Path) -> None:
    """Its texts are joined by line feeds."""
    developer = messages(open_transcript(fixtures / "codex.jsonl").steps())[0].custom
    assert ("developer", "text/plain; charset=utf-8") == (developer.role, developer.content_type)
    assert b"Ask before you write.\nUse metric units." == developer.data


def test_reasoning_is_a_message_of_thoughts(fixtures: Path) -> None:
    """The summary can be read, the encrypted content is kept as it is."""
    parts = messages(open_transcript(fixtures / "codex.jsonl").steps())[2].assistant.content
    assert "Look at the sensor." == parts[0].thought.simple.text
    assert "gAAAA" == parts[1].thought.redacted.data


def test_arguments_are_json_as_written_and_free_input_a_json_string(fixtures: Path) -> None:
    """Not a byte of either changes."""
    calls = [item.create_tool_call for item in mutations(open_transcript(fixtures / "codex.jsonl").steps())]
    written = {call.name: call.parameters_json for call in calls if call.id}
    assert '{"cmd": "sensors"}' == written["exec_command"]
    assert '"*** Begin Patch\\n"' == written["apply_patch"]
    assert '{"type":"search","query":"weather"}' == written["web_search"]


def test_outputs_end_their_calls_and_calls_without_output_stay_open(fixtures: Path) -> None:
    """A web search, which cannot get one, ends with its own line."""
    steps = list(open_transcript(fixtures / "codex.jsonl").steps())
    statuses: dict[str, list[int]] = {}
    for update in updates(steps):
        statuses.setdefault(update.tool_call_id.partition("-")[0], []).append(update.status)
    executing = ToolCallStatus.TOOL_CALL_STATUS_EXECUTING
    completed = ToolCallStatus.TOOL_CALL_STATUS_COMPLETED
    expected = {"call_1": [executing, completed], "web_search": [executing, completed], "call_2": [executing]}
    assert expected == statuses
    assert "21.50 °C" == messages(steps)[4].tool.result.external.payload


def test_the_model_is_that_of_the_newest_turn(open_lines: OpenLines) -> None:
    """A turn_context changes it for what follows."""
    transcript = open_lines(
        codex("turn_context", 1, model="gpt-5"),
        codex("response_item", 2, type="message", role="assistant", content=[{"type": "output_text", "text": "a"}]),
        codex("turn_context", 3, model="gpt-6"),
        codex("response_item", 4, type="message", role="assistant", content=[{"type": "output_text", "text": "b"}]),
    )
    complete = [event.message_complete for event in events(transcript.steps()) if event.HasField("message_complete")]
    assert ["gpt-5", "gpt-6"] == [event.model for event in complete]


def test_an_output_that_says_so_fails_its_call(open_lines: OpenLines) -> None:
    """Older rollouts write an object with the content and whether it is a success."""
    transcript = open_lines(
        codex("response_item", 1, type="function_call", name="shell", arguments="{}", call_id="c"),
        codex("response_item", 2, type="function_call_output", call_id="c", output={"content": "no", "success": False}),
    )
    assert ["no"] == [update.error for update in updates(transcript.steps()) if update.HasField("error")]


def test_identical_lines_are_different_entries(open_lines: OpenLines) -> None:
    """Without ids of their own they are told apart by their occurrence."""
    line = codex("event_msg", 1, type="token_count", info=None)
    transcript = open_lines(line, line, codex("event_msg", 2, type="token_count", info=None), line)
    identifiers = [item.append_event.event_id for item in mutations(transcript.steps())]
    assert 4 == len(set(identifiers))


def test_the_session_is_described_by_its_meta_line(fixtures: Path) -> None:
    """Its id, its folder, its instructions and where it came from."""
    create = open_transcript(fixtures / "codex.jsonl").create
    assert "019e1625-789d-76c0-80ab-3724b5ddb799" == create.session_id
    assert "/home/ada/engine" == create.config.workspace.local.path
    assert "You are terse." == create.config.system_prompt
    assert "0.125.0" == create.config.metadata["source.agent_version"]
    assert "2026-05-11T08:26:55.042Z" == create.config.metadata["source.started_at"]


def test_items_without_a_place_are_kept(open_lines: OpenLines) -> None:
    """Pictures inside their message, odd items raw."""
    transcript = open_lines(
        codex("response_item", 1, type="message", role="user", content=[{"type": "input_image", "image_url": "x"}]),
        codex("response_item", 2, type="message", role="system", content="Be kind."),
        codex("response_item", 3, type="message", role="assistant", content=None),
        codex("response_item", 4, type="reasoning", summary=[], content=None, encrypted_content=None),
        codex("response_item", 5, type="function_call", arguments="{}", call_id="c"),
        codex("response_item", 6, type="function_call_output", output="lost"),
        codex("response_item", 7, type="ghost_snapshot"),
        codex("compacted", 8, message="short"),
    )
    picture, system = messages(transcript.steps())
    assert b'{"type":"input_image","image_url":"x"}' == picture.user.content[0].custom.data
    assert "Be kind." == system.system.content[0].text
    summary = transcript.summary
    assert (8, 2, 6) == (summary.entries, summary.message_entries, summary.raw_entries)


def test_a_type_that_is_no_text_is_kept_raw(open_lines: OpenLines) -> None:
    """The type of an item or of a block may be any JSON; the rest of the file is imported all the same."""
    transcript = open_lines(
        codex("response_item", 1, type=["message"], role="user", content="lost?"),
        codex("response_item", 2, type={"a": 1}, call_id="c", output="x"),
        codex("response_item", 3, type="message", role="user", content=[{"type": ["text"], "text": "odd"}]),
        codex("response_item", 4, type="message", role="user", content="fine"),
    )
    assert [] == problems(transcript.steps())
    assert (2, 2) == (transcript.summary.raw_entries, transcript.summary.message_entries)
    odd, fine = messages(transcript.steps())
    assert b'{"type":["text"],"text":"odd"}' == odd.user.content[0].custom.data
    assert "fine" == fine.user.content[0].text
