"""How a tool call moves: every pair of statuses."""

import pytest

from sessiond.contract.tool_calls import FINAL_STATUSES, check_transition, result_kind, status_name
from sessiond.store.errors import IllegalTransitionError
from sessionstore.v1.error_reason_pb2 import ErrorReason
from sessionstore.v1.tool_pb2 import BashResult, CancelledError, ToolCallStatus, ToolError, ToolResult

PENDING = ToolCallStatus.TOOL_CALL_STATUS_PENDING_APPROVAL
APPROVED = ToolCallStatus.TOOL_CALL_STATUS_APPROVED
DENIED = ToolCallStatus.TOOL_CALL_STATUS_DENIED
EXECUTING = ToolCallStatus.TOOL_CALL_STATUS_EXECUTING
COMPLETED = ToolCallStatus.TOOL_CALL_STATUS_COMPLETED
FAILED = ToolCallStatus.TOOL_CALL_STATUS_FAILED

EVERY = (PENDING, APPROVED, DENIED, EXECUTING, COMPLETED, FAILED)

LEGAL = {
    (PENDING, APPROVED),
    (PENDING, DENIED),
    (PENDING, EXECUTING),
    (PENDING, COMPLETED),
    (PENDING, FAILED),
    (APPROVED, EXECUTING),
    (APPROVED, DENIED),
    (APPROVED, COMPLETED),
    (APPROVED, FAILED),
    (EXECUTING, COMPLETED),
    (EXECUTING, FAILED),
}

PAIRS = [(old, new) for old in EVERY for new in EVERY]


@pytest.mark.parametrize(("old", "new"), PAIRS, ids=[f"{status_name(a)}-{status_name(b)}" for a, b in PAIRS])
def test_every_pair_of_statuses(old: int, new: int) -> None:
    """The legal ones move, the same again stays, and all others are refused with both names."""
    if old == new:
        assert False is check_transition("c", old, new)
    elif (old, new) in LEGAL:
        assert True is check_transition("c", old, new)
    else:
        with pytest.raises(IllegalTransitionError) as caught:
            check_transition("c", old, new)
        assert ErrorReason.ERROR_REASON_ILLEGAL_TRANSITION == caught.value.reason
        assert {"tool_call_id": "c", "from_status": status_name(old), "to_status": status_name(new)} == (
            caught.value.metadata
        )


def test_a_final_status_leads_nowhere() -> None:
    """Denied, completed and failed are final, and no other status is."""
    leads_on = {old for old, _ in LEGAL}
    assert set(EVERY) - leads_on == set(FINAL_STATUSES)


@pytest.mark.parametrize("status", [0, 99, -1])
def test_a_status_that_is_not_known_is_reached_from_none(status: int) -> None:
    """Nor does one lead on, and its name is its number."""
    with pytest.raises(IllegalTransitionError):
        check_transition("c", PENDING, status)
    with pytest.raises(IllegalTransitionError):
        check_transition("c", status, COMPLETED)


def test_statuses_have_short_names() -> None:
    """As errors show them."""
    assert ["pending_approval", "approved", "denied", "executing", "completed", "failed", "99"] == [
        status_name(status) for status in (*EVERY, 99)
    ]


def test_the_kind_of_a_result_is_the_name_of_its_type() -> None:
    """A kind that only a newer client knows counts as external."""
    assert "bash" == result_kind(ToolResult(bash=BashResult(stdout="x")))
    assert "error" == result_kind(ToolResult(error=ToolError(cancelled=CancelledError())))
    assert "external" == result_kind(ToolResult())
