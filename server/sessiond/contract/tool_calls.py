"""How a tool call moves from status to status."""

from sessiond.store.errors import IllegalTransitionError
from sessionstore.v1.tool_pb2 import ToolCallStatus, ToolResult

__all__ = ["FINAL_STATUSES", "check_transition", "result_kind", "status_name"]

_PENDING = ToolCallStatus.TOOL_CALL_STATUS_PENDING_APPROVAL
_APPROVED = ToolCallStatus.TOOL_CALL_STATUS_APPROVED
_DENIED = ToolCallStatus.TOOL_CALL_STATUS_DENIED
_EXECUTING = ToolCallStatus.TOOL_CALL_STATUS_EXECUTING
_COMPLETED = ToolCallStatus.TOOL_CALL_STATUS_COMPLETED
_FAILED = ToolCallStatus.TOOL_CALL_STATUS_FAILED

FINAL_STATUSES = frozenset({_DENIED, _COMPLETED, _FAILED})

_NEXT: dict[int, frozenset[int]] = {
    _PENDING: frozenset({_APPROVED, _DENIED, _EXECUTING, _COMPLETED, _FAILED}),
    _APPROVED: frozenset({_EXECUTING, _DENIED, _COMPLETED, _FAILED}),
    _EXECUTING: frozenset({_COMPLETED, _FAILED}),
}


def status_name(status: int) -> str:
    """The short name of a status, such as `completed`."""
    if status not in ToolCallStatus.values():
        return str(status)
    return ToolCallStatus.Name(ToolCallStatus.ValueType(status)).removeprefix("TOOL_CALL_STATUS_").lower()


def check_transition(tool_call_id: str, from_status: int, to_status: int) -> bool:
    """Whether a tool call moves: True when it may, False when it stays where it is.

    Raises IllegalTransitionError, naming both, when it may not.
    """
    if from_status == to_status:
        return False
    if to_status not in _NEXT.get(from_status, frozenset()):
        raise IllegalTransitionError(tool_call_id, status_name(from_status), status_name(to_status))
    return True


def result_kind(result: ToolResult) -> str:
    """The kind that a result gives its tool call: the name of its type, or `external` when that is not known."""
    return result.WhichOneof("kind") or "external"
