"""The one table from store errors to statuses."""

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, QuotaFailure, ResourceInfo, RetryInfo
from google.rpc.status_pb2 import Status

from sessiond.interceptors.statuses import internal_status, status_of
from sessiond.store import errors
from sessionstore.v1.error_reason_pb2 import ErrorReason

Code = grpc.StatusCode

TABLE: list[tuple[errors.StoreError, grpc.StatusCode, str, type[Message] | None]] = [
    (errors.NotFoundError.session("s"), Code.NOT_FOUND, "SESSION_NOT_FOUND", ResourceInfo),
    (errors.NotFoundError.message("m"), Code.NOT_FOUND, "MESSAGE_NOT_FOUND", ResourceInfo),
    (errors.NotFoundError.tool_call("c"), Code.NOT_FOUND, "TOOL_CALL_NOT_FOUND", ResourceInfo),
    (errors.NotFoundError.archive("s"), Code.NOT_FOUND, "ARCHIVE_NOT_FOUND", ResourceInfo),
    (
        errors.InvalidRequestError("no", ErrorReason.ERROR_REASON_MALFORMED_REQUEST),
        Code.INVALID_ARGUMENT,
        "MALFORMED_REQUEST",
        None,
    ),
    (errors.InvalidFieldError("a.b", "is bad"), Code.INVALID_ARGUMENT, "INVALID_FIELD", BadRequest),
    (errors.TooLargeError("a.b", 2, 1), Code.RESOURCE_EXHAUSTED, "TOO_LARGE", BadRequest),
    (errors.LimitReachedError.sessions(2), Code.RESOURCE_EXHAUSTED, "LIMIT_REACHED", QuotaFailure),
    (
        errors.AlreadyExistsError("message", "m", ErrorReason.ERROR_REASON_MESSAGE_ALREADY_EXISTS),
        Code.ALREADY_EXISTS,
        "MESSAGE_ALREADY_EXISTS",
        ResourceInfo,
    ),
    (errors.SequenceConflictError(None, 3), Code.ABORTED, "SEQUENCE_CONFLICT", None),
    (errors.IllegalTransitionError("c", "a", "b"), Code.FAILED_PRECONDITION, "ILLEGAL_TRANSITION", None),
    (errors.HistoryTrimmedError(1, 3), Code.OUT_OF_RANGE, "HISTORY_TRIMMED", None),
    (errors.CursorAheadError(9, 3, 0), Code.OUT_OF_RANGE, "CURSOR_AHEAD", None),
    (errors.OutOfMemoryError(), Code.RESOURCE_EXHAUSTED, "OUT_OF_MEMORY", RetryInfo),
    (errors.StorageFullError(), Code.RESOURCE_EXHAUSTED, "STORAGE_FULL", None),
    (errors.StorageUnavailableError(), Code.UNAVAILABLE, "STORAGE_UNAVAILABLE", RetryInfo),
    (errors.CorruptedError("message 3"), Code.DATA_LOSS, "DATA_CORRUPTED", None),
    (errors.BusyError(), Code.UNAVAILABLE, "BUSY", RetryInfo),
    (errors.DrainingError(), Code.UNAVAILABLE, "DRAINING", RetryInfo),
]


def unpacked(status: Status) -> list[Message]:
    """The details of a status, which must all be of a type that is known here."""
    found: list[Message] = []
    for detail in status.details:
        for kind in (ErrorInfo, BadRequest, QuotaFailure, ResourceInfo, RetryInfo):
            message = kind()
            if detail.Unpack(message):
                found.append(message)
    assert len(status.details) == len(found)
    return found


@pytest.mark.parametrize(("error", "code", "reason", "detail"), TABLE, ids=[row[2] for row in TABLE])
def test_each_error_has_its_status(
    error: errors.StoreError, code: grpc.StatusCode, reason: str, detail: type[Message] | None
) -> None:
    """The code, the message, an ErrorInfo with the reason and the facts, and at most one more detail."""
    status = status_of(error)
    info, *others = unpacked(status)
    assert (code.value[0], str(error)) == (status.code, status.message)
    assert ErrorInfo(reason=reason, domain="sessionstore", metadata=error.metadata) == info
    assert [detail] * (detail is not None) == [type(other) for other in others]


def test_every_error_of_the_store_is_in_the_table() -> None:
    """So that a new one does not end as an unforeseen failure."""
    names = {name for name in errors.__all__ if name != "StoreError"}
    assert names == {type(error).__name__ for error, *_ in TABLE}


def test_an_invalid_field_names_its_path_and_fault() -> None:
    """In BadRequest, seen from the request however deep the check was."""
    _, bad = unpacked(status_of(errors.InvalidFieldError("kind", "must be set").inside("content[2]").inside("message")))
    violation = BadRequest.FieldViolation(field="message.content[2].kind", description="must be set")
    assert BadRequest(field_violations=[violation]) == bad


def test_an_unforeseen_failure_tells_nothing() -> None:
    """INTERNAL, and what it was stays in the log."""
    status = internal_status()
    assert (Code.INTERNAL.value[0], [ErrorInfo(reason="INTERNAL", domain="sessionstore")]) == (
        status.code,
        unpacked(status),
    )
