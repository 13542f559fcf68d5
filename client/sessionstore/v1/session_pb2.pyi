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

class SessionStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SESSION_STATUS_UNSPECIFIED: _ClassVar[SessionStatus]
    SESSION_STATUS_INACTIVE: _ClassVar[SessionStatus]
    SESSION_STATUS_ACTIVE: _ClassVar[SessionStatus]

class ContainerRuntime(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTAINER_RUNTIME_UNSPECIFIED: _ClassVar[ContainerRuntime]
    CONTAINER_RUNTIME_DOCKER: _ClassVar[ContainerRuntime]
    CONTAINER_RUNTIME_PODMAN: _ClassVar[ContainerRuntime]
SESSION_STATUS_UNSPECIFIED: SessionStatus
SESSION_STATUS_INACTIVE: SessionStatus
SESSION_STATUS_ACTIVE: SessionStatus
CONTAINER_RUNTIME_UNSPECIFIED: ContainerRuntime
CONTAINER_RUNTIME_DOCKER: ContainerRuntime
CONTAINER_RUNTIME_PODMAN: ContainerRuntime

class Session(_message.Message):
    __slots__ = ("id", "config", "status", "created_at", "updated_at", "state")
    ID_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    config: SessionConfig
    status: SessionStatus
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    state: SessionState
    def __init__(self, id: _Optional[str] = ..., config: _Optional[_Union[SessionConfig, _Mapping]] = ..., status: _Optional[_Union[SessionStatus, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[SessionState, _Mapping]] = ...) -> None: ...

class SessionState(_message.Message):
    __slots__ = ("messages", "tool_calls", "approved_tools", "approved_bash_patterns", "last_event_sequence", "first_available_sequence", "active_message_id", "last_model", "message_count")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    APPROVED_TOOLS_FIELD_NUMBER: _ClassVar[int]
    APPROVED_BASH_PATTERNS_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    FIRST_AVAILABLE_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_MODEL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[_message_pb2.StoredMessage]
    tool_calls: _containers.RepeatedCompositeFieldContainer[_tool_pb2.ToolCallState]
    approved_tools: _containers.RepeatedScalarFieldContainer[str]
    approved_bash_patterns: _containers.RepeatedScalarFieldContainer[str]
    last_event_sequence: int
    first_available_sequence: int
    active_message_id: str
    last_model: str
    message_count: int
    def __init__(self, messages: _Optional[_Iterable[_Union[_message_pb2.StoredMessage, _Mapping]]] = ..., tool_calls: _Optional[_Iterable[_Union[_tool_pb2.ToolCallState, _Mapping]]] = ..., approved_tools: _Optional[_Iterable[str]] = ..., approved_bash_patterns: _Optional[_Iterable[str]] = ..., last_event_sequence: _Optional[int] = ..., first_available_sequence: _Optional[int] = ..., active_message_id: _Optional[str] = ..., last_model: _Optional[str] = ..., message_count: _Optional[int] = ...) -> None: ...

class SessionInfo(_message.Message):
    __slots__ = ("id", "created_at", "updated_at", "last_model", "message_count", "metadata", "status", "last_event_sequence")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_MODEL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    id: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    last_model: str
    message_count: int
    metadata: _containers.ScalarMap[str, str]
    status: SessionStatus
    last_event_sequence: int
    def __init__(self, id: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_model: _Optional[str] = ..., message_count: _Optional[int] = ..., metadata: _Optional[_Mapping[str, str]] = ..., status: _Optional[_Union[SessionStatus, str]] = ..., last_event_sequence: _Optional[int] = ...) -> None: ...

class SessionConfig(_message.Message):
    __slots__ = ("workspace", "tool_config", "system_prompt", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    TOOL_CONFIG_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_PROMPT_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    workspace: Workspace
    tool_config: _tool_pb2.ToolConfig
    system_prompt: str
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, workspace: _Optional[_Union[Workspace, _Mapping]] = ..., tool_config: _Optional[_Union[_tool_pb2.ToolConfig, _Mapping]] = ..., system_prompt: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Workspace(_message.Message):
    __slots__ = ("local", "remote", "container")
    LOCAL_FIELD_NUMBER: _ClassVar[int]
    REMOTE_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_FIELD_NUMBER: _ClassVar[int]
    local: LocalWorkspace
    remote: RemoteWorkspace
    container: ContainerWorkspace
    def __init__(self, local: _Optional[_Union[LocalWorkspace, _Mapping]] = ..., remote: _Optional[_Union[RemoteWorkspace, _Mapping]] = ..., container: _Optional[_Union[ContainerWorkspace, _Mapping]] = ...) -> None: ...

class LocalWorkspace(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class RemoteWorkspace(_message.Message):
    __slots__ = ("agent_address", "auth")
    AGENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    AUTH_FIELD_NUMBER: _ClassVar[int]
    agent_address: str
    auth: RemoteAuth
    def __init__(self, agent_address: _Optional[str] = ..., auth: _Optional[_Union[RemoteAuth, _Mapping]] = ...) -> None: ...

class RemoteAuth(_message.Message):
    __slots__ = ("bearer_token", "api_key", "redacted")
    BEARER_TOKEN_FIELD_NUMBER: _ClassVar[int]
    API_KEY_FIELD_NUMBER: _ClassVar[int]
    REDACTED_FIELD_NUMBER: _ClassVar[int]
    bearer_token: str
    api_key: str
    redacted: bool
    def __init__(self, bearer_token: _Optional[str] = ..., api_key: _Optional[str] = ..., redacted: _Optional[bool] = ...) -> None: ...

class ContainerWorkspace(_message.Message):
    __slots__ = ("image", "runtime")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    RUNTIME_FIELD_NUMBER: _ClassVar[int]
    image: str
    runtime: ContainerRuntime
    def __init__(self, image: _Optional[str] = ..., runtime: _Optional[_Union[ContainerRuntime, str]] = ...) -> None: ...
