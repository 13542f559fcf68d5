import datetime

from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from sessionstore.v1 import event_pb2 as _event_pb2
from sessionstore.v1 import message_pb2 as _message_pb2
from sessionstore.v1 import session_pb2 as _session_pb2
from sessionstore.v1 import tool_pb2 as _tool_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SessionOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SESSION_ORDER_UNSPECIFIED: _ClassVar[SessionOrder]
    SESSION_ORDER_CREATED_AT: _ClassVar[SessionOrder]
    SESSION_ORDER_UPDATED_AT: _ClassVar[SessionOrder]
    SESSION_ORDER_MESSAGE_COUNT: _ClassVar[SessionOrder]
SESSION_ORDER_UNSPECIFIED: SessionOrder
SESSION_ORDER_CREATED_AT: SessionOrder
SESSION_ORDER_UPDATED_AT: SessionOrder
SESSION_ORDER_MESSAGE_COUNT: SessionOrder

class CreateSessionRequest(_message.Message):
    __slots__ = ("config", "session_id", "request_id")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    config: _session_pb2.SessionConfig
    session_id: str
    request_id: str
    def __init__(self, config: _Optional[_Union[_session_pb2.SessionConfig, _Mapping]] = ..., session_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateSessionResponse(_message.Message):
    __slots__ = ("session", "already_existed")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    ALREADY_EXISTED_FIELD_NUMBER: _ClassVar[int]
    session: _session_pb2.Session
    already_existed: bool
    def __init__(self, session: _Optional[_Union[_session_pb2.Session, _Mapping]] = ..., already_existed: _Optional[bool] = ...) -> None: ...

class GetSessionRequest(_message.Message):
    __slots__ = ("session_id", "omit_content", "include_secrets")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    OMIT_CONTENT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_SECRETS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    omit_content: bool
    include_secrets: bool
    def __init__(self, session_id: _Optional[str] = ..., omit_content: _Optional[bool] = ..., include_secrets: _Optional[bool] = ...) -> None: ...

class GetSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: _session_pb2.Session
    def __init__(self, session: _Optional[_Union[_session_pb2.Session, _Mapping]] = ...) -> None: ...

class UpdateSessionRequest(_message.Message):
    __slots__ = ("session_id", "update")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    update: SessionUpdate
    def __init__(self, session_id: _Optional[str] = ..., update: _Optional[_Union[SessionUpdate, _Mapping]] = ...) -> None: ...

class UpdateSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: _session_pb2.SessionInfo
    def __init__(self, session: _Optional[_Union[_session_pb2.SessionInfo, _Mapping]] = ...) -> None: ...

class SessionUpdate(_message.Message):
    __slots__ = ("config", "update_mask", "set_metadata", "delete_metadata_keys", "status", "add_approved_tools", "add_approved_bash_patterns")
    class SetMetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    SET_METADATA_FIELD_NUMBER: _ClassVar[int]
    DELETE_METADATA_KEYS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ADD_APPROVED_TOOLS_FIELD_NUMBER: _ClassVar[int]
    ADD_APPROVED_BASH_PATTERNS_FIELD_NUMBER: _ClassVar[int]
    config: _session_pb2.SessionConfig
    update_mask: _field_mask_pb2.FieldMask
    set_metadata: _containers.ScalarMap[str, str]
    delete_metadata_keys: _containers.RepeatedScalarFieldContainer[str]
    status: _session_pb2.SessionStatus
    add_approved_tools: _containers.RepeatedScalarFieldContainer[str]
    add_approved_bash_patterns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, config: _Optional[_Union[_session_pb2.SessionConfig, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., set_metadata: _Optional[_Mapping[str, str]] = ..., delete_metadata_keys: _Optional[_Iterable[str]] = ..., status: _Optional[_Union[_session_pb2.SessionStatus, str]] = ..., add_approved_tools: _Optional[_Iterable[str]] = ..., add_approved_bash_patterns: _Optional[_Iterable[str]] = ...) -> None: ...

class DeleteSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class DeleteSessionResponse(_message.Message):
    __slots__ = ("deleted_messages", "deleted_tool_calls", "deleted_events")
    DELETED_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    DELETED_TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    DELETED_EVENTS_FIELD_NUMBER: _ClassVar[int]
    deleted_messages: int
    deleted_tool_calls: int
    deleted_events: int
    def __init__(self, deleted_messages: _Optional[int] = ..., deleted_tool_calls: _Optional[int] = ..., deleted_events: _Optional[int] = ...) -> None: ...

class ListSessionsRequest(_message.Message):
    __slots__ = ("filter", "order_by", "ascending", "limit", "offset", "page_size", "page_token")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    ASCENDING_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    filter: SessionFilter
    order_by: SessionOrder
    ascending: bool
    limit: int
    offset: int
    page_size: int
    page_token: str
    def __init__(self, filter: _Optional[_Union[SessionFilter, _Mapping]] = ..., order_by: _Optional[_Union[SessionOrder, str]] = ..., ascending: _Optional[bool] = ..., limit: _Optional[int] = ..., offset: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class SessionFilter(_message.Message):
    __slots__ = ("created_after", "created_before", "updated_after", "updated_before", "metadata", "status", "id_prefix")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CREATED_AFTER_FIELD_NUMBER: _ClassVar[int]
    CREATED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AFTER_FIELD_NUMBER: _ClassVar[int]
    UPDATED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ID_PREFIX_FIELD_NUMBER: _ClassVar[int]
    created_after: _timestamp_pb2.Timestamp
    created_before: _timestamp_pb2.Timestamp
    updated_after: _timestamp_pb2.Timestamp
    updated_before: _timestamp_pb2.Timestamp
    metadata: _containers.ScalarMap[str, str]
    status: _session_pb2.SessionStatus
    id_prefix: str
    def __init__(self, created_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., status: _Optional[_Union[_session_pb2.SessionStatus, str]] = ..., id_prefix: _Optional[str] = ...) -> None: ...

class ListSessionsResponse(_message.Message):
    __slots__ = ("sessions", "next_page_token")
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[_session_pb2.SessionInfo]
    next_page_token: str
    def __init__(self, sessions: _Optional[_Iterable[_Union[_session_pb2.SessionInfo, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AppendMessageRequest(_message.Message):
    __slots__ = ("session_id", "message")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    message: _message_pb2.Message
    def __init__(self, session_id: _Optional[str] = ..., message: _Optional[_Union[_message_pb2.Message, _Mapping]] = ...) -> None: ...

class AppendMessageResponse(_message.Message):
    __slots__ = ("sequence", "stored_at", "already_existed")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STORED_AT_FIELD_NUMBER: _ClassVar[int]
    ALREADY_EXISTED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    stored_at: _timestamp_pb2.Timestamp
    already_existed: bool
    def __init__(self, sequence: _Optional[int] = ..., stored_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., already_existed: _Optional[bool] = ...) -> None: ...

class GetMessagesRequest(_message.Message):
    __slots__ = ("session_id", "after_sequence", "limit")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    after_sequence: int
    limit: int
    def __init__(self, session_id: _Optional[str] = ..., after_sequence: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class GetMessagesResponse(_message.Message):
    __slots__ = ("messages",)
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[_message_pb2.StoredMessage]
    def __init__(self, messages: _Optional[_Iterable[_Union[_message_pb2.StoredMessage, _Mapping]]] = ...) -> None: ...

class ListMessagesRequest(_message.Message):
    __slots__ = ("session_id", "page_size", "page_token")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    page_size: int
    page_token: str
    def __init__(self, session_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListMessagesResponse(_message.Message):
    __slots__ = ("messages", "next_page_token")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[_message_pb2.StoredMessage]
    next_page_token: str
    def __init__(self, messages: _Optional[_Iterable[_Union[_message_pb2.StoredMessage, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateToolCallRequest(_message.Message):
    __slots__ = ("session_id", "tool_call")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    tool_call: _tool_pb2.ToolCall
    def __init__(self, session_id: _Optional[str] = ..., tool_call: _Optional[_Union[_tool_pb2.ToolCall, _Mapping]] = ...) -> None: ...

class CreateToolCallResponse(_message.Message):
    __slots__ = ("created_at", "already_existed")
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ALREADY_EXISTED_FIELD_NUMBER: _ClassVar[int]
    created_at: _timestamp_pb2.Timestamp
    already_existed: bool
    def __init__(self, created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., already_existed: _Optional[bool] = ...) -> None: ...

class UpdateToolCallRequest(_message.Message):
    __slots__ = ("session_id", "update")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    update: ToolCallUpdate
    def __init__(self, session_id: _Optional[str] = ..., update: _Optional[_Union[ToolCallUpdate, _Mapping]] = ...) -> None: ...

class ToolCallUpdate(_message.Message):
    __slots__ = ("tool_call_id", "status", "result", "error", "stats", "changed_at")
    TOOL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    STATS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_AT_FIELD_NUMBER: _ClassVar[int]
    tool_call_id: str
    status: _tool_pb2.ToolCallStatus
    result: _tool_pb2.ToolResult
    error: str
    stats: _tool_pb2.ToolCallStats
    changed_at: _timestamp_pb2.Timestamp
    def __init__(self, tool_call_id: _Optional[str] = ..., status: _Optional[_Union[_tool_pb2.ToolCallStatus, str]] = ..., result: _Optional[_Union[_tool_pb2.ToolResult, _Mapping]] = ..., error: _Optional[str] = ..., stats: _Optional[_Union[_tool_pb2.ToolCallStats, _Mapping]] = ..., changed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class UpdateToolCallResponse(_message.Message):
    __slots__ = ("status", "kind", "started_at", "completed_at")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    status: _tool_pb2.ToolCallStatus
    kind: str
    started_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    def __init__(self, status: _Optional[_Union[_tool_pb2.ToolCallStatus, str]] = ..., kind: _Optional[str] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetPendingToolCallsRequest(_message.Message):
    __slots__ = ("session_id", "include_unfinished")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_UNFINISHED_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    include_unfinished: bool
    def __init__(self, session_id: _Optional[str] = ..., include_unfinished: _Optional[bool] = ...) -> None: ...

class GetPendingToolCallsResponse(_message.Message):
    __slots__ = ("tool_calls",)
    TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    tool_calls: _containers.RepeatedCompositeFieldContainer[_tool_pb2.ToolCallState]
    def __init__(self, tool_calls: _Optional[_Iterable[_Union[_tool_pb2.ToolCallState, _Mapping]]] = ...) -> None: ...

class AppendEventRequest(_message.Message):
    __slots__ = ("session_id", "event", "event_id", "expected_last_sequence", "expect_no_events")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    EXPECT_NO_EVENTS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    event: _event_pb2.Event
    event_id: str
    expected_last_sequence: int
    expect_no_events: bool
    def __init__(self, session_id: _Optional[str] = ..., event: _Optional[_Union[_event_pb2.Event, _Mapping]] = ..., event_id: _Optional[str] = ..., expected_last_sequence: _Optional[int] = ..., expect_no_events: _Optional[bool] = ...) -> None: ...

class AppendEventResponse(_message.Message):
    __slots__ = ("sequence", "position", "stored_at", "already_existed")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    STORED_AT_FIELD_NUMBER: _ClassVar[int]
    ALREADY_EXISTED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    position: int
    stored_at: _timestamp_pb2.Timestamp
    already_existed: bool
    def __init__(self, sequence: _Optional[int] = ..., position: _Optional[int] = ..., stored_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., already_existed: _Optional[bool] = ...) -> None: ...

class GetEventsRequest(_message.Message):
    __slots__ = ("session_id", "after_sequence", "before_sequence", "limit", "types", "descending", "skip_trimmed")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    BEFORE_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    DESCENDING_FIELD_NUMBER: _ClassVar[int]
    SKIP_TRIMMED_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    after_sequence: int
    before_sequence: int
    limit: int
    types: _containers.RepeatedScalarFieldContainer[str]
    descending: bool
    skip_trimmed: bool
    def __init__(self, session_id: _Optional[str] = ..., after_sequence: _Optional[int] = ..., before_sequence: _Optional[int] = ..., limit: _Optional[int] = ..., types: _Optional[_Iterable[str]] = ..., descending: _Optional[bool] = ..., skip_trimmed: _Optional[bool] = ...) -> None: ...

class GetEventsResponse(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.StoredEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[_event_pb2.StoredEvent, _Mapping]]] = ...) -> None: ...

class DeleteEventsBeforeRequest(_message.Message):
    __slots__ = ("session_id", "before_sequence")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    BEFORE_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    before_sequence: int
    def __init__(self, session_id: _Optional[str] = ..., before_sequence: _Optional[int] = ...) -> None: ...

class DeleteEventsBeforeResponse(_message.Message):
    __slots__ = ("deleted_count", "first_available_sequence")
    DELETED_COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_AVAILABLE_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    deleted_count: int
    first_available_sequence: int
    def __init__(self, deleted_count: _Optional[int] = ..., first_available_sequence: _Optional[int] = ...) -> None: ...

class UpdateActiveMessageIdRequest(_message.Message):
    __slots__ = ("session_id", "message_id")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    message_id: str
    def __init__(self, session_id: _Optional[str] = ..., message_id: _Optional[str] = ...) -> None: ...

class UpdateActiveMessageIdResponse(_message.Message):
    __slots__ = ("updated_at",)
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CommitRequest(_message.Message):
    __slots__ = ("session_id", "mutations", "expected_last_sequence", "expect_no_events")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    MUTATIONS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    EXPECT_NO_EVENTS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    mutations: _containers.RepeatedCompositeFieldContainer[Mutation]
    expected_last_sequence: int
    expect_no_events: bool
    def __init__(self, session_id: _Optional[str] = ..., mutations: _Optional[_Iterable[_Union[Mutation, _Mapping]]] = ..., expected_last_sequence: _Optional[int] = ..., expect_no_events: _Optional[bool] = ...) -> None: ...

class Mutation(_message.Message):
    __slots__ = ("append_message", "create_tool_call", "update_tool_call", "append_event", "set_active_message", "update_session")
    APPEND_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    APPEND_EVENT_FIELD_NUMBER: _ClassVar[int]
    SET_ACTIVE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_SESSION_FIELD_NUMBER: _ClassVar[int]
    append_message: _message_pb2.Message
    create_tool_call: _tool_pb2.ToolCall
    update_tool_call: ToolCallUpdate
    append_event: EventAppend
    set_active_message: ActiveMessageUpdate
    update_session: SessionUpdate
    def __init__(self, append_message: _Optional[_Union[_message_pb2.Message, _Mapping]] = ..., create_tool_call: _Optional[_Union[_tool_pb2.ToolCall, _Mapping]] = ..., update_tool_call: _Optional[_Union[ToolCallUpdate, _Mapping]] = ..., append_event: _Optional[_Union[EventAppend, _Mapping]] = ..., set_active_message: _Optional[_Union[ActiveMessageUpdate, _Mapping]] = ..., update_session: _Optional[_Union[SessionUpdate, _Mapping]] = ...) -> None: ...

class EventAppend(_message.Message):
    __slots__ = ("event", "event_id")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    event: _event_pb2.Event
    event_id: str
    def __init__(self, event: _Optional[_Union[_event_pb2.Event, _Mapping]] = ..., event_id: _Optional[str] = ...) -> None: ...

class ActiveMessageUpdate(_message.Message):
    __slots__ = ("message_id",)
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    def __init__(self, message_id: _Optional[str] = ...) -> None: ...

class CommitResponse(_message.Message):
    __slots__ = ("results", "already_applied")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    ALREADY_APPLIED_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[MutationResult]
    already_applied: bool
    def __init__(self, results: _Optional[_Iterable[_Union[MutationResult, _Mapping]]] = ..., already_applied: _Optional[bool] = ...) -> None: ...

class MutationResult(_message.Message):
    __slots__ = ("append_message", "create_tool_call", "update_tool_call", "append_event", "set_active_message", "update_session")
    APPEND_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    APPEND_EVENT_FIELD_NUMBER: _ClassVar[int]
    SET_ACTIVE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_SESSION_FIELD_NUMBER: _ClassVar[int]
    append_message: AppendMessageResponse
    create_tool_call: CreateToolCallResponse
    update_tool_call: UpdateToolCallResponse
    append_event: AppendEventResponse
    set_active_message: UpdateActiveMessageIdResponse
    update_session: UpdateSessionResponse
    def __init__(self, append_message: _Optional[_Union[AppendMessageResponse, _Mapping]] = ..., create_tool_call: _Optional[_Union[CreateToolCallResponse, _Mapping]] = ..., update_tool_call: _Optional[_Union[UpdateToolCallResponse, _Mapping]] = ..., append_event: _Optional[_Union[AppendEventResponse, _Mapping]] = ..., set_active_message: _Optional[_Union[UpdateActiveMessageIdResponse, _Mapping]] = ..., update_session: _Optional[_Union[UpdateSessionResponse, _Mapping]] = ...) -> None: ...

class WriteRequest(_message.Message):
    __slots__ = ("commits",)
    COMMITS_FIELD_NUMBER: _ClassVar[int]
    commits: _containers.RepeatedCompositeFieldContainer[CommitRequest]
    def __init__(self, commits: _Optional[_Iterable[_Union[CommitRequest, _Mapping]]] = ...) -> None: ...

class WriteResponse(_message.Message):
    __slots__ = ("outcomes",)
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[CommitOutcome]
    def __init__(self, outcomes: _Optional[_Iterable[_Union[CommitOutcome, _Mapping]]] = ...) -> None: ...

class CommitOutcome(_message.Message):
    __slots__ = ("result", "error")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    result: CommitResponse
    error: _status_pb2.Status
    def __init__(self, result: _Optional[_Union[CommitResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class TailEventsRequest(_message.Message):
    __slots__ = ("session_id", "from_beginning", "after_sequence", "from_now", "types", "skip_trimmed", "no_follow", "heartbeat_interval_seconds")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_BEGINNING_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    FROM_NOW_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    SKIP_TRIMMED_FIELD_NUMBER: _ClassVar[int]
    NO_FOLLOW_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    from_beginning: bool
    after_sequence: int
    from_now: bool
    types: _containers.RepeatedScalarFieldContainer[str]
    skip_trimmed: bool
    no_follow: bool
    heartbeat_interval_seconds: int
    def __init__(self, session_id: _Optional[str] = ..., from_beginning: _Optional[bool] = ..., after_sequence: _Optional[int] = ..., from_now: _Optional[bool] = ..., types: _Optional[_Iterable[str]] = ..., skip_trimmed: _Optional[bool] = ..., no_follow: _Optional[bool] = ..., heartbeat_interval_seconds: _Optional[int] = ...) -> None: ...

class TailEventsResponse(_message.Message):
    __slots__ = ("events", "caught_up", "heartbeat", "draining", "session_deleted")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    CAUGHT_UP_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    SESSION_DELETED_FIELD_NUMBER: _ClassVar[int]
    events: TailedEvents
    caught_up: CaughtUp
    heartbeat: Heartbeat
    draining: Draining
    session_deleted: SessionDeleted
    def __init__(self, events: _Optional[_Union[TailedEvents, _Mapping]] = ..., caught_up: _Optional[_Union[CaughtUp, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., draining: _Optional[_Union[Draining, _Mapping]] = ..., session_deleted: _Optional[_Union[SessionDeleted, _Mapping]] = ...) -> None: ...

class TailedEvents(_message.Message):
    __slots__ = ("first_sequence", "last_sequence", "events")
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    first_sequence: int
    last_sequence: int
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.StoredEvent]
    def __init__(self, first_sequence: _Optional[int] = ..., last_sequence: _Optional[int] = ..., events: _Optional[_Iterable[_Union[_event_pb2.StoredEvent, _Mapping]]] = ...) -> None: ...

class CaughtUp(_message.Message):
    __slots__ = ("last_sequence",)
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    last_sequence: int
    def __init__(self, last_sequence: _Optional[int] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("last_sequence",)
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    last_sequence: int
    def __init__(self, last_sequence: _Optional[int] = ...) -> None: ...

class Draining(_message.Message):
    __slots__ = ("last_sequence",)
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    last_sequence: int
    def __init__(self, last_sequence: _Optional[int] = ...) -> None: ...

class SessionDeleted(_message.Message):
    __slots__ = ("archived",)
    ARCHIVED_FIELD_NUMBER: _ClassVar[int]
    archived: bool
    def __init__(self, archived: _Optional[bool] = ...) -> None: ...
