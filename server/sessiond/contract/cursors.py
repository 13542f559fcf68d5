"""What a cursor may point at."""

from sessiond.store.errors import CursorAheadError, HistoryTrimmedError
from sessiond.store.protocol import EventBounds

__all__ = ["check_cursor"]


def check_cursor(after: int, bounds: EventBounds, *, skip_trimmed: bool) -> None:
    """Checks that reading on after a sequence neither misses events nor begins beyond them.

    Raises CursorAheadError when no event of this sequence was ever appended, and HistoryTrimmedError when events after
    it were deleted, unless `skip_trimmed` allows for that.
    """
    if after >= bounds.next:
        raise CursorAheadError(after, bounds.last, bounds.first)
    if after + 1 < bounds.first and not skip_trimmed:
        raise HistoryTrimmedError(after, bounds.first)
