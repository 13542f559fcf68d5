"""The one table from errors to gRPC statuses, and the details that go with them."""

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, QuotaFailure, ResourceInfo, RetryInfo
from google.rpc.status_pb2 import Status

from sessiond.access.refusals import PermissionDeniedError, UnauthenticatedError
from sessiond.interceptors.unknown_calls import UnknownCallError
from sessiond.store import errors
from sessionstore.v1.error_reason_pb2 import ErrorReason

__all__ = ["ERROR_DOMAIN", "internal_status", "reason_name", "status_of"]

ERROR_DOMAIN = "sessionstore"
RETRY_AFTER_SECONDS = 1

_REASON_PREFIX = "ERROR_REASON_"

_NAMES = {value.number: value.name.removeprefix(_REASON_PREFIX) for value in ErrorReason.DESCRIPTOR.values}

_TYPE_URL = "type.googleapis.com/"

_CODES: dict[type[errors.StoreError], grpc.StatusCode] = {
    errors.NotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.InvalidRequestError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.InvalidFieldError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.TooLargeError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.LimitReachedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.AlreadyExistsError: grpc.StatusCode.ALREADY_EXISTS,
    errors.SequenceConflictError: grpc.StatusCode.ABORTED,
    errors.IllegalTransitionError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.HistoryTrimmedError: grpc.StatusCode.OUT_OF_RANGE,
    errors.CursorAheadError: grpc.StatusCode.OUT_OF_RANGE,
    errors.OutOfMemoryError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.StorageFullError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.StorageUnavailableError: grpc.StatusCode.UNAVAILABLE,
    errors.CorruptedError: grpc.StatusCode.DATA_LOSS,
    errors.DrainingError: grpc.StatusCode.UNAVAILABLE,
    errors.BusyError: grpc.StatusCode.UNAVAILABLE,
    UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
    PermissionDeniedError: grpc.StatusCode.PERMISSION_DENIED,
    UnknownCallError: grpc.StatusCode.UNIMPLEMENTED,
}


def reason_name(reason: ErrorReason) -> str:
    """The name of a reason, as clients see it."""
    return _NAMES[reason]


def _details(error: errors.StoreError) -> list[Message]:
    info = ErrorInfo(reason=reason_name(error.reason), domain=ERROR_DOMAIN)
    for name, value in error.metadata.items():
        info.metadata[name] = value
    details: list[Message] = [info]
    match error:
        case errors.NotFoundError() | errors.AlreadyExistsError():
            details.append(
                ResourceInfo(resource_type=error.resource_type, resource_name=error.resource_id, description=str(error))
            )
        case errors.InvalidFieldError():
            violation = BadRequest.FieldViolation(field=error.field, description=error.description)
            details.append(BadRequest(field_violations=[violation]))
        case errors.TooLargeError():
            violation = BadRequest.FieldViolation(field=error.field, description=str(error))
            details.append(BadRequest(field_violations=[violation]))
        case errors.LimitReachedError():
            exceeded = QuotaFailure.Violation(subject=error.limit, description=error.description)
            details.append(QuotaFailure(violations=[exceeded]))
        case errors.DrainingError() | errors.BusyError() | errors.StorageUnavailableError() | errors.OutOfMemoryError():
            details.append(RetryInfo(retry_delay=Duration(seconds=RETRY_AFTER_SECONDS)))
    return details


def _status(code: grpc.StatusCode, message: str, details: list[Message]) -> Status:
    status = Status(code=code.value[0], message=message)
    for detail in details:
        # What Any.Pack does, without a copy.
        status.details.add(type_url=f"{_TYPE_URL}{detail.DESCRIPTOR.full_name}", value=detail.SerializeToString())
    return status


def status_of(error: errors.StoreError) -> Status:
    """The status that a store error ends a call with, details included."""
    return _status(_CODES[type(error)], str(error), _details(error))


def internal_status() -> Status:
    """The status of an error that nobody foresaw; what it was stays in the server's log."""
    error = errors.StoreError("the server failed unexpectedly; its log tells more", ErrorReason.ERROR_REASON_INTERNAL)
    return _status(grpc.StatusCode.INTERNAL, str(error), _details(error))
