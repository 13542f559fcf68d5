"""How a failed call is compared."""

from typing import Any

import grpc
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, ResourceInfo, RetryInfo
from google.rpc.status_pb2 import Status

__all__ = ["of_call", "of_status"]

_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}


def of_call(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    """The failure of a call."""
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    status = Status.FromString(details if isinstance(details, bytes) else details.encode())
    return {**of_status(status), "code": error.code().name, "message": error.details() or ""}


def of_status(status: Status) -> dict[str, Any]:
    """The failure of one commit of a stream."""
    failure: dict[str, Any] = {"code": _NAMES[status.code], "message": status.message}
    info, bad, resource = ErrorInfo(), BadRequest(), ResourceInfo()
    for detail in status.details:
        if detail.Unpack(info):
            failure.update(domain=info.domain, reason=info.reason)
            if info.metadata:
                failure["metadata"] = dict(info.metadata)
        elif detail.Unpack(bad):
            failure["fields"] = [violation.field for violation in bad.field_violations]
        elif detail.Unpack(resource):
            failure["resource"] = {"type": resource.resource_type, "name": resource.resource_name}
        elif detail.Is(RetryInfo.DESCRIPTOR):
            failure["retry"] = True
    return failure
