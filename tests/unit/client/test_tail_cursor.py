"""What a tail accounts for, frame by frame, without a connection."""

from typing import Any

import pytest

from sessionstore import errors
from sessionstore.tailing import TailCursor
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import StoredEvent


def cursor(**fields: Any) -> TailCursor:
    return TailCursor(pb.TailEventsRequest(session_id="s", **fields))


def batch(first: int, last: int, *sequences: int) -> pb.TailEventsResponse:
    events = [StoredEvent(sequence=sequence) for sequence in sequences or range(first, last + 1)]
    return pb.TailEventsResponse(events=pb.TailedEvents(first_sequence=first, last_sequence=last, events=events))


def caught_up(last: int | None) -> pb.TailEventsResponse:
    return pb.TailEventsResponse(caught_up=pb.CaughtUp(last_sequence=last))


def heartbeat(last: int | None) -> pb.TailEventsResponse:
    return pb.TailEventsResponse(heartbeat=pb.Heartbeat(last_sequence=last))


def drained(tail: TailCursor) -> list[int]:
    taken = []
    while (event := tail.next_event()) is not None:
        taken.append(event.sequence)
    return taken


def test_events_come_one_by_one_and_in_order() -> None:
    """A batch is handed out event by event; then there is none until the next frame."""
    tail = cursor()
    tail.take(batch(0, 2))
    tail.take(batch(3, 3))
    assert drained(tail) == [0, 1, 2, 3]
    assert tail.next_event() is None


def test_the_bookmark_never_runs_ahead_of_what_was_handed_out() -> None:
    """Inside a batch the bookmark is the event; only after the last event it is the end of the range."""
    tail = cursor(types=["custom"])
    tail.take(batch(0, 9, 2, 5))
    assert tail.last_sequence is None
    bookmarks: list[tuple[int, int | None]] = []
    while (event := tail.next_event()) is not None:
        bookmarks.append((event.sequence, tail.last_sequence))
    assert [(2, 2), (5, 9)] == bookmarks


def test_heartbeats_move_the_bookmark_past_filtered_events() -> None:
    """Frames without events account for what the filter kept back."""
    tail = cursor(types=["custom"])
    tail.take(caught_up(None))
    assert (tail.caught_up, tail.last_sequence) == (True, None)
    tail.take(heartbeat(4))
    assert tail.last_sequence == 4
    tail.take(batch(5, 8, 7))
    assert drained(tail) == [7]
    assert tail.last_sequence == 8


def test_a_resumed_tail_goes_on_after_what_is_accounted_for() -> None:
    """The filter, the flags and the session stay; only the start changes."""
    tail = cursor(from_now=True, types=["custom"], skip_trimmed=True)
    assert tail.resume_request().from_now
    tail.take(caught_up(6))
    assert tail.resume_request() == pb.TailEventsRequest(
        session_id="s", after_sequence=6, types=["custom"], skip_trimmed=True
    )
    tail.take(batch(7, 9, 8))
    assert tail.resume_request().after_sequence == 9


def test_a_tail_pinned_while_empty_resumes_from_the_beginning() -> None:
    """From now on an empty session means every event, also after the connection is lost."""
    tail = cursor(from_now=True)
    tail.take(caught_up(None))
    assert tail.resume_request().WhichOneof("start") == "from_beginning"
    tail.take(batch(0, 1))
    assert drained(tail) == [0, 1]


def test_repeats_are_dropped() -> None:
    """An overlap after a resume is handed out once."""
    tail = cursor(after_sequence=3)
    tail.take(batch(2, 5))
    assert drained(tail) == [4, 5]
    tail.take(batch(4, 5))
    assert drained(tail) == []
    assert tail.last_sequence == 5


def test_a_gap_is_an_error() -> None:
    """A range that does not follow on the last one was lost, and nothing of it is handed out."""
    tail = cursor(after_sequence=3)
    with pytest.raises(errors.SequenceGapError, match="expected events from sequence 4, got 5"):
        tail.take(batch(5, 6))
    assert drained(tail) == []


def test_the_first_range_may_begin_anywhere_from_the_beginning() -> None:
    """From the beginning means from the oldest event that is stored."""
    tail = cursor()
    tail.take(batch(7, 8))
    assert drained(tail) == [7, 8]


@pytest.mark.parametrize("frame", [batch(5, 6), caught_up(4), heartbeat(4)])
def test_events_deleted_before_a_reopened_tail_read_them_are_told(frame: pb.TailEventsResponse) -> None:
    """A tail pinned at the empty session must not take a later beginning for the first."""
    tail = cursor()
    tail.take(caught_up(None))
    with pytest.raises(errors.HistoryTrimmedError) as caught:
        tail.take(frame)
    assert caught.value.first_available_sequence == 5


@pytest.mark.parametrize("frame", [batch(5, 6), caught_up(6)])
def test_deleted_events_are_skipped_when_asked(frame: pb.TailEventsResponse) -> None:
    """With skip_trimmed the tail goes on with what is stored."""
    tail = cursor(skip_trimmed=True)
    tail.take(caught_up(None))
    tail.take(frame)
    drained(tail)
    assert tail.last_sequence == 6


@pytest.mark.parametrize("archived", [True, False])
def test_a_deleted_session_is_told(*, archived: bool) -> None:
    """The frame becomes an exception that says whether the session could be restored."""
    deleted = pb.SessionDeleted(archived=archived)
    with pytest.raises(errors.SessionDeletedError) as caught:
        cursor().take(pb.TailEventsResponse(session_deleted=deleted))
    assert caught.value.archived is archived


def test_a_frame_of_a_newer_server_is_no_error() -> None:
    """An unknown frame changes nothing."""
    tail = cursor(after_sequence=3)
    tail.take(pb.TailEventsResponse())
    assert (tail.last_sequence, tail.caught_up) == (3, False)
