import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sessionstore.v1 import tool_pb2 as _tool_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Message(_message.Message):
    __slots__ = ("id", "parent_message_id", "timestamp", "user", "assistant", "tool", "system", "custom")
    ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    ASSISTANT_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_FIELD_NUMBER: _ClassVar[int]
    id: str
    parent_message_id: str
    timestamp: _timestamp_pb2.Timestamp
    user: UserMessage
    assistant: AssistantMessage
    tool: ToolMessage
    system: SystemMessage
    custom: CustomMessage
    def __init__(self, id: _Optional[str] = ..., parent_message_id: _Optional[str] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., user: _Optional[_Union[UserMessage, _Mapping]] = ..., assistant: _Optional[_Union[AssistantMessage, _Mapping]] = ..., tool: _Optional[_Union[ToolMessage, _Mapping]] = ..., system: _Optional[_Union[SystemMessage, _Mapping]] = ..., custom: _Optional[_Union[CustomMessage, _Mapping]] = ...) -> None: ...

class StoredMessage(_message.Message):
    __slots__ = ("sequence", "stored_at", "message")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STORED_AT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    stored_at: _timestamp_pb2.Timestamp
    message: Message
    def __init__(self, sequence: _Optional[int] = ..., stored_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., message: _Optional[_Union[Message, _Mapping]] = ...) -> None: ...

class UserMessage(_message.Message):
    __slots__ = ("content",)
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    content: _containers.RepeatedCompositeFieldContainer[UserContent]
    def __init__(self, content: _Optional[_Iterable[_Union[UserContent, _Mapping]]] = ...) -> None: ...

class UserContent(_message.Message):
    __slots__ = ("text", "command_execution", "app_command", "custom")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    COMMAND_EXECUTION_FIELD_NUMBER: _ClassVar[int]
    APP_COMMAND_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_FIELD_NUMBER: _ClassVar[int]
    text: str
    command_execution: CommandExecution
    app_command: AppCommand
    custom: CustomContent
    def __init__(self, text: _Optional[str] = ..., command_execution: _Optional[_Union[CommandExecution, _Mapping]] = ..., app_command: _Optional[_Union[AppCommand, _Mapping]] = ..., custom: _Optional[_Union[CustomContent, _Mapping]] = ...) -> None: ...

class CommandExecution(_message.Message):
    __slots__ = ("command", "stdout", "stderr", "exit_code")
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    STDOUT_FIELD_NUMBER: _ClassVar[int]
    STDERR_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    command: str
    stdout: str
    stderr: str
    exit_code: int
    def __init__(self, command: _Optional[str] = ..., stdout: _Optional[str] = ..., stderr: _Optional[str] = ..., exit_code: _Optional[int] = ...) -> None: ...

class AppCommand(_message.Message):
    __slots__ = ("model", "clear", "compact", "response")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CLEAR_FIELD_NUMBER: _ClassVar[int]
    COMPACT_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    model: ModelCommand
    clear: ClearCommand
    compact: CompactCommand
    response: AppCommandResponse
    def __init__(self, model: _Optional[_Union[ModelCommand, _Mapping]] = ..., clear: _Optional[_Union[ClearCommand, _Mapping]] = ..., compact: _Optional[_Union[CompactCommand, _Mapping]] = ..., response: _Optional[_Union[AppCommandResponse, _Mapping]] = ...) -> None: ...

class ModelCommand(_message.Message):
    __slots__ = ("target",)
    TARGET_FIELD_NUMBER: _ClassVar[int]
    target: str
    def __init__(self, target: _Optional[str] = ...) -> None: ...

class ClearCommand(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CompactCommand(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AppCommandResponse(_message.Message):
    __slots__ = ("text", "compact")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    COMPACT_FIELD_NUMBER: _ClassVar[int]
    text: str
    compact: CompactResult
    def __init__(self, text: _Optional[str] = ..., compact: _Optional[_Union[CompactResult, _Mapping]] = ...) -> None: ...

class CompactResult(_message.Message):
    __slots__ = ("success", "cancelled", "insufficient_messages")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    INSUFFICIENT_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    success: CompactSuccess
    cancelled: CompactCancelled
    insufficient_messages: CompactInsufficientMessages
    def __init__(self, success: _Optional[_Union[CompactSuccess, _Mapping]] = ..., cancelled: _Optional[_Union[CompactCancelled, _Mapping]] = ..., insufficient_messages: _Optional[_Union[CompactInsufficientMessages, _Mapping]] = ...) -> None: ...

class CompactSuccess(_message.Message):
    __slots__ = ("summary",)
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    summary: str
    def __init__(self, summary: _Optional[str] = ...) -> None: ...

class CompactCancelled(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CompactInsufficientMessages(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AssistantMessage(_message.Message):
    __slots__ = ("content",)
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    content: _containers.RepeatedCompositeFieldContainer[AssistantContent]
    def __init__(self, content: _Optional[_Iterable[_Union[AssistantContent, _Mapping]]] = ...) -> None: ...

class AssistantContent(_message.Message):
    __slots__ = ("text", "tool_call", "thought", "custom")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    THOUGHT_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_FIELD_NUMBER: _ClassVar[int]
    text: str
    tool_call: _tool_pb2.ToolCall
    thought: Thought
    custom: CustomContent
    def __init__(self, text: _Optional[str] = ..., tool_call: _Optional[_Union[_tool_pb2.ToolCall, _Mapping]] = ..., thought: _Optional[_Union[Thought, _Mapping]] = ..., custom: _Optional[_Union[CustomContent, _Mapping]] = ...) -> None: ...

class Thought(_message.Message):
    __slots__ = ("simple", "signed", "redacted")
    SIMPLE_FIELD_NUMBER: _ClassVar[int]
    SIGNED_FIELD_NUMBER: _ClassVar[int]
    REDACTED_FIELD_NUMBER: _ClassVar[int]
    simple: SimpleThought
    signed: SignedThought
    redacted: RedactedThought
    def __init__(self, simple: _Optional[_Union[SimpleThought, _Mapping]] = ..., signed: _Optional[_Union[SignedThought, _Mapping]] = ..., redacted: _Optional[_Union[RedactedThought, _Mapping]] = ...) -> None: ...

class SimpleThought(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class SignedThought(_message.Message):
    __slots__ = ("text", "signature")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    text: str
    signature: str
    def __init__(self, text: _Optional[str] = ..., signature: _Optional[str] = ...) -> None: ...

class RedactedThought(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: str
    def __init__(self, data: _Optional[str] = ...) -> None: ...

class ToolMessage(_message.Message):
    __slots__ = ("tool_use_id", "result")
    TOOL_USE_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    tool_use_id: str
    result: _tool_pb2.ToolResult
    def __init__(self, tool_use_id: _Optional[str] = ..., result: _Optional[_Union[_tool_pb2.ToolResult, _Mapping]] = ...) -> None: ...

class SystemMessage(_message.Message):
    __slots__ = ("content",)
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    content: _containers.RepeatedCompositeFieldContainer[SystemContent]
    def __init__(self, content: _Optional[_Iterable[_Union[SystemContent, _Mapping]]] = ...) -> None: ...

class SystemContent(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class CustomMessage(_message.Message):
    __slots__ = ("role", "content_type", "data")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    role: str
    content_type: str
    data: bytes
    def __init__(self, role: _Optional[str] = ..., content_type: _Optional[str] = ..., data: _Optional[bytes] = ...) -> None: ...

class CustomContent(_message.Message):
    __slots__ = ("type", "content_type", "data")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    type: str
    content_type: str
    data: bytes
    def __init__(self, type: _Optional[str] = ..., content_type: _Optional[str] = ..., data: _Optional[bytes] = ...) -> None: ...
