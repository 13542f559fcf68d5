"""The exceptions, mirrored from ErrorReason: one for each reason, with the facts that it carries."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from sessionstore.v1.error_reason_pb2 import ErrorReason

__all__ = [
    "ArchiveNotFoundError",
    "CursorAheadError",
    "DataCorruptedError",
    "DeadlineExceededError",
    "DrainingError",
    "EventAlreadyExistsError",
    "FieldViolation",
    "HistoryTrimmedError",
    "IllegalTransitionError",
    "InternalServerError",
    "InvalidFieldError",
    "InvalidPageTokenError",
    "LimitReachedError",
    "MalformedRequestError",
    "MessageAlreadyExistsError",
    "MessageNotFoundError",
    "PermissionDeniedError",
    "SequenceConflictError",
    "SequenceGapError",
    "ServerBusyError",
    "ServerOutOfMemoryError",
    "ServerUnavailableError",
    "SessionAlreadyExistsError",
    "SessionDeletedError",
    "SessionNotFoundError",
    "SessionStoreError",
    "StorageFullError",
    "StorageUnavailableError",
    "TooLargeError",
    "ToolCallAlreadyExistsError",
    "ToolCallNotFoundError",
    "UnauthenticatedError",
    "UnimplementedError",
    "error_from_call",
    "error_from_status",
]

_DOMAIN = "sessionstore"
_DETAILS_KEY = "grpc-status-details-bin"

# What grpc.aio says when a write met the end of its stream, in place of the status that the stream ended with
# (https://github.com/grpc/grpc/issues/36066). A repeat, with the same ids, learns what it was.
_BROKEN_WRITE = "Internal error from Core"


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of a request that was not acceptable, by its path, and why."""

    field: str
    description: str


class SessionStoreError(Exception):
    """A call failed.

    Attributes:
        code: The gRPC status.
        reason: The value of ErrorReason; ERROR_REASON_UNSPECIFIED when the server did not give one that is known.
        metadata: The machine-readable facts that the reason promises.
        field_violations: The fields that were not acceptable.
        retry_after_seconds: How long to wait before a repeat, when the server said so.
    """

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        reason: int = ErrorReason.ERROR_REASON_UNSPECIFIED,
        metadata: Mapping[str, str] | None = None,
        field_violations: Sequence[FieldViolation] = (),
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.field_violations = tuple(field_violations)
        self.retry_after_seconds = retry_after_seconds

    def _number(self, key: str) -> int | None:
        """A number of the metadata; None where it is empty, as for a session without events."""
        text = self.metadata.get(key, "")
        return int(text) if text else None


class SessionNotFoundError(SessionStoreError):
    """No session has this id."""


class SessionDeletedError(SessionNotFoundError):
    """The session of a tail was deleted or archived.

    Attributes:
        archived: Whether it was archived, and could be restored.
    """

    # The default is for `pickle` and `copy`, which make the exception from its text and add the attributes later.
    def __init__(self, message: str, *, archived: bool = False) -> None:
        super().__init__(message, code=grpc.StatusCode.NOT_FOUND, reason=ErrorReason.ERROR_REASON_SESSION_NOT_FOUND)
        self.archived = archived


class MessageNotFoundError(SessionStoreError):
    """No message of the session has this id."""


class ToolCallNotFoundError(SessionStoreError):
    """No tool call of the session has this id."""


class ArchiveNotFoundError(SessionStoreError):
    """No archived session has this id."""


class InvalidFieldError(SessionStoreError):
    """A field of the request is not acceptable; `field_violations` names it."""


class MalformedRequestError(SessionStoreError):
    """The bytes of the request were not valid."""


class InvalidPageTokenError(InvalidFieldError):
    """The page token was not made by this call with these arguments."""


class SessionAlreadyExistsError(SessionStoreError):
    """A session with this id exists with other content, or is archived."""


class MessageAlreadyExistsError(SessionStoreError):
    """A message with this id exists with other content."""


class ToolCallAlreadyExistsError(SessionStoreError):
    """A tool call with this id exists with other content."""


class EventAlreadyExistsError(SessionStoreError):
    """An event with this id exists with other content."""


class SequenceConflictError(SessionStoreError):
    """The newest event is not the one that was expected."""

    @property
    def expected(self) -> int | None:
        """The expected sequence; None when no event was expected."""
        return self._number("expected_last_sequence")

    @property
    def actual(self) -> int | None:
        """The actual sequence; None when there is no event."""
        return self._number("actual_last_sequence")


class IllegalTransitionError(SessionStoreError):
    """A tool call cannot go from its status to the one asked for."""

    @property
    def from_status(self) -> str:
        """The status that the tool call has."""
        return self.metadata.get("from_status", "")

    @property
    def to_status(self) -> str:
        """The status that was asked for."""
        return self.metadata.get("to_status", "")


class HistoryTrimmedError(SessionStoreError):
    """The events after the cursor were deleted."""

    @property
    def first_available_sequence(self) -> int | None:
        """The oldest event that can be read."""
        return self._number("first_available_sequence")


class CursorAheadError(SessionStoreError):
    """The cursor lies beyond the newest event."""

    @property
    def last_sequence(self) -> int | None:
        """The newest event; None when there is none."""
        return self._number("last_sequence")


class TooLargeError(SessionStoreError):
    """An item, a commit or a request is too large."""

    @property
    def size_bytes(self) -> int | None:
        """The size, in bytes."""
        return self._number("size_bytes")

    @property
    def limit_bytes(self) -> int | None:
        """The limit, in bytes."""
        return self._number("limit_bytes")


class LimitReachedError(SessionStoreError):
    """As many sessions, events in the session or open tails of this client as the server allows."""

    @property
    def limit(self) -> str:
        """The name of the field of `Limits`, such as `max_sessions`."""
        return self.metadata.get("limit", "")

    @property
    def limit_value(self) -> int | None:
        """Its value."""
        return self._number("limit_value")


class ServerOutOfMemoryError(SessionStoreError):
    """The server has too little memory for the call; nothing was written."""


class StorageFullError(SessionStoreError):
    """The store's disk is full; nothing was written."""


class StorageUnavailableError(SessionStoreError):
    """The storage cannot be used for now."""


class DataCorruptedError(SessionStoreError):
    """A stored row cannot be read back."""


class UnauthenticatedError(SessionStoreError):
    """The call carried no credentials, or such as the server does not know."""


class PermissionDeniedError(SessionStoreError):
    """The credentials do not give the right that the call needs."""

    @property
    def required_right(self) -> str:
        """`read`, `write` or `admin`."""
        return self.metadata.get("required_right", "")

    @property
    def granted_right(self) -> str:
        """What the credentials give."""
        return self.metadata.get("granted_right", "")


class InternalServerError(SessionStoreError):
    """The server failed in a way that it did not foresee."""


class UnimplementedError(SessionStoreError):
    """The server does not know the call."""


class DeadlineExceededError(SessionStoreError):
    """The call took too long; whether it was carried out is not known, and ids settle it."""


class ServerUnavailableError(SessionStoreError):
    """The server cannot be reached, or went away during the call, at the last of the client's tries."""


class DrainingError(ServerUnavailableError):
    """The server is shutting down."""


class ServerBusyError(ServerUnavailableError):
    """The server has too many large requests waiting; the call can be repeated in a moment."""


class SequenceGapError(SessionStoreError):
    """A tail missed events: the server broke its promise."""


_BY_REASON: dict[int, type[SessionStoreError]] = {
    ErrorReason.ERROR_REASON_SESSION_NOT_FOUND: SessionNotFoundError,
    ErrorReason.ERROR_REASON_MESSAGE_NOT_FOUND: MessageNotFoundError,
    ErrorReason.ERROR_REASON_TOOL_CALL_NOT_FOUND: ToolCallNotFoundError,
    ErrorReason.ERROR_REASON_ARCHIVE_NOT_FOUND: ArchiveNotFoundError,
    ErrorReason.ERROR_REASON_INVALID_FIELD: InvalidFieldError,
    ErrorReason.ERROR_REASON_MALFORMED_REQUEST: MalformedRequestError,
    ErrorReason.ERROR_REASON_INVALID_PAGE_TOKEN: InvalidPageTokenError,
    ErrorReason.ERROR_REASON_SESSION_ALREADY_EXISTS: SessionAlreadyExistsError,
    ErrorReason.ERROR_REASON_MESSAGE_ALREADY_EXISTS: MessageAlreadyExistsError,
    ErrorReason.ERROR_REASON_TOOL_CALL_ALREADY_EXISTS: ToolCallAlreadyExistsError,
    ErrorReason.ERROR_REASON_EVENT_ALREADY_EXISTS: EventAlreadyExistsError,
    ErrorReason.ERROR_REASON_SEQUENCE_CONFLICT: SequenceConflictError,
    ErrorReason.ERROR_REASON_ILLEGAL_TRANSITION: IllegalTransitionError,
    ErrorReason.ERROR_REASON_HISTORY_TRIMMED: HistoryTrimmedError,
    ErrorReason.ERROR_REASON_CURSOR_AHEAD: CursorAheadError,
    ErrorReason.ERROR_REASON_TOO_LARGE: TooLargeError,
    ErrorReason.ERROR_REASON_OUT_OF_MEMORY: ServerOutOfMemoryError,
    ErrorReason.ERROR_REASON_STORAGE_FULL: StorageFullError,
    ErrorReason.ERROR_REASON_LIMIT_REACHED: LimitReachedError,
    ErrorReason.ERROR_REASON_STORAGE_UNAVAILABLE: StorageUnavailableError,
    ErrorReason.ERROR_REASON_DATA_CORRUPTED: DataCorruptedError,
    ErrorReason.ERROR_REASON_DRAINING: DrainingError,
    ErrorReason.ERROR_REASON_BUSY: ServerBusyError,
    ErrorReason.ERROR_REASON_INTERNAL: InternalServerError,
    ErrorReason.ERROR_REASON_UNIMPLEMENTED: UnimplementedError,
    ErrorReason.ERROR_REASON_DEADLINE_EXCEEDED: DeadlineExceededError,
    ErrorReason.ERROR_REASON_UNAUTHENTICATED: UnauthenticatedError,
    ErrorReason.ERROR_REASON_PERMISSION_DENIED: PermissionDeniedError,
}

_BY_CODE: dict[grpc.StatusCode, type[SessionStoreError]] = {
    grpc.StatusCode.UNAVAILABLE: ServerUnavailableError,
    # A server that shuts down drops the calls that it has not begun.
    grpc.StatusCode.CANCELLED: ServerUnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceededError,
    grpc.StatusCode.UNIMPLEMENTED: UnimplementedError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: TooLargeError,
    grpc.StatusCode.INTERNAL: InternalServerError,
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDeniedError,
}
"""For what gRPC itself answers, without a reason."""

_CODES = {code.value[0]: code for code in grpc.StatusCode}


def error_from_status(status: Status) -> SessionStoreError:
    """The exception for a google.rpc.Status, such as one commit of a Write stream has."""
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    kind = _BY_CODE.get(code, SessionStoreError)
    reason: int = ErrorReason.ERROR_REASON_UNSPECIFIED
    metadata: Mapping[str, str] = {}
    info, violations, retry = ErrorInfo(), BadRequest(), RetryInfo()
    retry_after_seconds = None
    for detail in status.details:
        # What is on the way to the server, such as a proxy, adds details of a domain of its own.
        if detail.Unpack(info) and info.domain == _DOMAIN:
            # A reason that only a newer client knows is told by its status alone.
            reason = ErrorReason.DESCRIPTOR.values_by_name.get(f"ERROR_REASON_{info.reason}", _UNKNOWN).number
            kind = _BY_REASON.get(reason, kind)
            metadata = dict(info.metadata)
        elif detail.Unpack(retry):
            retry_after_seconds = retry.retry_delay.ToTimedelta().total_seconds()
        else:
            detail.Unpack(violations)
    return kind(
        status.message,
        code=code,
        reason=reason,
        metadata=metadata,
        field_violations=[FieldViolation(found.field, found.description) for found in violations.field_violations],
        retry_after_seconds=retry_after_seconds,
    )


_UNKNOWN = ErrorReason.DESCRIPTOR.values_by_number[0]


def error_from_call(error: grpc.aio.AioRpcError) -> SessionStoreError:
    """The exception for a call that failed."""
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            # Details that cannot be read must not hide that the call failed.
            with suppress(DecodeError):
                return error_from_status(Status.FromString(value))
    if error.code() == grpc.StatusCode.INTERNAL and error.details() == _BROKEN_WRITE:
        return ServerUnavailableError("the connection broke during a write", code=grpc.StatusCode.UNAVAILABLE)
    return error_from_status(Status(code=error.code().value[0], message=error.details() or ""))
