"""What a cursor may point at."""

import pytest

from sessiond.contract.cursors import check_cursor
from sessiond.store.errors import CursorAheadError, HistoryTrimmedError
from sessiond.store.protocol import EventBounds

WHOLE = EventBounds(first=0, next=5)
TRIMMED = EventBounds(first=3, next=5)
EMPTIED = EventBounds(first=5, next=5)
FRESH = EventBounds(first=0, next=0)


@pytest.mark.parametrize(
    ("after", "bounds"),
    [(0, WHOLE), (3, WHOLE), (4, WHOLE), (-1, WHOLE), (2, TRIMMED), (4, TRIMMED), (4, EMPTIED), (-1, FRESH)],
)
@pytest.mark.parametrize("skip_trimmed", [False, True])
def test_a_cursor_that_misses_nothing_is_good(after: int, bounds: EventBounds, skip_trimmed: bool) -> None:
    """On any event ever appended whose successor is stored, or will be; -1 stands for none seen."""
    check_cursor(after, bounds, skip_trimmed=skip_trimmed)


@pytest.mark.parametrize(
    ("after", "bounds", "last"), [(5, WHOLE, "4"), (2**63 - 1, TRIMMED, "4"), (5, EMPTIED, "4"), (0, FRESH, "")]
)
@pytest.mark.parametrize("skip_trimmed", [False, True])
def test_a_cursor_beyond_the_newest_event_is_refused(
    after: int, bounds: EventBounds, last: str, skip_trimmed: bool
) -> None:
    """Whether or not trimmed events may be skipped, and with the newest sequence, if there ever was one."""
    with pytest.raises(CursorAheadError) as caught:
        check_cursor(after, bounds, skip_trimmed=skip_trimmed)
    assert {
        "after_sequence": str(after),
        "last_sequence": last,
        "first_available_sequence": str(bounds.first),
    } == caught.value.metadata


@pytest.mark.parametrize(("after", "bounds", "named"), [(1, TRIMMED, "1"), (-1, TRIMMED, ""), (0, EMPTIED, "0")])
def test_a_cursor_before_deleted_events_is_refused_unless_they_may_be_skipped(
    after: int, bounds: EventBounds, named: str
) -> None:
    """With the sequence to go on with."""
    with pytest.raises(HistoryTrimmedError) as caught:
        check_cursor(after, bounds, skip_trimmed=False)
    assert {"after_sequence": named, "first_available_sequence": str(bounds.first)} == caught.value.metadata
    check_cursor(after, bounds, skip_trimmed=True)
