import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sessionstore.v1 import message_pb2 as _message_pb2
from sessionstore.v1 import tool_pb2 as _tool_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_TYPE_UNSPECIFIED: _ClassVar[ErrorType]
    ERROR_TYPE_API: _ClassVar[ErrorType]
    ERROR_TYPE_TOOL: _ClassVar[ErrorType]
    ERROR_TYPE_SESSION: _ClassVar[ErrorType]
    ERROR_TYPE_STORAGE: _ClassVar[ErrorType]
    ERROR_TYPE_AUTH: _ClassVar[ErrorType]
    ERROR_TYPE_NETWORK: _ClassVar[ErrorType]
    ERROR_TYPE_INTERNAL: _ClassVar[ErrorType]
    ERROR_TYPE_VALIDATION: _ClassVar[ErrorType]
    ERROR_TYPE_RESOURCE_LIMIT: _ClassVar[ErrorType]
    ERROR_TYPE_TIMEOUT: _ClassVar[ErrorType]
ERROR_TYPE_UNSPECIFIED: ErrorType
ERROR_TYPE_API: ErrorType
ERROR_TYPE_TOOL: ErrorType
ERROR_TYPE_SESSION: ErrorType
ERROR_TYPE_STORAGE: ErrorType
ERROR_TYPE_AUTH: ErrorType
ERROR_TYPE_NETWORK: ErrorType
ERROR_TYPE_INTERNAL: ErrorType
ERROR_TYPE_VALIDATION: ErrorType
ERROR_TYPE_RESOURCE_LIMIT: ErrorType
ERROR_TYPE_TIMEOUT: ErrorType

class Event(_message.Message):
    __slots__ = ("timestamp", "message_part", "message_complete", "tool_call_started", "tool_call_completed", "tool_call_failed", "tool_approval_required", "session_created", "session_resumed", "session_saved", "operation_started", "operation_completed", "operation_cancelled", "error", "workspace_changed", "workspace_files", "custom")
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_PART_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_STARTED_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_FAILED_FIELD_NUMBER: _ClassVar[int]
    TOOL_APPROVAL_REQUIRED_FIELD_NUMBER: _ClassVar[int]
    SESSION_CREATED_FIELD_NUMBER: _ClassVar[int]
    SESSION_RESUMED_FIELD_NUMBER: _ClassVar[int]
    SESSION_SAVED_FIELD_NUMBER: _ClassVar[int]
    OPERATION_STARTED_FIELD_NUMBER: _ClassVar[int]
    OPERATION_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    OPERATION_CANCELLED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    WORKSPACE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    WORKSPACE_FILES_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_FIELD_NUMBER: _ClassVar[int]
    timestamp: _timestamp_pb2.Timestamp
    message_part: MessagePart
    message_complete: MessageComplete
    tool_call_started: ToolCallStarted
    tool_call_completed: ToolCallCompleted
    tool_call_failed: ToolCallFailed
    tool_approval_required: ToolApprovalRequired
    session_created: SessionCreated
    session_resumed: SessionResumed
    session_saved: SessionSaved
    operation_started: OperationStarted
    operation_completed: OperationCompleted
    operation_cancelled: OperationCancelled
    error: ErrorEvent
    workspace_changed: WorkspaceChanged
    workspace_files: WorkspaceFiles
    custom: CustomEvent
    def __init__(self, timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., message_part: _Optional[_Union[MessagePart, _Mapping]] = ..., message_complete: _Optional[_Union[MessageComplete, _Mapping]] = ..., tool_call_started: _Optional[_Union[ToolCallStarted, _Mapping]] = ..., tool_call_completed: _Optional[_Union[ToolCallCompleted, _Mapping]] = ..., tool_call_failed: _Optional[_Union[ToolCallFailed, _Mapping]] = ..., tool_approval_required: _Optional[_Union[ToolApprovalRequired, _Mapping]] = ..., session_created: _Optional[_Union[SessionCreated, _Mapping]] = ..., session_resumed: _Optional[_Union[SessionResumed, _Mapping]] = ..., session_saved: _Optional[_Union[SessionSaved, _Mapping]] = ..., operation_started: _Optional[_Union[OperationStarted, _Mapping]] = ..., operation_completed: _Optional[_Union[OperationCompleted, _Mapping]] = ..., operation_cancelled: _Optional[_Union[OperationCancelled, _Mapping]] = ..., error: _Optional[_Union[ErrorEvent, _Mapping]] = ..., workspace_changed: _Optional[_Union[WorkspaceChanged, _Mapping]] = ..., workspace_files: _Optional[_Union[WorkspaceFiles, _Mapping]] = ..., custom: _Optional[_Union[CustomEvent, _Mapping]] = ...) -> None: ...

class StoredEvent(_message.Message):
    __slots__ = ("sequence", "position", "event_id", "stored_at", "event")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    STORED_AT_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    position: int
    event_id: str
    stored_at: _timestamp_pb2.Timestamp
    event: Event
    def __init__(self, sequence: _Optional[int] = ..., position: _Optional[int] = ..., event_id: _Optional[str] = ..., stored_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., event: _Optional[_Union[Event, _Mapping]] = ...) -> None: ...

class MessagePart(_message.Message):
    __slots__ = ("content", "message_id")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    content: str
    message_id: str
    def __init__(self, content: _Optional[str] = ..., message_id: _Optional[str] = ...) -> None: ...

class MessageComplete(_message.Message):
    __slots__ = ("message", "usage", "metadata", "model")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    message: _message_pb2.Message
    usage: TokenUsage
    metadata: _containers.ScalarMap[str, str]
    model: str
    def __init__(self, message: _Optional[_Union[_message_pb2.Message, _Mapping]] = ..., usage: _Optional[_Union[TokenUsage, _Mapping]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., model: _Optional[str] = ...) -> None: ...

class TokenUsage(_message.Message):
    __slots__ = ("input_tokens", "output_tokens")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    output_tokens: int
    def __init__(self, input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ...) -> None: ...

class ToolCallStarted(_message.Message):
    __slots__ = ("tool_call", "metadata", "model")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    tool_call: _tool_pb2.ToolCall
    metadata: _containers.ScalarMap[str, str]
    model: str
    def __init__(self, tool_call: _Optional[_Union[_tool_pb2.ToolCall, _Mapping]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., model: _Optional[str] = ...) -> None: ...

class ToolCallCompleted(_message.Message):
    __slots__ = ("tool_call_id", "result", "metadata", "model")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TOOL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    tool_call_id: str
    result: _tool_pb2.ToolResult
    metadata: _containers.ScalarMap[str, str]
    model: str
    def __init__(self, tool_call_id: _Optional[str] = ..., result: _Optional[_Union[_tool_pb2.ToolResult, _Mapping]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., model: _Optional[str] = ...) -> None: ...

class ToolCallFailed(_message.Message):
    __slots__ = ("tool_call_id", "error", "metadata", "model")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TOOL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    tool_call_id: str
    error: str
    metadata: _containers.ScalarMap[str, str]
    model: str
    def __init__(self, tool_call_id: _Optional[str] = ..., error: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., model: _Optional[str] = ...) -> None: ...

class ToolApprovalRequired(_message.Message):
    __slots__ = ("tool_call", "timeout_ms", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    tool_call: _tool_pb2.ToolCall
    timeout_ms: int
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, tool_call: _Optional[_Union[_tool_pb2.ToolCall, _Mapping]] = ..., timeout_ms: _Optional[int] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class SessionCreated(_message.Message):
    __slots__ = ("session_id", "metadata")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    metadata: SessionCreatedMetadata
    def __init__(self, session_id: _Optional[str] = ..., metadata: _Optional[_Union[SessionCreatedMetadata, _Mapping]] = ...) -> None: ...

class SessionCreatedMetadata(_message.Message):
    __slots__ = ("model", "created_at", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    model: str
    created_at: _timestamp_pb2.Timestamp
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, model: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class SessionResumed(_message.Message):
    __slots__ = ("session_id", "event_offset")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_OFFSET_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    event_offset: int
    def __init__(self, session_id: _Optional[str] = ..., event_offset: _Optional[int] = ...) -> None: ...

class SessionSaved(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class OperationStarted(_message.Message):
    __slots__ = ("operation_id", "operation")
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation_id: str
    operation: Operation
    def __init__(self, operation_id: _Optional[str] = ..., operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class Operation(_message.Message):
    __slots__ = ("bash", "compact")
    BASH_FIELD_NUMBER: _ClassVar[int]
    COMPACT_FIELD_NUMBER: _ClassVar[int]
    bash: BashOperation
    compact: CompactOperation
    def __init__(self, bash: _Optional[_Union[BashOperation, _Mapping]] = ..., compact: _Optional[_Union[CompactOperation, _Mapping]] = ...) -> None: ...

class BashOperation(_message.Message):
    __slots__ = ("cmd",)
    CMD_FIELD_NUMBER: _ClassVar[int]
    cmd: str
    def __init__(self, cmd: _Optional[str] = ...) -> None: ...

class CompactOperation(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OperationCompleted(_message.Message):
    __slots__ = ("operation_id", "outcome")
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    operation_id: str
    outcome: OperationOutcome
    def __init__(self, operation_id: _Optional[str] = ..., outcome: _Optional[_Union[OperationOutcome, _Mapping]] = ...) -> None: ...

class OperationOutcome(_message.Message):
    __slots__ = ("bash", "compact")
    BASH_FIELD_NUMBER: _ClassVar[int]
    COMPACT_FIELD_NUMBER: _ClassVar[int]
    bash: BashOutcome
    compact: CompactOutcome
    def __init__(self, bash: _Optional[_Union[BashOutcome, _Mapping]] = ..., compact: _Optional[_Union[CompactOutcome, _Mapping]] = ...) -> None: ...

class BashOutcome(_message.Message):
    __slots__ = ("elapsed_ms", "error")
    ELAPSED_MS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    elapsed_ms: int
    error: BashOutcomeError
    def __init__(self, elapsed_ms: _Optional[int] = ..., error: _Optional[_Union[BashOutcomeError, _Mapping]] = ...) -> None: ...

class BashOutcomeError(_message.Message):
    __slots__ = ("exit_code", "stderr")
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    STDERR_FIELD_NUMBER: _ClassVar[int]
    exit_code: int
    stderr: str
    def __init__(self, exit_code: _Optional[int] = ..., stderr: _Optional[str] = ...) -> None: ...

class CompactOutcome(_message.Message):
    __slots__ = ("elapsed_ms", "error")
    ELAPSED_MS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    elapsed_ms: int
    error: CompactOutcomeError
    def __init__(self, elapsed_ms: _Optional[int] = ..., error: _Optional[_Union[CompactOutcomeError, _Mapping]] = ...) -> None: ...

class CompactOutcomeError(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: str
    def __init__(self, message: _Optional[str] = ...) -> None: ...

class OperationCancelled(_message.Message):
    __slots__ = ("operation_id", "reason")
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    operation_id: str
    reason: str
    def __init__(self, operation_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ErrorEvent(_message.Message):
    __slots__ = ("message", "error_type")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ERROR_TYPE_FIELD_NUMBER: _ClassVar[int]
    message: str
    error_type: ErrorType
    def __init__(self, message: _Optional[str] = ..., error_type: _Optional[_Union[ErrorType, str]] = ...) -> None: ...

class WorkspaceChanged(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WorkspaceFiles(_message.Message):
    __slots__ = ("files",)
    FILES_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, files: _Optional[_Iterable[str]] = ...) -> None: ...

class CustomEvent(_message.Message):
    __slots__ = ("type", "content_type", "data")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    type: str
    content_type: str
    data: bytes
    def __init__(self, type: _Optional[str] = ..., content_type: _Optional[str] = ..., data: _Optional[bytes] = ...) -> None: ...
