"""Messages, tool calls and events as lines for a person: every kind has one."""

import time
from collections.abc import Iterator

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.cli.conversation import event_line, message_lines, result_text, tool_call_line
from sessiond.cli.text import local_time, one_line, visible
from sessionstore.v1 import event_pb2 as ev
from sessionstore.v1 import message_pb2 as msg
from sessionstore.v1 import tool_pb2 as tool
from tests.builders import complete, custom, failed, part, result, said, tool_call, user_message

EVENT_KINDS = [field.name for field in ev.Event.DESCRIPTOR.oneofs_by_name["kind"].fields]
RESULT_KINDS = [field.name for field in tool.ToolResult.DESCRIPTOR.oneofs_by_name["kind"].fields]


def stored(event: ev.Event) -> ev.StoredEvent:
    return ev.StoredEvent(sequence=7, event=event)


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_every_kind_of_event_is_one_line_with_its_name(kind: str) -> None:
    """Also one that its writer left empty."""
    event = ev.Event()
    getattr(event, kind).SetInParent()
    line = event_line(stored(event))
    assert "\n" not in line
    assert line.lstrip().startswith("7  ")
    assert kind in line


@pytest.mark.parametrize(
    ("event", "gist"),
    [
        (part("some\ntext"), "some text"),
        (complete("a-model"), "assistant: hi"),
        (ev.Event(tool_call_started=ev.ToolCallStarted(tool_call=tool_call("c"))), 'grep {"pattern":"x"}'),
        (ev.Event(tool_call_completed=ev.ToolCallCompleted(tool_call_id="c", result=result("r"))), "c: r"),
        (failed("a-model"), "c: boom"),
        (custom("note", b"123"), "3 bytes of text/plain"),
        (ev.Event(error=ev.ErrorEvent(message="\x1b[31moops")), "\\x1b[31moops"),
        (
            ev.Event(
                operation_started=ev.OperationStarted(operation=ev.Operation(bash=ev.BashOperation(cmd="make test")))
            ),
            "make test",
        ),
    ],
)
def test_an_event_shows_its_gist(event: ev.Event, gist: str) -> None:
    """What a reader wants to know first, without control characters."""
    assert event_line(stored(event)).endswith(gist)


@pytest.mark.parametrize("kind", RESULT_KINDS)
def test_every_kind_of_result_has_a_text(kind: str) -> None:
    """Also one that its writer left empty."""
    empty = tool.ToolResult()
    getattr(empty, kind).SetInParent()
    assert isinstance(result_text(empty), str)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (tool.ToolResult(bash=tool.BashResult(stdout="out\n", exit_code=3)), "out\n(exit 3)"),
        (tool.ToolResult(edit=tool.EditResult(file_path="a.py", changes_made=2)), "a.py: 2 changes"),
        (tool.ToolResult(glob=tool.GlobResult(matches=["a", "b"])), "a\nb"),
        (
            tool.ToolResult(search=tool.SearchResult(matches=[tool.SearchMatch(file_path="a", line_number=3)])),
            "a:3: ",
        ),
        (tool.ToolResult(file_list=tool.FileListResult(entries=[tool.FileEntry(path="a")])), "a"),
        (
            tool.ToolResult(todo_write=tool.TodoWriteResult(todos=[tool.TodoItem(status="open", content="mend")])),
            "[open] mend",
        ),
        (tool.ToolResult(error=tool.ToolError(execution=tool.ExecutionError(message="no"))), "execution: no"),
        (tool.ToolResult(error=tool.ToolError(denied_by_user=tool.DeniedByUserError())), "denied by user"),
        (tool.ToolResult(), "(no result)"),
    ],
)
def test_a_result_is_shown_as_its_kind_asks(given: tool.ToolResult, text: str) -> None:
    """Output, changes, matches or the error."""
    assert text == result_text(given)


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        (user_message("m", "hello"), ["[3] user", "hello"]),
        (said("m", "hi"), ["[3] assistant", "hi"]),
        (msg.Message(system=msg.SystemMessage(content=[msg.SystemContent(text="be kind")])), ["[3] system", "be kind"]),
        (
            msg.Message(custom=msg.CustomMessage(role="developer", content_type="text/plain", data=b"do")),
            ["[3] developer", "do"],
        ),
        (
            msg.Message(custom=msg.CustomMessage(role="exit", content_type="image/png", data=b"123")),
            ["[3] exit", "(3 bytes of image/png)"],
        ),
        (
            msg.Message(tool=msg.ToolMessage(tool_use_id="c", result=result("found"))),
            ["[3] tool", "result of c: found"],
        ),
        (
            msg.Message(
                user=msg.UserMessage(
                    content=[
                        msg.UserContent(command_execution=msg.CommandExecution(command="ls", stdout="a\n")),
                        msg.UserContent(app_command=msg.AppCommand(clear=msg.ClearCommand())),
                        msg.UserContent(custom=msg.CustomContent(type="image", content_type="image/png", data=b"1")),
                        msg.UserContent(),
                    ]
                )
            ),
            [
                "[3] user",
                "$ ls\na\n(exit 0)",
                "/clear",
                "(image, 1 bytes of image/png)",
                "(of a kind that this program does not know)",
            ],
        ),
        (
            msg.Message(
                assistant=msg.AssistantMessage(
                    content=[
                        msg.AssistantContent(thought=msg.Thought(simple=msg.SimpleThought(text="hm"))),
                        msg.AssistantContent(thought=msg.Thought(redacted=msg.RedactedThought(data="x"))),
                        msg.AssistantContent(tool_call=tool_call("c")),
                    ]
                )
            ),
            ["[3] assistant", "thought: hm", "thought: (redacted)", '→ grep {"pattern":"x"}  (c)'],
        ),
    ],
)
def test_a_message_is_shown_with_all_its_parts(message: msg.Message, lines: list[str]) -> None:
    """Who speaks, and each part in order."""
    shown = message_lines(msg.StoredMessage(sequence=3, message=message), None)
    assert lines == [line for _, line in shown]


def test_a_long_text_is_cut_and_says_how_to_see_the_rest() -> None:
    """The number of characters that are left out is told."""
    shown = message_lines(msg.StoredMessage(message=user_message("m", "x" * 30)), 10)
    assert "xxxxxxxxxx… (20 more characters; --full shows them)" == list(shown)[1][1]


def test_a_tool_call_shows_where_it_stands() -> None:
    """Its status, how long it took, and its error."""
    state = tool.ToolCallState(tool_call=tool_call("c"), status=tool.TOOL_CALL_STATUS_FAILED, error="boom")
    state.started_at.FromMilliseconds(1000)
    state.completed_at.FromMilliseconds(2500)
    style, line = tool_call_line(state)
    assert ("red", '  failed in 1.5 s  grep {"pattern":"x"}  (c): boom') == (style, line)


def test_text_cannot_steer_the_terminal() -> None:
    """Control characters and marks of direction are spelled out; letters of any script are not."""
    assert "a\\x1b[0m\\u202eb\n\té漢" == visible("a\x1b[0m\u202eb\n\té漢")
    assert "one two…" == one_line("one\n  two three", 8)


@pytest.fixture
def east_of_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A reader whose clock is nine hours ahead."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("east_of_utc")
def test_a_time_at_the_end_of_the_calendar_is_shown_in_utc() -> None:
    """A writer may give a message any time; the reader's zone may have none for it."""
    given, last = Timestamp(), Timestamp()
    given.FromJsonString("2026-05-11T20:00:00Z")
    last.FromJsonString("9999-12-31T23:59:59Z")
    assert "2026-05-12 05:00:00" == local_time(given)
    assert "9999-12-31 23:59:59 UTC" == local_time(last)
