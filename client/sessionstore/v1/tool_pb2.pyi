import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ToolCallStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOOL_CALL_STATUS_UNSPECIFIED: _ClassVar[ToolCallStatus]
    TOOL_CALL_STATUS_PENDING_APPROVAL: _ClassVar[ToolCallStatus]
    TOOL_CALL_STATUS_APPROVED: _ClassVar[ToolCallStatus]
    TOOL_CALL_STATUS_DENIED: _ClassVar[ToolCallStatus]
    TOOL_CALL_STATUS_EXECUTING: _ClassVar[ToolCallStatus]
    TOOL_CALL_STATUS_COMPLETED: _ClassVar[ToolCallStatus]
    TOOL_CALL_STATUS_FAILED: _ClassVar[ToolCallStatus]

class TodoWriteOperation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TODO_WRITE_OPERATION_UNSPECIFIED: _ClassVar[TodoWriteOperation]
    TODO_WRITE_OPERATION_CREATED: _ClassVar[TodoWriteOperation]
    TODO_WRITE_OPERATION_MODIFIED: _ClassVar[TodoWriteOperation]
TOOL_CALL_STATUS_UNSPECIFIED: ToolCallStatus
TOOL_CALL_STATUS_PENDING_APPROVAL: ToolCallStatus
TOOL_CALL_STATUS_APPROVED: ToolCallStatus
TOOL_CALL_STATUS_DENIED: ToolCallStatus
TOOL_CALL_STATUS_EXECUTING: ToolCallStatus
TOOL_CALL_STATUS_COMPLETED: ToolCallStatus
TOOL_CALL_STATUS_FAILED: ToolCallStatus
TODO_WRITE_OPERATION_UNSPECIFIED: TodoWriteOperation
TODO_WRITE_OPERATION_CREATED: TodoWriteOperation
TODO_WRITE_OPERATION_MODIFIED: TodoWriteOperation

class ToolConfig(_message.Message):
    __slots__ = ("backends", "visibility", "approval_policy", "metadata", "tools")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ToolsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ToolSettings
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ToolSettings, _Mapping]] = ...) -> None: ...
    BACKENDS_FIELD_NUMBER: _ClassVar[int]
    VISIBILITY_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_POLICY_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    backends: _containers.RepeatedCompositeFieldContainer[ToolBackend]
    visibility: ToolVisibility
    approval_policy: ApprovalPolicy
    metadata: _containers.ScalarMap[str, str]
    tools: _containers.MessageMap[str, ToolSettings]
    def __init__(self, backends: _Optional[_Iterable[_Union[ToolBackend, _Mapping]]] = ..., visibility: _Optional[_Union[ToolVisibility, _Mapping]] = ..., approval_policy: _Optional[_Union[ApprovalPolicy, _Mapping]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., tools: _Optional[_Mapping[str, ToolSettings]] = ...) -> None: ...

class ToolSettings(_message.Message):
    __slots__ = ("bash",)
    BASH_FIELD_NUMBER: _ClassVar[int]
    bash: BashToolSettings
    def __init__(self, bash: _Optional[_Union[BashToolSettings, _Mapping]] = ...) -> None: ...

class BashToolSettings(_message.Message):
    __slots__ = ("approved_patterns",)
    APPROVED_PATTERNS_FIELD_NUMBER: _ClassVar[int]
    approved_patterns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, approved_patterns: _Optional[_Iterable[str]] = ...) -> None: ...

class ToolBackend(_message.Message):
    __slots__ = ("local", "mcp")
    LOCAL_FIELD_NUMBER: _ClassVar[int]
    MCP_FIELD_NUMBER: _ClassVar[int]
    local: LocalToolBackend
    mcp: McpToolBackend
    def __init__(self, local: _Optional[_Union[LocalToolBackend, _Mapping]] = ..., mcp: _Optional[_Union[McpToolBackend, _Mapping]] = ...) -> None: ...

class LocalToolBackend(_message.Message):
    __slots__ = ("tool_filter",)
    TOOL_FILTER_FIELD_NUMBER: _ClassVar[int]
    tool_filter: ToolFilter
    def __init__(self, tool_filter: _Optional[_Union[ToolFilter, _Mapping]] = ...) -> None: ...

class McpToolBackend(_message.Message):
    __slots__ = ("server_name", "transport", "tool_filter")
    SERVER_NAME_FIELD_NUMBER: _ClassVar[int]
    TRANSPORT_FIELD_NUMBER: _ClassVar[int]
    TOOL_FILTER_FIELD_NUMBER: _ClassVar[int]
    server_name: str
    transport: McpTransport
    tool_filter: ToolFilter
    def __init__(self, server_name: _Optional[str] = ..., transport: _Optional[_Union[McpTransport, _Mapping]] = ..., tool_filter: _Optional[_Union[ToolFilter, _Mapping]] = ...) -> None: ...

class McpTransport(_message.Message):
    __slots__ = ("stdio", "tcp", "unix", "sse", "http")
    STDIO_FIELD_NUMBER: _ClassVar[int]
    TCP_FIELD_NUMBER: _ClassVar[int]
    UNIX_FIELD_NUMBER: _ClassVar[int]
    SSE_FIELD_NUMBER: _ClassVar[int]
    HTTP_FIELD_NUMBER: _ClassVar[int]
    stdio: StdioTransport
    tcp: TcpTransport
    unix: UnixTransport
    sse: SseTransport
    http: HttpTransport
    def __init__(self, stdio: _Optional[_Union[StdioTransport, _Mapping]] = ..., tcp: _Optional[_Union[TcpTransport, _Mapping]] = ..., unix: _Optional[_Union[UnixTransport, _Mapping]] = ..., sse: _Optional[_Union[SseTransport, _Mapping]] = ..., http: _Optional[_Union[HttpTransport, _Mapping]] = ...) -> None: ...

class StdioTransport(_message.Message):
    __slots__ = ("command", "args")
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    command: str
    args: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, command: _Optional[str] = ..., args: _Optional[_Iterable[str]] = ...) -> None: ...

class TcpTransport(_message.Message):
    __slots__ = ("host", "port")
    HOST_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    host: str
    port: int
    def __init__(self, host: _Optional[str] = ..., port: _Optional[int] = ...) -> None: ...

class UnixTransport(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class SseTransport(_message.Message):
    __slots__ = ("url", "headers")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    URL_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    url: str
    headers: _containers.ScalarMap[str, str]
    def __init__(self, url: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ...) -> None: ...

class HttpTransport(_message.Message):
    __slots__ = ("url", "headers")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    URL_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    url: str
    headers: _containers.ScalarMap[str, str]
    def __init__(self, url: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ToolFilter(_message.Message):
    __slots__ = ("all", "include", "exclude")
    ALL_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_FIELD_NUMBER: _ClassVar[int]
    all: AllTools
    include: ToolNames
    exclude: ToolNames
    def __init__(self, all: _Optional[_Union[AllTools, _Mapping]] = ..., include: _Optional[_Union[ToolNames, _Mapping]] = ..., exclude: _Optional[_Union[ToolNames, _Mapping]] = ...) -> None: ...

class ToolVisibility(_message.Message):
    __slots__ = ("all", "read_only", "whitelist", "blacklist")
    ALL_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    WHITELIST_FIELD_NUMBER: _ClassVar[int]
    BLACKLIST_FIELD_NUMBER: _ClassVar[int]
    all: AllTools
    read_only: ReadOnlyTools
    whitelist: ToolNames
    blacklist: ToolNames
    def __init__(self, all: _Optional[_Union[AllTools, _Mapping]] = ..., read_only: _Optional[_Union[ReadOnlyTools, _Mapping]] = ..., whitelist: _Optional[_Union[ToolNames, _Mapping]] = ..., blacklist: _Optional[_Union[ToolNames, _Mapping]] = ...) -> None: ...

class AllTools(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReadOnlyTools(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ToolNames(_message.Message):
    __slots__ = ("names",)
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ...) -> None: ...

class ApprovalPolicy(_message.Message):
    __slots__ = ("always_ask", "pre_approved", "mixed")
    ALWAYS_ASK_FIELD_NUMBER: _ClassVar[int]
    PRE_APPROVED_FIELD_NUMBER: _ClassVar[int]
    MIXED_FIELD_NUMBER: _ClassVar[int]
    always_ask: AlwaysAsk
    pre_approved: PreApproved
    mixed: MixedApproval
    def __init__(self, always_ask: _Optional[_Union[AlwaysAsk, _Mapping]] = ..., pre_approved: _Optional[_Union[PreApproved, _Mapping]] = ..., mixed: _Optional[_Union[MixedApproval, _Mapping]] = ...) -> None: ...

class AlwaysAsk(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PreApproved(_message.Message):
    __slots__ = ("tools",)
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    tools: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, tools: _Optional[_Iterable[str]] = ...) -> None: ...

class MixedApproval(_message.Message):
    __slots__ = ("pre_approved", "ask_for_others")
    PRE_APPROVED_FIELD_NUMBER: _ClassVar[int]
    ASK_FOR_OTHERS_FIELD_NUMBER: _ClassVar[int]
    pre_approved: _containers.RepeatedScalarFieldContainer[str]
    ask_for_others: bool
    def __init__(self, pre_approved: _Optional[_Iterable[str]] = ..., ask_for_others: _Optional[bool] = ...) -> None: ...

class ToolCall(_message.Message):
    __slots__ = ("id", "name", "parameters_json")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_JSON_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    parameters_json: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., parameters_json: _Optional[str] = ...) -> None: ...

class ToolCallState(_message.Message):
    __slots__ = ("tool_call", "status", "kind", "error", "created_at", "started_at", "completed_at", "result", "stats")
    TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    STATS_FIELD_NUMBER: _ClassVar[int]
    tool_call: ToolCall
    status: ToolCallStatus
    kind: str
    error: str
    created_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    result: ToolResult
    stats: ToolCallStats
    def __init__(self, tool_call: _Optional[_Union[ToolCall, _Mapping]] = ..., status: _Optional[_Union[ToolCallStatus, str]] = ..., kind: _Optional[str] = ..., error: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., result: _Optional[_Union[ToolResult, _Mapping]] = ..., stats: _Optional[_Union[ToolCallStats, _Mapping]] = ...) -> None: ...

class ToolCallStats(_message.Message):
    __slots__ = ("output", "json_output", "result_type", "success", "execution_time_ms", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    JSON_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    RESULT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    output: str
    json_output: str
    result_type: str
    success: bool
    execution_time_ms: int
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, output: _Optional[str] = ..., json_output: _Optional[str] = ..., result_type: _Optional[str] = ..., success: _Optional[bool] = ..., execution_time_ms: _Optional[int] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ToolResult(_message.Message):
    __slots__ = ("search", "file_list", "file_content", "edit", "bash", "glob", "todo_read", "todo_write", "fetch", "agent", "external", "error")
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    FILE_LIST_FIELD_NUMBER: _ClassVar[int]
    FILE_CONTENT_FIELD_NUMBER: _ClassVar[int]
    EDIT_FIELD_NUMBER: _ClassVar[int]
    BASH_FIELD_NUMBER: _ClassVar[int]
    GLOB_FIELD_NUMBER: _ClassVar[int]
    TODO_READ_FIELD_NUMBER: _ClassVar[int]
    TODO_WRITE_FIELD_NUMBER: _ClassVar[int]
    FETCH_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    search: SearchResult
    file_list: FileListResult
    file_content: FileContentResult
    edit: EditResult
    bash: BashResult
    glob: GlobResult
    todo_read: TodoReadResult
    todo_write: TodoWriteResult
    fetch: FetchResult
    agent: AgentResult
    external: ExternalResult
    error: ToolError
    def __init__(self, search: _Optional[_Union[SearchResult, _Mapping]] = ..., file_list: _Optional[_Union[FileListResult, _Mapping]] = ..., file_content: _Optional[_Union[FileContentResult, _Mapping]] = ..., edit: _Optional[_Union[EditResult, _Mapping]] = ..., bash: _Optional[_Union[BashResult, _Mapping]] = ..., glob: _Optional[_Union[GlobResult, _Mapping]] = ..., todo_read: _Optional[_Union[TodoReadResult, _Mapping]] = ..., todo_write: _Optional[_Union[TodoWriteResult, _Mapping]] = ..., fetch: _Optional[_Union[FetchResult, _Mapping]] = ..., agent: _Optional[_Union[AgentResult, _Mapping]] = ..., external: _Optional[_Union[ExternalResult, _Mapping]] = ..., error: _Optional[_Union[ToolError, _Mapping]] = ...) -> None: ...

class SearchResult(_message.Message):
    __slots__ = ("matches", "total_files_searched", "search_completed")
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FILES_SEARCHED_FIELD_NUMBER: _ClassVar[int]
    SEARCH_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    matches: _containers.RepeatedCompositeFieldContainer[SearchMatch]
    total_files_searched: int
    search_completed: bool
    def __init__(self, matches: _Optional[_Iterable[_Union[SearchMatch, _Mapping]]] = ..., total_files_searched: _Optional[int] = ..., search_completed: _Optional[bool] = ...) -> None: ...

class SearchMatch(_message.Message):
    __slots__ = ("file_path", "line_number", "line_content", "column_range")
    FILE_PATH_FIELD_NUMBER: _ClassVar[int]
    LINE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    LINE_CONTENT_FIELD_NUMBER: _ClassVar[int]
    COLUMN_RANGE_FIELD_NUMBER: _ClassVar[int]
    file_path: str
    line_number: int
    line_content: str
    column_range: ColumnRange
    def __init__(self, file_path: _Optional[str] = ..., line_number: _Optional[int] = ..., line_content: _Optional[str] = ..., column_range: _Optional[_Union[ColumnRange, _Mapping]] = ...) -> None: ...

class ColumnRange(_message.Message):
    __slots__ = ("start", "end")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ...) -> None: ...

class FileListResult(_message.Message):
    __slots__ = ("entries", "base_path")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    BASE_PATH_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[FileEntry]
    base_path: str
    def __init__(self, entries: _Optional[_Iterable[_Union[FileEntry, _Mapping]]] = ..., base_path: _Optional[str] = ...) -> None: ...

class FileEntry(_message.Message):
    __slots__ = ("path", "is_directory", "size", "permissions")
    PATH_FIELD_NUMBER: _ClassVar[int]
    IS_DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    path: str
    is_directory: bool
    size: int
    permissions: str
    def __init__(self, path: _Optional[str] = ..., is_directory: _Optional[bool] = ..., size: _Optional[int] = ..., permissions: _Optional[str] = ...) -> None: ...

class FileContentResult(_message.Message):
    __slots__ = ("content", "file_path", "line_count", "truncated")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    FILE_PATH_FIELD_NUMBER: _ClassVar[int]
    LINE_COUNT_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    content: str
    file_path: str
    line_count: int
    truncated: bool
    def __init__(self, content: _Optional[str] = ..., file_path: _Optional[str] = ..., line_count: _Optional[int] = ..., truncated: _Optional[bool] = ...) -> None: ...

class EditResult(_message.Message):
    __slots__ = ("file_path", "changes_made", "file_created", "old_content", "new_content")
    FILE_PATH_FIELD_NUMBER: _ClassVar[int]
    CHANGES_MADE_FIELD_NUMBER: _ClassVar[int]
    FILE_CREATED_FIELD_NUMBER: _ClassVar[int]
    OLD_CONTENT_FIELD_NUMBER: _ClassVar[int]
    NEW_CONTENT_FIELD_NUMBER: _ClassVar[int]
    file_path: str
    changes_made: int
    file_created: bool
    old_content: str
    new_content: str
    def __init__(self, file_path: _Optional[str] = ..., changes_made: _Optional[int] = ..., file_created: _Optional[bool] = ..., old_content: _Optional[str] = ..., new_content: _Optional[str] = ...) -> None: ...

class BashResult(_message.Message):
    __slots__ = ("stdout", "stderr", "exit_code", "command")
    STDOUT_FIELD_NUMBER: _ClassVar[int]
    STDERR_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    stdout: str
    stderr: str
    exit_code: int
    command: str
    def __init__(self, stdout: _Optional[str] = ..., stderr: _Optional[str] = ..., exit_code: _Optional[int] = ..., command: _Optional[str] = ...) -> None: ...

class GlobResult(_message.Message):
    __slots__ = ("matches", "pattern")
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    matches: _containers.RepeatedScalarFieldContainer[str]
    pattern: str
    def __init__(self, matches: _Optional[_Iterable[str]] = ..., pattern: _Optional[str] = ...) -> None: ...

class TodoReadResult(_message.Message):
    __slots__ = ("todos",)
    TODOS_FIELD_NUMBER: _ClassVar[int]
    todos: _containers.RepeatedCompositeFieldContainer[TodoItem]
    def __init__(self, todos: _Optional[_Iterable[_Union[TodoItem, _Mapping]]] = ...) -> None: ...

class TodoWriteResult(_message.Message):
    __slots__ = ("todos", "operation")
    TODOS_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    todos: _containers.RepeatedCompositeFieldContainer[TodoItem]
    operation: TodoWriteOperation
    def __init__(self, todos: _Optional[_Iterable[_Union[TodoItem, _Mapping]]] = ..., operation: _Optional[_Union[TodoWriteOperation, str]] = ...) -> None: ...

class TodoItem(_message.Message):
    __slots__ = ("id", "content", "status", "priority")
    ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    id: str
    content: str
    status: str
    priority: str
    def __init__(self, id: _Optional[str] = ..., content: _Optional[str] = ..., status: _Optional[str] = ..., priority: _Optional[str] = ...) -> None: ...

class FetchResult(_message.Message):
    __slots__ = ("url", "content")
    URL_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    url: str
    content: str
    def __init__(self, url: _Optional[str] = ..., content: _Optional[str] = ...) -> None: ...

class AgentResult(_message.Message):
    __slots__ = ("content",)
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    content: str
    def __init__(self, content: _Optional[str] = ...) -> None: ...

class ExternalResult(_message.Message):
    __slots__ = ("tool_name", "payload")
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    tool_name: str
    payload: str
    def __init__(self, tool_name: _Optional[str] = ..., payload: _Optional[str] = ...) -> None: ...

class ToolError(_message.Message):
    __slots__ = ("unknown_tool", "invalid_params", "execution", "cancelled", "timeout", "denied_by_user", "internal", "io")
    UNKNOWN_TOOL_FIELD_NUMBER: _ClassVar[int]
    INVALID_PARAMS_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    DENIED_BY_USER_FIELD_NUMBER: _ClassVar[int]
    INTERNAL_FIELD_NUMBER: _ClassVar[int]
    IO_FIELD_NUMBER: _ClassVar[int]
    unknown_tool: UnknownToolError
    invalid_params: InvalidParamsError
    execution: ExecutionError
    cancelled: CancelledError
    timeout: TimeoutError
    denied_by_user: DeniedByUserError
    internal: InternalError
    io: IoError
    def __init__(self, unknown_tool: _Optional[_Union[UnknownToolError, _Mapping]] = ..., invalid_params: _Optional[_Union[InvalidParamsError, _Mapping]] = ..., execution: _Optional[_Union[ExecutionError, _Mapping]] = ..., cancelled: _Optional[_Union[CancelledError, _Mapping]] = ..., timeout: _Optional[_Union[TimeoutError, _Mapping]] = ..., denied_by_user: _Optional[_Union[DeniedByUserError, _Mapping]] = ..., internal: _Optional[_Union[InternalError, _Mapping]] = ..., io: _Optional[_Union[IoError, _Mapping]] = ...) -> None: ...

class UnknownToolError(_message.Message):
    __slots__ = ("tool_name",)
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    tool_name: str
    def __init__(self, tool_name: _Optional[str] = ...) -> None: ...

class InvalidParamsError(_message.Message):
    __slots__ = ("tool_name", "message")
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    tool_name: str
    message: str
    def __init__(self, tool_name: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class ExecutionError(_message.Message):
    __slots__ = ("tool_name", "message")
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    tool_name: str
    message: str
    def __init__(self, tool_name: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class CancelledError(_message.Message):
    __slots__ = ("tool_name",)
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    tool_name: str
    def __init__(self, tool_name: _Optional[str] = ...) -> None: ...

class TimeoutError(_message.Message):
    __slots__ = ("tool_name",)
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    tool_name: str
    def __init__(self, tool_name: _Optional[str] = ...) -> None: ...

class DeniedByUserError(_message.Message):
    __slots__ = ("tool_name",)
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    tool_name: str
    def __init__(self, tool_name: _Optional[str] = ...) -> None: ...

class InternalError(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: str
    def __init__(self, message: _Optional[str] = ...) -> None: ...

class IoError(_message.Message):
    __slots__ = ("tool_name", "message")
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    tool_name: str
    message: str
    def __init__(self, tool_name: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...
