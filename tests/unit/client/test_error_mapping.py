"""From the status of a call to the exception, with its facts."""

import copy
import pickle

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, Help, RetryInfo
from google.rpc.status_pb2 import Status

from sessionstore import errors
from sessionstore.v1.error_reason_pb2 import ErrorReason


def status(code: grpc.StatusCode, *details: Message, message: str = "no") -> Status:
    made = Status(code=code.value[0], message=message)
    for detail in details:
        packed = Any()
        packed.Pack(detail)
        made.details.append(packed)
    return made


def info(reason: str, domain: str = "sessionstore", **metadata: str) -> ErrorInfo:
    return ErrorInfo(reason=reason, domain=domain, metadata=metadata)


def failed_call(
    code: grpc.StatusCode, details: bytes | None = None, message: str = "what gRPC says"
) -> grpc.aio.AioRpcError:
    trailing = grpc.aio.Metadata() if details is None else grpc.aio.Metadata(("grpc-status-details-bin", details))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, message)


def test_every_reason_has_an_exception_of_its_own() -> None:
    """No reason that the server may send maps to the bare base class or shares its exception."""
    names = [name for name, number in ErrorReason.items() if number]
    kinds = [
        type(errors.error_from_status(status(grpc.StatusCode.UNKNOWN, info(name.removeprefix("ERROR_REASON_")))))
        for name in names
    ]
    assert errors.SessionStoreError not in kinds
    assert len(kinds) == len(set(kinds))


def test_the_facts_of_a_status_are_attributes() -> None:
    """Text, code, reason, metadata, fields and the time to wait are all kept."""
    violation = BadRequest.FieldViolation(field="event.kind", description="must be set")
    error = errors.error_from_status(
        status(
            grpc.StatusCode.INVALID_ARGUMENT,
            Help(),
            info("INVALID_FIELD", extra="1"),
            BadRequest(field_violations=[violation]),
            RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000)),
            message="event.kind must be set",
        )
    )
    assert type(error) is errors.InvalidFieldError
    assert str(error) == "event.kind must be set"
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason == ErrorReason.ERROR_REASON_INVALID_FIELD
    assert error.metadata == {"extra": "1"}
    assert error.field_violations == (errors.FieldViolation("event.kind", "must be set"),)
    assert error.retry_after_seconds == 1.5


def test_numbers_of_the_metadata_are_numbers() -> None:
    """Sequences and sizes are integers, and None where the metadata is empty."""
    conflict = info("SEQUENCE_CONFLICT", expected_last_sequence="", actual_last_sequence="7")
    error = errors.error_from_status(status(grpc.StatusCode.ABORTED, conflict))
    assert isinstance(error, errors.SequenceConflictError)
    assert (error.expected, error.actual) == (None, 7)
    error = errors.error_from_status(
        status(grpc.StatusCode.OUT_OF_RANGE, info("HISTORY_TRIMMED", first_available_sequence="12"))
    )
    assert isinstance(error, errors.HistoryTrimmedError)
    assert error.first_available_sequence == 12
    error = errors.error_from_status(status(grpc.StatusCode.OUT_OF_RANGE, info("CURSOR_AHEAD", last_sequence="3")))
    assert isinstance(error, errors.CursorAheadError)
    assert error.last_sequence == 3
    too_large = info("TOO_LARGE", size_bytes="20", limit_bytes="10")
    error = errors.error_from_status(status(grpc.StatusCode.RESOURCE_EXHAUSTED, too_large))
    assert isinstance(error, errors.TooLargeError)
    assert (error.size_bytes, error.limit_bytes) == (20, 10)
    transition = info("ILLEGAL_TRANSITION", from_status="DENIED", to_status="COMPLETED")
    error = errors.error_from_status(status(grpc.StatusCode.FAILED_PRECONDITION, transition))
    assert isinstance(error, errors.IllegalTransitionError)
    assert (error.from_status, error.to_status) == ("DENIED", "COMPLETED")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (grpc.StatusCode.UNAVAILABLE, errors.ServerUnavailableError),
        (grpc.StatusCode.CANCELLED, errors.ServerUnavailableError),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.DeadlineExceededError),
        (grpc.StatusCode.UNIMPLEMENTED, errors.UnimplementedError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.TooLargeError),
        (grpc.StatusCode.INTERNAL, errors.InternalServerError),
        (grpc.StatusCode.UNAUTHENTICATED, errors.UnauthenticatedError),
        (grpc.StatusCode.PERMISSION_DENIED, errors.PermissionDeniedError),
        (grpc.StatusCode.DATA_LOSS, errors.SessionStoreError),
    ],
)
def test_what_grpc_itself_answers_has_an_exception(
    code: grpc.StatusCode, expected: type[errors.SessionStoreError]
) -> None:
    """A status without details is told by its code."""
    error = errors.error_from_call(failed_call(code))
    assert type(error) is expected
    assert (error.code, str(error)) == (code, "what gRPC says")
    assert error.reason == ErrorReason.ERROR_REASON_UNSPECIFIED


def test_a_draining_server_is_an_unavailable_one() -> None:
    """Who catches ServerUnavailableError catches both."""
    error = errors.error_from_status(status(grpc.StatusCode.UNAVAILABLE, info("DRAINING")))
    assert type(error) is errors.DrainingError
    assert isinstance(error, errors.ServerUnavailableError)


def test_the_details_of_a_call_are_read() -> None:
    """The trailing metadata of a call carries the whole status."""
    packed = status(grpc.StatusCode.NOT_FOUND, info("MESSAGE_NOT_FOUND")).SerializeToString()
    assert type(errors.error_from_call(failed_call(grpc.StatusCode.NOT_FOUND, packed))) is errors.MessageNotFoundError


def test_unreadable_details_do_not_hide_the_failure() -> None:
    """A call whose details are no Status fails with its code and text."""
    error = errors.error_from_call(failed_call(grpc.StatusCode.UNAVAILABLE, b"\xff\xff\xff"))
    assert type(error) is errors.ServerUnavailableError
    assert str(error) == "what gRPC says"


def test_a_write_that_breaks_is_an_unavailable_server() -> None:
    """A connection that is lost while a stream is written looks internal to gRPC, and is not."""
    broken = failed_call(grpc.StatusCode.INTERNAL, message="Internal error from Core")
    error = errors.error_from_call(broken)
    assert (type(error), error.code) == (errors.ServerUnavailableError, grpc.StatusCode.UNAVAILABLE)


def test_a_reason_of_a_newer_server_is_told_by_its_code() -> None:
    """An unknown reason keeps its metadata and is not taken for another."""
    error = errors.error_from_status(status(grpc.StatusCode.UNAVAILABLE, info("ON_FIRE", where="attic")))
    assert type(error) is errors.ServerUnavailableError
    assert (error.reason, error.metadata) == (ErrorReason.ERROR_REASON_UNSPECIFIED, {"where": "attic"})


def test_details_of_another_domain_are_not_ours() -> None:
    """A proxy's reason and metadata are left alone."""
    error = errors.error_from_status(
        status(grpc.StatusCode.NOT_FOUND, info("SESSION_NOT_FOUND", domain="proxy.example", route="x"))
    )
    assert type(error) is errors.SessionStoreError
    assert error.metadata == {}


def test_exceptions_survive_pickle_and_copy() -> None:
    """An exception that crosses a process keeps its facts."""
    found = errors.error_from_status(
        status(grpc.StatusCode.ABORTED, info("SEQUENCE_CONFLICT", actual_last_sequence="7"))
    )
    again = pickle.loads(pickle.dumps(found))  # noqa: S301 - made here
    assert (type(again), str(again), again.actual) == (errors.SequenceConflictError, "no", 7)
    deleted = copy.copy(errors.SessionDeletedError("gone", archived=True))
    assert (str(deleted), deleted.archived) == ("gone", True)
    assert isinstance(deleted, errors.SessionNotFoundError)
