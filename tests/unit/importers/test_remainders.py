"""A reader can rebuild every entry from its messages and from what was kept beside them."""

import json
from typing import Any

import pytest

from sessiond.importers import Transcript, rebuild_entry, remainder_message_ids
from tests.unit.importers.conftest import OpenLines
from tests.unit.importers.entries import claude_assistant, claude_user, events, messages, tool_result, tool_use

LONG = "The quick brown fox jumps over the lazy dog, again and again and again, until evening."


def _rebuilt(transcript: Transcript) -> list[str]:
    steps = list(transcript.steps())
    by_id = {message.id: message for message in messages(steps)}
    kept = [event.custom.data for event in events(steps) if event.custom.type.endswith("/entry")]
    return [rebuild_entry(data, [by_id[name] for name in remainder_message_ids(data)]) for data in kept]


@pytest.mark.parametrize(
    "entry",
    [
        claude_user("u", LONG, extra=[LONG, LONG[5:75], {"$text": 1}, {"$object": {"$number": "x"}}]),
        claude_user("u", [{"type": "image", "data": LONG}, {"type": "text", "text": LONG + '"\\\n\t\x07'}]),
        claude_assistant("u", {"type": "text", "text": LONG}, tool_use("t", content=LONG, lines=[1, 2, {"a": LONG}])),
        claude_user("u", [tool_result("t", LONG), tool_result("v", [{"type": "text", "text": LONG}, {"type": "x"}])]),
        claude_user("u", "short", toolUseResult={"stdout": LONG, "ü": [None, True, 0.1, 10**30, ""]}),
    ],
)
def test_an_entry_is_rebuilt_to_the_byte(open_lines: OpenLines, entry: dict[str, Any]) -> None:
    """Long texts are stored once, and come back where they were."""
    assert [json.dumps(entry, ensure_ascii=False, separators=(",", ":"))] == _rebuilt(open_lines(entry))


def test_a_text_that_a_message_holds_is_not_stored_again(open_lines: OpenLines) -> None:
    """Neither the text itself nor a part of it, nor the parameters of a call."""
    text = LONG * 100
    transcript = open_lines(
        claude_assistant("u1", tool_use("t", content=text)),
        claude_user("u2", [tool_result("t", f"<out>{text}</out>")], toolUseResult={"stdout": text}),
    )
    kept = [event.custom.data for event in events(transcript.steps()) if event.custom.type.endswith("/entry")]
    assert [True, True] == [len(data) < 1000 for data in kept]


@pytest.mark.parametrize(
    "line",
    [
        '{"type":"user","uuid":"u","parentUuid":null,"sessionId":"s","message":{"content":"a"},"n":[1.10,-0,1E5]}',
        '{"type":"user","uuid":"u","parentUuid":null,"sessionId":"s","message":{"content":"a \\ud83d"}}',
        '{"type":"user","uuid":"u","parentUuid":null,"sessionId":"s","message":{"content":"a"},"n":NaN}',
        '{"type":"user","uuid":"u","parentUuid":null,"sessionId":"s","message":{"content":"a"},"n":1,"n":2}',
    ],
)
def test_an_entry_that_no_value_can_express_keeps_its_text(open_lines: OpenLines, line: str) -> None:
    """Digits, halves of surrogate pairs, NaN and repeated keys come back as they were written."""
    assert [line] == _rebuilt(open_lines(line))


def test_a_rebuilt_entry_needs_its_own_messages(open_lines: OpenLines) -> None:
    """Other messages would give other texts."""
    steps = list(open_lines(claude_user("u1", LONG), claude_user("u2", LONG)).steps())
    data = next(event.custom.data for event in events(steps) if event.HasField("custom"))
    with pytest.raises(ValueError, match="u1"):
        rebuild_entry(data, messages(steps)[1:])
