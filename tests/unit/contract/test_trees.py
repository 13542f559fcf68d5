"""Whole messages: oneofs, required messages and rules anywhere below, and what newer clients write."""

import pytest
from google.protobuf.message import Message as AnyMessage
from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.contract.trees import check_tree
from sessiond.store.errors import InvalidFieldError
from sessionstore.v1.event_pb2 import (
    CustomEvent,
    Event,
    MessageComplete,
    MessagePart,
    Operation,
    OperationCompleted,
    OperationOutcome,
    OperationStarted,
    SessionCreated,
    SessionCreatedMetadata,
    SessionResumed,
    ToolApprovalRequired,
    ToolCallCompleted,
    ToolCallStarted,
    WorkspaceChanged,
)
from sessionstore.v1.message_pb2 import (
    AppCommand,
    AppCommandResponse,
    AssistantContent,
    AssistantMessage,
    ClearCommand,
    CompactResult,
    CustomContent,
    CustomMessage,
    Message,
    SystemContent,
    SystemMessage,
    Thought,
    ToolMessage,
    UserContent,
    UserMessage,
)
from sessionstore.v1.session_pb2 import ContainerWorkspace, RemoteAuth, RemoteWorkspace, SessionConfig, Workspace
from sessionstore.v1.tool_pb2 import (
    ApprovalPolicy,
    LocalToolBackend,
    McpToolBackend,
    McpTransport,
    TcpTransport,
    ToolBackend,
    ToolCall,
    ToolConfig,
    ToolError,
    ToolFilter,
    ToolResult,
    ToolSettings,
    ToolVisibility,
)
from tests.builders import custom, part, result, tool_call, user_message

UNKNOWN_FIELD = b"\xa2\x06\x05newer"  # field 100, length-delimited: what a newer client might write
LATE = Timestamp(seconds=2**60)


def field_of(message: AnyMessage) -> str:
    """The field that is named when the message is refused."""
    with pytest.raises(InvalidFieldError) as caught:
        check_tree(message)
    return caught.value.field


def user(*content: UserContent) -> Message:
    return Message(id="m", user=UserMessage(content=content))


def assistant(*content: AssistantContent) -> Message:
    return Message(id="m", assistant=AssistantMessage(content=content))


def configured(**fields: object) -> SessionConfig:
    return SessionConfig(tool_config=ToolConfig(**fields))  # type: ignore[arg-type]


def reached(transport: McpTransport) -> SessionConfig:
    return configured(backends=[ToolBackend(mcp=McpToolBackend(transport=transport))])


def command(app_command: AppCommand) -> Message:
    return user(UserContent(app_command=app_command))


UNSET: list[tuple[AnyMessage, str]] = [
    (Message(id="m"), "role"),
    (user(UserContent(text="a"), UserContent()), "user.content[1].kind"),
    (command(AppCommand()), "user.content[0].app_command.command"),
    (
        command(AppCommand(clear=ClearCommand(), response=AppCommandResponse())),
        "user.content[0].app_command.response.kind",
    ),
    (
        command(AppCommand(clear=ClearCommand(), response=AppCommandResponse(compact=CompactResult()))),
        "user.content[0].app_command.response.compact.outcome",
    ),
    (assistant(AssistantContent()), "assistant.content[0].kind"),
    (assistant(AssistantContent(thought=Thought())), "assistant.content[0].thought.kind"),
    (Message(id="m", system=SystemMessage(content=[SystemContent()])), "system.content[0].kind"),
    (Message(id="m", tool=ToolMessage(tool_use_id="c", result=ToolResult())), "tool.result.kind"),
    (
        Message(id="m", tool=ToolMessage(tool_use_id="c", result=ToolResult(error=ToolError()))),
        "tool.result.error.kind",
    ),
    (Event(), "kind"),
    (Event(message_complete=MessageComplete(message=Message(id="m"))), "message_complete.message.role"),
    (Event(tool_call_completed=ToolCallCompleted(result=ToolResult())), "tool_call_completed.result.kind"),
    (Event(operation_started=OperationStarted(operation=Operation())), "operation_started.operation.kind"),
    (
        Event(operation_completed=OperationCompleted(outcome=OperationOutcome())),
        "operation_completed.outcome.kind",
    ),
    (SessionConfig(workspace=Workspace()), "workspace.kind"),
    (SessionConfig(workspace=Workspace(remote=RemoteWorkspace(auth=RemoteAuth()))), "workspace.remote.auth.kind"),
    (configured(backends=[ToolBackend()]), "tool_config.backends[0].kind"),
    (
        configured(backends=[ToolBackend(local=LocalToolBackend(tool_filter=ToolFilter()))]),
        "tool_config.backends[0].local.tool_filter.kind",
    ),
    (reached(McpTransport()), "tool_config.backends[0].mcp.transport.kind"),
    (configured(visibility=ToolVisibility()), "tool_config.visibility.kind"),
    (configured(approval_policy=ApprovalPolicy()), "tool_config.approval_policy.kind"),
    (configured(tools={"bash": ToolSettings()}), "tool_config.tools['bash'].kind"),
]


@pytest.mark.parametrize(("message", "field"), UNSET, ids=[field for _, field in UNSET])
def test_a_oneof_that_is_not_set_is_named(message: AnyMessage, field: str) -> None:
    """At any depth, in lists by index and in maps by key."""
    assert field == field_of(message)


BROKEN: list[tuple[AnyMessage, str]] = [
    (user_message(""), "id"),
    (Message(id="m", parent_message_id="", user=UserMessage()), "parent_message_id"),
    (Message(id="m", timestamp=LATE, user=UserMessage()), "timestamp"),
    (Message(id="m", tool=ToolMessage(result=result("x"))), "tool.tool_use_id"),
    (Message(id="m", tool=ToolMessage(tool_use_id="c")), "tool.result"),
    (Message(id="m", custom=CustomMessage()), "custom.role"),
    (user(UserContent(custom=CustomContent())), "user.content[0].custom.type"),
    (assistant(AssistantContent(tool_call=ToolCall(id="c"))), "assistant.content[0].tool_call.name"),
    (
        assistant(
            AssistantContent(text="a"), AssistantContent(tool_call=ToolCall(id="c", name="n", parameters_json="{"))
        ),
        "assistant.content[1].tool_call.parameters_json",
    ),
    (Event(timestamp=LATE, workspace_changed=WorkspaceChanged()), "timestamp"),
    (Event(custom=CustomEvent()), "custom.type"),
    (custom("a\nb"), "custom.type"),
    (
        Event(tool_call_started=ToolCallStarted(tool_call=ToolCall(id="c", name="n", parameters_json="NaN"))),
        "tool_call_started.tool_call.parameters_json",
    ),
    (
        Event(tool_approval_required=ToolApprovalRequired(tool_call=ToolCall(name="n"))),
        "tool_approval_required.tool_call.id",
    ),
    (
        Event(session_created=SessionCreated(metadata=SessionCreatedMetadata(created_at=LATE))),
        "session_created.metadata.created_at",
    ),
    (reached(McpTransport(tcp=TcpTransport(host="h"))), "tool_config.backends[0].mcp.transport.tcp.port"),
]


@pytest.mark.parametrize(("message", "field"), BROKEN, ids=[field for _, field in BROKEN])
def test_a_value_that_breaks_its_rule_is_named(message: AnyMessage, field: str) -> None:
    """Wherever the message that has the rule stands."""
    assert field == field_of(message)


@pytest.mark.parametrize(
    "message",
    [
        Message(id="m", parent_message_id="missing", user=UserMessage()),
        Message(id="m", system=SystemMessage()),
        Message(id="m", custom=CustomMessage(role="exit")),
        user(UserContent(text="")),
        Event(message_part=MessagePart()),
        Event(message_complete=MessageComplete()),
        Event(tool_call_started=ToolCallStarted()),
        Event(tool_call_completed=ToolCallCompleted()),
        Event(tool_approval_required=ToolApprovalRequired(tool_call=tool_call("c"))),
        Event(operation_started=OperationStarted()),
        Event(session_resumed=SessionResumed(event_offset=2**64 - 1)),
        SessionConfig(),
        SessionConfig(workspace=Workspace(container=ContainerWorkspace())),
        configured(metadata={"": ""}, tools={}),
    ],
    ids=lambda message: str(message).replace("\n", " ") or "empty",
)
def test_what_the_api_does_not_ask_for_may_be_missing(message: AnyMessage) -> None:
    """Events and configurations are the writer's notes; only what is there is checked."""
    check_tree(message)


@pytest.mark.parametrize(("message", "field"), UNSET, ids=[field for _, field in UNSET])
def test_a_kind_of_a_newer_client_is_no_fault(message: AnyMessage, field: str) -> None:
    """A oneof may be unset in a message with unknown fields: they may be the kind that is not known here."""
    copy = type(message).FromString(message.SerializeToString())
    holder: object = copy
    for step in field.split(".")[:-1]:
        name, bracket, key = step.rstrip("]").partition("[")
        holder = getattr(holder, name)
        if bracket:
            holder = holder[key.strip("'") if key.startswith("'") else int(key)]  # type: ignore[index]
    assert isinstance(holder, AnyMessage)
    holder.MergeFromString(UNKNOWN_FIELD)
    check_tree(copy)
    assert UNKNOWN_FIELD in copy.SerializeToString()


def test_unknown_fields_excuse_nothing_else() -> None:
    """Neither other messages around them nor the rules of the fields beside them."""
    message = user(UserContent())
    message.MergeFromString(UNKNOWN_FIELD)
    assert "user.content[0].kind" == field_of(message)
    bad = user_message("")
    bad.MergeFromString(UNKNOWN_FIELD)
    assert "id" == field_of(bad)


def test_checking_changes_nothing() -> None:
    """The message that is stored is the one that was sent."""
    for message in (part(), Event(tool_call_started=ToolCallStarted()), SessionConfig(), user_message("m")):
        before = message.SerializeToString(deterministic=True)
        check_tree(message)
        assert before == message.SerializeToString(deterministic=True)
        assert len(before) == message.ByteSize()
