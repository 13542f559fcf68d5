"""The mutation that changes a tool call."""

from dataclasses import replace
from typing import cast

from sessiond.contract.limits import Limits
from sessiond.contract.timestamps import floor_us, set_us
from sessiond.contract.tool_calls import check_transition, result_kind, status_name
from sessiond.store.errors import IllegalTransitionError, LimitReachedError, NotFoundError, TooLargeError
from sessiond.store.sqlite.misses import check_missing_tool_call
from sessiond.store.sqlite.session_rows import SessionRow, is_beyond
from sessiond.store.sqlite.tool_call_rows import TOOL_CALL_COLUMNS, ToolCallRow
from sessiond.store.sqlite.transaction import WriteTransaction
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.tool_pb2 import ToolCallStatus

__all__ = ["UpdateToolCall"]

_ENDED = {ToolCallStatus.TOOL_CALL_STATUS_COMPLETED, ToolCallStatus.TOOL_CALL_STATUS_FAILED}


class UpdateToolCall:
    """Changes a tool call's status, result, error or stats."""

    _SELECT = f"SELECT {TOOL_CALL_COLUMNS} FROM tool_calls WHERE session_key = ? AND id = ?"  # noqa: S608 - our own names
    _UPDATE = """
        UPDATE tool_calls SET status = ?, kind = ?, started_at_us = ?, completed_at_us = ?, result = ?, error = ?,
               stats = ?, checksum = ?
        WHERE tool_call_key = ?
    """

    def __init__(self, update: pb.ToolCallUpdate, limits: Limits) -> None:
        self._id = update.tool_call_id
        self._status = int(update.status) if update.HasField("status") else None
        self._result = update.result.SerializeToString(deterministic=True) if update.HasField("result") else None
        self._kind = result_kind(update.result) if update.HasField("result") else None
        self._error = update.error if update.HasField("error") else None
        self._stats = update.stats.SerializeToString(deterministic=True) if update.HasField("stats") else None
        self._changed_at_us = floor_us(update.changed_at) if update.HasField("changed_at") else None
        self._limits = limits

    def current(self, transaction: WriteTransaction, row: SessionRow) -> pb.MutationResult:
        """The result as of now."""
        return _answer(self._select(transaction, row))

    def apply(self, transaction: WriteTransaction, row: SessionRow) -> pb.MutationResult:
        """Makes the change. Raises NotFoundError, IllegalTransitionError, TooLargeError."""
        old = self._select(transaction, row)
        new = replace(
            old,
            status=old.status if self._status is None else self._status,
            result=old.result if self._result is None else self._result,
            error=old.error if self._error is None else self._error,
            stats=old.stats if self._stats is None else self._stats,
        )
        if new == old:
            return _answer(old)
        moves = check_transition(self._id, old.status, new.status)
        if not moves and old.is_final:
            name = status_name(old.status)
            raise IllegalTransitionError(self._id, name, name, " with other content: it is final")
        grown_bytes = new.size_bytes - old.size_bytes
        # What was stored under a larger limit can still be settled.
        if grown_bytes > 0 and new.size_bytes > self._limits.max_item_bytes:
            raise TooLargeError("update", new.size_bytes, self._limits.max_item_bytes)
        if grown_bytes > 0 and is_beyond(row, grown_bytes, self._limits):
            raise LimitReachedError.size(row.id, self._limits.max_bytes_per_session)
        new = self._derived(new, transaction.now_us, moves=moves)
        transaction.connection.execute(
            self._UPDATE,
            (
                new.status,
                new.kind,
                new.started_at_us,
                new.completed_at_us,
                new.result,
                new.error,
                new.stats,
                new.sum_now(row.session_key),
                new.key,
            ),
        )
        row.stored_bytes += grown_bytes
        row.unfinished_tool_calls += old.is_final - new.is_final
        transaction.changed(row)
        return _answer(new)

    def _select(self, transaction: WriteTransaction, row: SessionRow) -> ToolCallRow:
        found = transaction.connection.execute(self._SELECT, (row.session_key, self._id)).fetchone()
        if found is None:
            check_missing_tool_call(transaction.connection, row.session_key, self._id)
            raise NotFoundError.tool_call(self._id)
        return ToolCallRow.of(row.session_key, found)

    def _derived(self, new: ToolCallRow, now_us: int, *, moves: bool) -> ToolCallRow:
        at_us = now_us if self._changed_at_us is None else self._changed_at_us
        if moves and new.status == ToolCallStatus.TOOL_CALL_STATUS_EXECUTING:
            new = replace(new, started_at_us=at_us)
        if moves and new.status in _ENDED:
            new = replace(new, completed_at_us=at_us)
        if self._error is not None:
            return replace(new, kind="error")
        return new if self._kind is None else replace(new, kind=self._kind)


def _answer(row: ToolCallRow) -> pb.MutationResult:
    response = pb.UpdateToolCallResponse(status=cast("ToolCallStatus", row.status), kind=row.kind)
    if row.started_at_us is not None:
        set_us(response.started_at, row.started_at_us)
    if row.completed_at_us is not None:
        set_us(response.completed_at, row.completed_at_us)
    return pb.MutationResult(update_tool_call=response)
