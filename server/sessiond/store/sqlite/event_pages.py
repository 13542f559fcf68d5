"""Where a page of events ends: after about a certain size, and for tails never inside a commit."""

__all__ = ["EventPageBuilder"]


class EventPageBuilder:
    """Takes events in order until the page is full."""

    def __init__(self, page_bytes: int, *, whole_commits: bool) -> None:
        """`whole_commits` leaves no commit torn apart, however large the page becomes by that."""
        self._page_bytes = page_bytes
        self._whole_commits = whole_commits
        self.events: list[bytes] = []
        self._size_bytes = 0
        self._commit = -1

    def is_full_before(self, sequence: int, commit_index: int) -> bool:
        """Whether the page ends before this event."""
        if not self.events or self._size_bytes < self._page_bytes:
            return False
        # The sequences of a commit follow on each other: the difference is the sequence of its first event.
        return not self._whole_commits or sequence - commit_index != self._commit

    def add(self, sequence: int, commit_index: int, event: bytes) -> None:
        """Takes an encoded StoredEvent in."""
        self.events.append(event)
        self._commit = sequence - commit_index
        self._size_bytes += len(event)
