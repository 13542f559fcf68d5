"""Rows of tool calls."""

from dataclasses import dataclass
from typing import Any

from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite.checksums import checksum
from sessiond.store.sqlite.errors import reading
from sessionstore.v1.tool_pb2 import ToolCallStatus

__all__ = ["TOOL_CALL_COLUMNS", "ToolCallRow"]

TOOL_CALL_COLUMNS = """
    tool_call_key, id, status, kind, created_at_us, started_at_us, completed_at_us, payload, result, error, stats,
    checksum
"""
"""The columns that make a ToolCallRow, in its order."""


_FINAL = {
    ToolCallStatus.TOOL_CALL_STATUS_DENIED,
    ToolCallStatus.TOOL_CALL_STATUS_COMPLETED,
    ToolCallStatus.TOOL_CALL_STATUS_FAILED,
}


@dataclass(frozen=True, slots=True)
class ToolCallRow:
    """A tool call and its state, as they are stored."""

    key: int
    id: str
    status: int
    kind: str
    created_at_us: int
    started_at_us: int | None
    completed_at_us: int | None
    payload: bytes
    result: bytes | None
    error: str | None
    stats: bytes | None
    checksum: int | None

    @classmethod
    def of(cls, session_key: int, columns: tuple[Any, ...]) -> "ToolCallRow":
        """The row with these TOOL_CALL_COLUMNS. Raises CorruptedError."""
        row = cls(*columns)
        with reading():
            total = row.sum_now(session_key)
        if row.checksum != total:
            raise CorruptedError(f"tool call {row.id!r}")
        return row

    def sum_now(self, session_key: int) -> int:
        """The sum of what the row holds."""
        return checksum(
            (
                session_key,
                self.id,
                self.status,
                self.kind,
                self.created_at_us,
                self.started_at_us,
                self.completed_at_us,
                self.error,
            ),
            self.payload,
            self.result,
            self.stats,
        )

    @property
    def is_final(self) -> bool:
        """Whether it is settled: nothing changes it any more, and nobody waits for it."""
        return self.status in _FINAL

    @property
    def size_bytes(self) -> int:
        """What it counts for among the bytes of its session, and of an item."""
        error_bytes = len((self.error or "").encode())
        return len(self.payload) + len(self.result or b"") + error_bytes + len(self.stats or b"")
