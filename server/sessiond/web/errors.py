"""The daemon's statuses, as errors of Connect and gRPC-Web."""

from collections.abc import Mapping

import grpc
from connectrpc.code import Code
from connectrpc.errors import ConnectError, ErrorDetail
from google.rpc.status_pb2 import Status
from protobuf.wkt import Any

__all__ = ["call_error", "connect_error"]

_CODES: Mapping[int, Code] = {
    code.value[0]: Code.CANCELED if code is grpc.StatusCode.CANCELLED else Code(code.name.lower())
    for code in grpc.StatusCode
    if code is not grpc.StatusCode.OK
}


def connect_error(status: Status) -> ConnectError:
    """The error of a status, with its details."""
    details = [ErrorDetail(Any(type_url=detail.type_url, value=detail.value)) for detail in status.details]
    return ConnectError(_CODES[status.code], status.message, details)


def call_error(error: grpc.aio.AioRpcError) -> ConnectError:
    """The error of a call to the daemon that failed, with its details."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            return connect_error(Status.FromString(value))
    text = error.details() or ""
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        # What gRPC says here names the socket between the two.
        text = "the daemon is stopping; try again"
    return connect_error(Status(code=error.code().value[0], message=text))
