"""The errors of the store. Each names its reason; the server turns the class into a status in one table."""

from collections.abc import Mapping

from sessionstore.v1.error_reason_pb2 import ErrorReason

__all__ = [
    "AlreadyExistsError",
    "BusyError",
    "CorruptedError",
    "CursorAheadError",
    "DrainingError",
    "HistoryTrimmedError",
    "IllegalTransitionError",
    "InvalidFieldError",
    "InvalidRequestError",
    "LimitReachedError",
    "NotFoundError",
    "OutOfMemoryError",
    "SequenceConflictError",
    "StorageFullError",
    "StorageUnavailableError",
    "StoreError",
    "TooLargeError",
]


class StoreError(Exception):
    """An error that the client is told about.

    Attributes:
        reason: The value of ErrorReason.
        metadata: The machine-readable facts, as google.rpc.ErrorInfo carries them.
    """

    def __init__(self, message: str, reason: ErrorReason, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.metadata = dict(metadata or {})


class NotFoundError(StoreError):
    """What the call names does not exist.

    Attributes:
        resource_type: `session`, `message`, `tool call` or `archive`.
        resource_id: Its id, as the client gave it.
    """

    def __init__(self, resource_type: str, resource_id: str, reason: ErrorReason) -> None:
        super().__init__(f"no {resource_type} {resource_id!r}", reason)
        self.resource_type = resource_type
        self.resource_id = resource_id

    @classmethod
    def session(cls, session_id: str) -> "NotFoundError":
        """No session of this id."""
        return cls("session", session_id, ErrorReason.ERROR_REASON_SESSION_NOT_FOUND)

    @classmethod
    def message(cls, message_id: str) -> "NotFoundError":
        """No message of this id in the session."""
        return cls("message", message_id, ErrorReason.ERROR_REASON_MESSAGE_NOT_FOUND)

    @classmethod
    def tool_call(cls, tool_call_id: str) -> "NotFoundError":
        """No tool call of this id in the session."""
        return cls("tool call", tool_call_id, ErrorReason.ERROR_REASON_TOOL_CALL_NOT_FOUND)

    @classmethod
    def archive(cls, session_id: str) -> "NotFoundError":
        """No archived session of this id."""
        return cls("archive", session_id, ErrorReason.ERROR_REASON_ARCHIVE_NOT_FOUND)


class InvalidRequestError(StoreError):
    """The request as a whole is not acceptable."""


class InvalidFieldError(InvalidRequestError):
    """A field of the request is not acceptable.

    Attributes:
        field: The path of the field, such as `message.content[2].kind`.
        description: What is wrong, the limit and what to do.
    """

    def __init__(
        self, field: str, description: str, reason: ErrorReason = ErrorReason.ERROR_REASON_INVALID_FIELD
    ) -> None:
        super().__init__(f"{field}: {description}", reason, {"field": field})
        self.field = field
        self.description = description

    def inside(self, prefix: str) -> "InvalidFieldError":
        """The same error, seen from a message that holds the field under `prefix`."""
        return InvalidFieldError(f"{prefix}.{self.field}", self.description, self.reason)


class TooLargeError(StoreError):
    """An item, a commit or a request is larger than its limit.

    Attributes:
        field: The path of the field that is too large.
    """

    def __init__(self, field: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"{field}: {size_bytes} bytes are more than the limit of {limit_bytes}; split it, or keep large content "
            "elsewhere and store a reference",
            ErrorReason.ERROR_REASON_TOO_LARGE,
            {"field": field, "size_bytes": str(size_bytes), "limit_bytes": str(limit_bytes)},
        )
        self.field = field
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes

    def inside(self, prefix: str) -> "TooLargeError":
        """The same error, seen from a message that holds the field under `prefix`."""
        return TooLargeError(f"{prefix}.{self.field}", self.size_bytes, self.limit_bytes)


class LimitReachedError(StoreError):
    """As much is kept as the server allows.

    Attributes:
        limit: The name of the field of `Limits`.
        description: How much there may be of what, and what to do.
    """

    def __init__(self, limit: str, value: int, description: str) -> None:
        super().__init__(
            f"{limit}: {description}",
            ErrorReason.ERROR_REASON_LIMIT_REACHED,
            {"limit": limit, "limit_value": str(value)},
        )
        self.limit = limit
        self.description = description

    @classmethod
    def sessions(cls, value: int) -> "LimitReachedError":
        """The store holds as many sessions as it may, or more, since the limit was a higher one."""
        return cls("max_sessions", value, f"the store may hold {value} sessions; delete sessions or archives")

    @classmethod
    def events(cls, session_id: str, value: int) -> "LimitReachedError":
        """A session would hold more events than it may; it may hold fewer than that, or more."""
        return cls(
            "max_events_per_session",
            value,
            f"session {session_id!r} may hold {value} events; delete its oldest, or go on in a new session",
        )

    @classmethod
    def size(cls, session_id: str, value: int) -> "LimitReachedError":
        """A session holds as many bytes as it may."""
        return cls(
            "max_bytes_per_session",
            value,
            f"session {session_id!r} may hold {value} bytes; delete its oldest events, or go on in a new session",
        )

    @classmethod
    def tails(cls, value: int) -> "LimitReachedError":
        """A client has as many tails open as it may."""
        return cls("max_tails_per_client", value, f"the client may have {value} tails open; close some first")


class AlreadyExistsError(StoreError):
    """The id is taken by something else.

    Attributes:
        resource_type: `session`, `message`, `tool call` or `event`.
        resource_id: The id, as the client gave it.
    """

    def __init__(self, resource_type: str, resource_id: str, reason: ErrorReason, detail: str = "") -> None:
        super().__init__(
            detail or f"{resource_type} {resource_id!r} exists with other content; a new one needs an id of its own",
            reason,
        )
        self.resource_type = resource_type
        self.resource_id = resource_id


class SequenceConflictError(StoreError):
    """The newest event is not the one that the writer expected."""

    def __init__(self, expected: int | None, actual: int | None) -> None:
        super().__init__(
            f"expected the last event to be {_name(expected)}, found {_name(actual)}; read on and decide again",
            ErrorReason.ERROR_REASON_SEQUENCE_CONFLICT,
            {"expected_last_sequence": _text(expected), "actual_last_sequence": _text(actual)},
        )


class IllegalTransitionError(StoreError):
    """A tool call cannot change as asked."""

    def __init__(self, tool_call_id: str, from_status: str, to_status: str, detail: str = "") -> None:
        super().__init__(
            f"tool call {tool_call_id!r} cannot go from {from_status} to {to_status}{detail}",
            ErrorReason.ERROR_REASON_ILLEGAL_TRANSITION,
            {"tool_call_id": tool_call_id, "from_status": from_status, "to_status": to_status},
        )


class HistoryTrimmedError(StoreError):
    """The events after the cursor were deleted."""

    def __init__(self, after_sequence: int, first_available: int) -> None:
        cursor = after_sequence if after_sequence >= 0 else None
        super().__init__(
            f"events after {_name(cursor)} were deleted; the first available is {first_available}",
            ErrorReason.ERROR_REASON_HISTORY_TRIMMED,
            {"after_sequence": _text(cursor), "first_available_sequence": str(first_available)},
        )


class CursorAheadError(StoreError):
    """The cursor lies beyond the newest event: it is not of this session, or of another copy of the store."""

    def __init__(self, after_sequence: int, last: int | None, first_available: int) -> None:
        super().__init__(
            f"sequence {after_sequence} lies beyond the newest event ({_name(last)}); the cursor is of another session"
            " or store",
            ErrorReason.ERROR_REASON_CURSOR_AHEAD,
            {
                "after_sequence": str(after_sequence),
                "last_sequence": _text(last),
                "first_available_sequence": str(first_available),
            },
        )


class StorageFullError(StoreError):
    """The disk has no room for the write; nothing of it was kept."""

    def __init__(self) -> None:
        super().__init__(
            "the store's disk is full; nothing was written, reads go on; delete sessions, trim events in steps, or free"
            " space otherwise, and repeat",
            ErrorReason.ERROR_REASON_STORAGE_FULL,
        )


class StorageUnavailableError(StoreError):
    """The storage cannot be used for now."""

    def __init__(self, message: str = "the storage cannot be used for now; repeat later") -> None:
        super().__init__(message, ErrorReason.ERROR_REASON_STORAGE_UNAVAILABLE)


class OutOfMemoryError(StoreError):
    """There is no memory for the call; nothing of it was kept."""

    def __init__(self) -> None:
        super().__init__(
            "the server has too little memory for the call; nothing was written; repeat later, ask for less at once, or"
            " give it more",
            ErrorReason.ERROR_REASON_OUT_OF_MEMORY,
        )


class CorruptedError(StoreError):
    """A stored row cannot be read back."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is damaged in the store", ErrorReason.ERROR_REASON_DATA_CORRUPTED)


class DrainingError(StoreError):
    """The server is shutting down; the call can be repeated at its successor."""

    def __init__(self) -> None:
        super().__init__("the server is shutting down; repeat the call", ErrorReason.ERROR_REASON_DRAINING)


class BusyError(StoreError):
    """The server has as much to do as it takes in at once."""

    def __init__(self) -> None:
        super().__init__(
            "the server has too many large requests waiting; repeat the call in a moment", ErrorReason.ERROR_REASON_BUSY
        )


def _text(sequence: int | None) -> str:
    return "" if sequence is None else str(sequence)


def _name(sequence: int | None) -> str:
    return "no events" if sequence is None else f"sequence {sequence}"
