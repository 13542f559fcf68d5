"""Messages, tool calls and events as lines for a person; each line with the style that it is shown in."""

from collections.abc import Iterator

from sessiond.cli.text import local_time, one_line
from sessionstore.v1.event_pb2 import StoredEvent
from sessionstore.v1.message_pb2 import (
    AssistantContent,
    CustomContent,
    CustomMessage,
    Message,
    StoredMessage,
    UserContent,
)
from sessionstore.v1.tool_pb2 import ToolCallState, ToolCallStatus, ToolError, ToolResult

__all__ = ["event_line", "message_lines", "result_text", "tool_call_line"]

Line = tuple[str, str]

_STYLES = {"user": "bold green", "assistant": "bold cyan", "tool": "bold yellow"}
GIST = 100


def message_lines(stored: StoredMessage, limit: int | None) -> Iterator[Line]:
    """A message with its content, each text cut to `limit` characters."""
    message = stored.message
    role = message.WhichOneof("role") or "unknown"
    when = f"  {local_time(message.timestamp)}" if message.HasField("timestamp") else ""
    name = message.custom.role if role == "custom" else role
    yield _STYLES.get(role, "bold"), f"[{stored.sequence}] {name}{when}"
    for style, text in _parts(message):
        yield style, _cut(text, limit)


def _parts(message: Message) -> Iterator[Line]:
    match message.WhichOneof("role"):
        case "user":
            for user_part in message.user.content:
                yield "", _user_text(user_part)
        case "assistant":
            for part in message.assistant.content:
                yield _assistant_part(part)
        case "tool":
            yield "dim", f"result of {message.tool.tool_use_id}: {result_text(message.tool.result)}"
        case "system":
            for system_part in message.system.content:
                yield "", system_part.text
        case "custom":
            yield "", _custom_text(message.custom)


def _user_text(part: UserContent) -> str:
    match part.WhichOneof("kind"):
        case "text":
            return part.text
        case "command_execution":
            ran = part.command_execution
            return f"$ {ran.command}\n{ran.stdout}{ran.stderr}(exit {ran.exit_code})"
        case "app_command":
            return f"/{part.app_command.WhichOneof('command')}"
        case "custom":
            return _custom_part(part.custom)
    return "(of a kind that this program does not know)"


def _assistant_part(part: AssistantContent) -> Line:
    match part.WhichOneof("kind"):
        case "text":
            return "", part.text
        case "tool_call":
            return "yellow", f"→ {part.tool_call.name} {part.tool_call.parameters_json}  ({part.tool_call.id})"
        case "thought":
            thought = part.thought
            text = thought.simple.text or thought.signed.text or "(redacted)"
            return "dim italic", f"thought: {text}"
        case "custom":
            return "", _custom_part(part.custom)
    return "", "(of a kind that this program does not know)"


def _custom_part(custom: CustomContent) -> str:
    return f"({custom.type}, {len(custom.data)} bytes of {custom.content_type})"


def _custom_text(custom: CustomMessage) -> str:
    if custom.content_type.startswith("text/") or custom.content_type == "application/json":
        return custom.data.decode(errors="replace")
    return f"({len(custom.data)} bytes of {custom.content_type})"


def result_text(result: ToolResult) -> str:
    """The gist of a result, whole where it is text."""
    match result.WhichOneof("kind"):
        case "external":
            return result.external.payload
        case "bash":
            return f"{result.bash.stdout}{result.bash.stderr}(exit {result.bash.exit_code})"
        case "file_content":
            return result.file_content.content
        case "fetch":
            return result.fetch.content
        case "agent":
            return result.agent.content
        case "edit":
            return f"{result.edit.file_path}: {result.edit.changes_made} changes"
        case "glob":
            return "\n".join(result.glob.matches)
        case "search":
            found = (f"{match.file_path}:{match.line_number}: {match.line_content}" for match in result.search.matches)
            return "\n".join(found)
        case "file_list":
            return "\n".join(entry.path for entry in result.file_list.entries)
        case "todo_read":
            return "\n".join(f"[{todo.status}] {todo.content}" for todo in result.todo_read.todos)
        case "todo_write":
            return "\n".join(f"[{todo.status}] {todo.content}" for todo in result.todo_write.todos)
        case "error":
            return _error_text(result.error)
    return "(no result)"


def _error_text(error: ToolError) -> str:
    kind = error.WhichOneof("kind") or "error"
    detail = getattr(getattr(error, kind, None), "message", "")
    return f"{kind.replace('_', ' ')}: {detail}" if detail else kind.replace("_", " ")


def tool_call_line(state: ToolCallState) -> Line:
    """A tool call and where it stands."""
    status = state.status
    name = ToolCallStatus.Name(status) if status in ToolCallStatus.values() else str(status)
    short = name.removeprefix("TOOL_CALL_STATUS_").lower().replace("_", " ")
    style = {"completed": "green", "failed": "red", "denied": "red"}.get(short, "yellow")
    took = ""
    if state.HasField("started_at") and state.HasField("completed_at"):
        seconds = (state.completed_at.ToMilliseconds() - state.started_at.ToMilliseconds()) / 1000
        took = f" in {seconds:.1f} s"
    error = f": {one_line(state.error, GIST)}" if state.HasField("error") else ""
    call = state.tool_call
    return style, f"  {short}{took}  {call.name} {one_line(call.parameters_json, GIST)}  ({call.id}){error}"


def event_line(stored: StoredEvent) -> str:
    """An event on one line: its sequence, its time, its type and its gist."""
    event = stored.event
    when = event.timestamp if event.HasField("timestamp") else stored.stored_at
    kind = event.WhichOneof("kind") or "unknown"
    shown = f"custom:{event.custom.type}" if kind == "custom" else kind
    return f"{stored.sequence:>6}  {local_time(when)}  {one_line(shown, 40):<22}  {one_line(_gist(stored), GIST)}"


def _gist(stored: StoredEvent) -> str:
    event = stored.event
    match event.WhichOneof("kind"):
        case "message_part":
            return event.message_part.content
        case "message_complete":
            message = event.message_complete.message
            role = message.WhichOneof("role") or "message"
            return f"{role}: " + " ".join(text for _, text in _parts(message))
        case "tool_call_started":
            call = event.tool_call_started.tool_call
            return f"{call.name} {call.parameters_json}"
        case "tool_call_completed":
            completed = event.tool_call_completed
            return f"{completed.tool_call_id}: {result_text(completed.result)}"
        case "tool_call_failed":
            return f"{event.tool_call_failed.tool_call_id}: {event.tool_call_failed.error}"
        case "tool_approval_required":
            return f"{event.tool_approval_required.tool_call.name}"
        case "operation_started":
            return event.operation_started.operation.bash.cmd or "compact"
        case "operation_cancelled":
            return event.operation_cancelled.reason
        case "error":
            return event.error.message
        case "custom":
            return f"{len(event.custom.data)} bytes of {event.custom.content_type}"
    return ""


def _cut(text: str, limit: int | None) -> str:
    if limit is None or len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit} more characters; --full shows them)"
