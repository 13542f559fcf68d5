import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sessionstore.v1 import session_pb2 as _session_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Durability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DURABILITY_UNSPECIFIED: _ClassVar[Durability]
    DURABILITY_FULL: _ClassVar[Durability]
    DURABILITY_NORMAL: _ClassVar[Durability]
DURABILITY_UNSPECIFIED: Durability
DURABILITY_FULL: Durability
DURABILITY_NORMAL: Durability

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("version", "schema_version", "store_id", "durability", "started_at", "open_tails", "limits")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    STORE_ID_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    OPEN_TAILS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    version: str
    schema_version: int
    store_id: str
    durability: Durability
    started_at: _timestamp_pb2.Timestamp
    open_tails: int
    limits: Limits
    def __init__(self, version: _Optional[str] = ..., schema_version: _Optional[int] = ..., store_id: _Optional[str] = ..., durability: _Optional[_Union[Durability, str]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., open_tails: _Optional[int] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_item_bytes", "max_request_bytes", "max_mutations_per_commit", "max_commits_in_flight", "max_metadata_bytes", "max_bytes_in_flight", "max_sessions", "max_events_per_session", "max_bytes_per_session", "max_tails_per_client")
    MAX_ITEM_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_REQUEST_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_MUTATIONS_PER_COMMIT_FIELD_NUMBER: _ClassVar[int]
    MAX_COMMITS_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    MAX_METADATA_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    MAX_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_EVENTS_PER_SESSION_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_PER_SESSION_FIELD_NUMBER: _ClassVar[int]
    MAX_TAILS_PER_CLIENT_FIELD_NUMBER: _ClassVar[int]
    max_item_bytes: int
    max_request_bytes: int
    max_mutations_per_commit: int
    max_commits_in_flight: int
    max_metadata_bytes: int
    max_bytes_in_flight: int
    max_sessions: int
    max_events_per_session: int
    max_bytes_per_session: int
    max_tails_per_client: int
    def __init__(self, max_item_bytes: _Optional[int] = ..., max_request_bytes: _Optional[int] = ..., max_mutations_per_commit: _Optional[int] = ..., max_commits_in_flight: _Optional[int] = ..., max_metadata_bytes: _Optional[int] = ..., max_bytes_in_flight: _Optional[int] = ..., max_sessions: _Optional[int] = ..., max_events_per_session: _Optional[int] = ..., max_bytes_per_session: _Optional[int] = ..., max_tails_per_client: _Optional[int] = ...) -> None: ...

class ArchiveSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class ArchiveSessionResponse(_message.Message):
    __slots__ = ("archive",)
    ARCHIVE_FIELD_NUMBER: _ClassVar[int]
    archive: ArchiveInfo
    def __init__(self, archive: _Optional[_Union[ArchiveInfo, _Mapping]] = ...) -> None: ...

class ArchiveInfo(_message.Message):
    __slots__ = ("session", "archived_at")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    ARCHIVED_AT_FIELD_NUMBER: _ClassVar[int]
    session: _session_pb2.SessionInfo
    archived_at: _timestamp_pb2.Timestamp
    def __init__(self, session: _Optional[_Union[_session_pb2.SessionInfo, _Mapping]] = ..., archived_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RestoreSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class RestoreSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: _session_pb2.SessionInfo
    def __init__(self, session: _Optional[_Union[_session_pb2.SessionInfo, _Mapping]] = ...) -> None: ...

class ListArchivesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListArchivesResponse(_message.Message):
    __slots__ = ("archives", "next_page_token")
    ARCHIVES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    archives: _containers.RepeatedCompositeFieldContainer[ArchiveInfo]
    next_page_token: str
    def __init__(self, archives: _Optional[_Iterable[_Union[ArchiveInfo, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteArchiveRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class DeleteArchiveResponse(_message.Message):
    __slots__ = ("deleted_events",)
    DELETED_EVENTS_FIELD_NUMBER: _ClassVar[int]
    deleted_events: int
    def __init__(self, deleted_events: _Optional[int] = ...) -> None: ...

class GetServerMetricsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServerMetricsResponse(_message.Message):
    __slots__ = ("resident_memory_bytes", "open_descriptors", "tasks", "open_calls", "open_tails", "open_write_streams", "waiting_writes", "waiting_bytes", "readers_busy", "read_transactions", "write_transactions", "wal_bytes", "loop_lag_longest_seconds", "loop_lag_p99_seconds", "writes", "groups", "events", "frames", "refusals")
    class RefusalsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    RESIDENT_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    OPEN_DESCRIPTORS_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    OPEN_CALLS_FIELD_NUMBER: _ClassVar[int]
    OPEN_TAILS_FIELD_NUMBER: _ClassVar[int]
    OPEN_WRITE_STREAMS_FIELD_NUMBER: _ClassVar[int]
    WAITING_WRITES_FIELD_NUMBER: _ClassVar[int]
    WAITING_BYTES_FIELD_NUMBER: _ClassVar[int]
    READERS_BUSY_FIELD_NUMBER: _ClassVar[int]
    READ_TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    WRITE_TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    WAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    LOOP_LAG_LONGEST_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LOOP_LAG_P99_SECONDS_FIELD_NUMBER: _ClassVar[int]
    WRITES_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    resident_memory_bytes: int
    open_descriptors: int
    tasks: int
    open_calls: int
    open_tails: int
    open_write_streams: int
    waiting_writes: int
    waiting_bytes: int
    readers_busy: int
    read_transactions: int
    write_transactions: int
    wal_bytes: int
    loop_lag_longest_seconds: float
    loop_lag_p99_seconds: float
    writes: int
    groups: int
    events: int
    frames: int
    refusals: _containers.ScalarMap[str, int]
    def __init__(self, resident_memory_bytes: _Optional[int] = ..., open_descriptors: _Optional[int] = ..., tasks: _Optional[int] = ..., open_calls: _Optional[int] = ..., open_tails: _Optional[int] = ..., open_write_streams: _Optional[int] = ..., waiting_writes: _Optional[int] = ..., waiting_bytes: _Optional[int] = ..., readers_busy: _Optional[int] = ..., read_transactions: _Optional[int] = ..., write_transactions: _Optional[int] = ..., wal_bytes: _Optional[int] = ..., loop_lag_longest_seconds: _Optional[float] = ..., loop_lag_p99_seconds: _Optional[float] = ..., writes: _Optional[int] = ..., groups: _Optional[int] = ..., events: _Optional[int] = ..., frames: _Optional[int] = ..., refusals: _Optional[_Mapping[str, int]] = ...) -> None: ...
