"""A checker that cannot fail is worthless: each kind of violation is seeded, and caught."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sessionstore.v1 import session_store_service_pb2 as pb
from tests.faults.checker import violations
from tests.faults.history import ARCHIVED, GONE, LIVE, Frame, Look, SessionHistory, TailHistory, Write
from tests.faults.stored import StoredSession

KIND = "message_part"
AB = Frame(0, 1, ((0, "a"), (1, "b")))
CD = Frame(2, 3, ((2, "c"), (3, "d")))
STORED = StoredSession(
    events=((0, "a", KIND, b"A"), (1, "b", "custom", b"B"), (2, "c", KIND, b"C"), (3, "d", KIND, b"D")),
    messages=((0, "m", b"M"),),
    tool_calls={"t": 5},
    first_event=0,
    next_event=4,
    next_message=1,
    message_count=1,
)


def history() -> SessionHistory:
    """Of a commit of two events and a message, one of two whose answer was lost, and one that was not stored."""
    return SessionHistory(
        "s",
        writes=[
            Write({"a": b"A", "b": b"B"}, {"m": b"M"}, expected_last=-1, sequences={"a": 0, "b": 1}),
            Write({"c": b"C", "d": b"D"}, {}),
            Write({"e": b"E"}, {"n": b"N"}),
        ],
        tails=[
            TailHistory(batches=[Frame(0, 1, ((0, "a"), (1, "b"))), Frame(2, 3, ((2, "c"), (3, "d")))]),
            TailHistory((KIND,), [Frame(0, 1, ((0, "a"),)), Frame(2, 3, ((2, "c"), (3, "d")))]),
            TailHistory(
                batches=[Frame(number, number, ((number, "abcd"[number]),)) for number in range(4)],
                knows_batches=False,
            ),
        ],
        reads=[[], ["a", "b"], ["a", "b", "c", "d"]],
        tool_calls={"t": {4, 5}, "u": {0, 1}},
    )


def found(seen: SessionHistory, stored: StoredSession | None = STORED) -> list[str]:
    return violations([seen], {} if stored is None else {"s": stored})


def test_a_history_without_violation_passes() -> None:
    """What was not acknowledged may be stored or not, whole."""
    assert [] == found(history())


def test_where_a_session_may_be_follows_from_what_was_sent() -> None:
    """A step that was not acknowledged leaves two places; an answer may fit what held at any moment of its call."""
    seen = history()
    since = seen.moment
    seen.send(ARCHIVED)
    assert [] == found(seen)
    assert [] == found(seen, replace(STORED, archived=True))
    seen.arrive(ARCHIVED)
    seen.send(LIVE)
    for place in (LIVE, ARCHIVED):
        seen.look(since, place)
    seen.arrive(LIVE)
    assert [] == found(seen)
    seen.send(GONE)
    seen.arrive(GONE)
    assert [] == found(seen, None)


def test_a_tail_from_now_on_begins_behind_what_was_acknowledged() -> None:
    """It misses nothing that came later; one that was dropped, only what it accounted for."""
    seen = history()
    seen.tails = [
        TailHistory(batches=[CD], pinned=1, acknowledged_before=1),
        TailHistory(pinned=1, acknowledged_before=1, whole=False),
        TailHistory(pinned=3, acknowledged_before=1),
        TailHistory(batches=[AB, CD], pinned=-1),
    ]
    assert [] == found(seen)


def test_a_tail_of_a_deleted_session_is_looked_at_too() -> None:
    """Its frames follow on each other, though there is nothing to compare them with."""
    seen = history()
    seen.arrive(GONE)
    seen.tails = [TailHistory(batches=[CD], whole=False)]
    assert any("went on at 2" in each for each in found(seen, None))


def test_a_tail_ends_with_the_event_that_ends_its_session() -> None:
    """A commit that was given up may come after that; what comes before it is not missing."""
    seen = history()
    seen.tails = [TailHistory(batches=[AB])]
    seen.ended_at = 1
    assert [] == found(seen)
    seen.ended_at = 2
    assert ["s: a tail missed 2"] == found(seen)


def test_a_session_whose_id_another_one_has_is_not_looked_for() -> None:
    """What is stored is the other one's; a tail of the first that gave something of that is caught."""
    first = replace(history(), replaced=True)
    first.arrive(GONE)
    assert [] == found(first)
    first.tails = [TailHistory(batches=[AB, Frame(2, 2, ((2, "z"),))], whole=False)]
    assert ["s: a tail gave what was never sent to its session: z"] == found(first)


def test_a_repeat_that_is_answered_as_the_first_time_passes() -> None:
    """And what was refused, and is not stored."""
    seen = history()
    _repeat({"a": 0, "b": 1}, already_applied=True)(seen)
    seen.writes[2].refused = True
    assert [] == found(seen)


def test_what_was_trimmed_is_not_missed() -> None:
    """Neither in the database nor in a tail that came late."""
    seen = history()
    seen.trim_sent = seen.trim_acknowledged = 2
    seen.tails = [TailHistory(batches=[Frame(2, 3, ((2, "c"), (3, "d")))])]
    assert [] == found(seen, replace(STORED, events=STORED.events[2:], first_event=2))


@pytest.mark.parametrize(
    ("stored", "violation"),
    [
        (replace(STORED, events=STORED.events[:1] + STORED.events[2:]), "not dense"),
        (replace(STORED, next_event=5), "not dense"),
        (replace(STORED, events=STORED.events[2:], first_event=2), "nobody deleted events"),
        (replace(STORED, messages=((1, "m", b"M"),)), "sequences of messages"),
        (replace(STORED, message_count=2), "are counted"),
        (replace(STORED, events=(*STORED.events, (4, "d", KIND, b"D")), next_event=5), "stored twice"),
        (replace(STORED, events=((0, "a", KIND, b"?"), *STORED.events[1:])), "never sent so"),
        (replace(STORED, events=(*STORED.events, (4, "z", KIND, b"Z")), next_event=5), "never sent so"),
        (replace(STORED, messages=(), next_message=0, message_count=0), "not stored as acknowledged"),
        (replace(STORED, events=STORED.events[:3], next_event=3), "stored in part"),
        (replace(STORED, tool_calls={}), "tool call t"),
        (replace(STORED, tool_calls={"t": 1}), "tool call t"),
        (None, "is gone, and must be live"),
        (replace(STORED, archived=True), "is archived, and must be live"),
    ],
)
def test_a_violation_in_the_database_is_caught(stored: StoredSession | None, violation: str) -> None:
    """Lost, torn, altered, doubled, or never sent."""
    assert any(violation in each for each in found(history(), stored))


def _acknowledge_other_number(seen: SessionHistory) -> None:
    seen.writes[0].sequences = {"a": 0, "b": 7}


def _two_winners(seen: SessionHistory) -> None:
    seen.writes[1].sequences = {"c": 1, "d": 3}


def _wrong_expectation(seen: SessionHistory) -> None:
    seen.writes[0].expected_last = 4


def _deletion(seen: SessionHistory) -> None:
    seen.arrive(GONE)


def _trim(seen: SessionHistory) -> None:
    seen.trim_sent = seen.trim_acknowledged = 2


def _archived(seen: SessionHistory) -> None:
    seen.send(ARCHIVED)
    seen.arrive(ARCHIVED)


def _found_although_archived(seen: SessionHistory) -> None:
    _archived(seen)
    since = seen.moment
    seen.arrive(LIVE)
    seen.looks = [Look(frozenset({LIVE}), seen.places[since])]


def _missing_although_live(seen: SessionHistory) -> None:
    seen.look(seen.moment, ARCHIVED, GONE)


def _told_deleted_although_archived(seen: SessionHistory) -> None:
    since = seen.moment
    seen.send(ARCHIVED)
    seen.look(since, GONE)
    seen.places = [frozenset({LIVE})]


def _tail_as(**attributes: Any) -> Callable[[SessionHistory], None]:
    def change(seen: SessionHistory) -> None:
        seen.tails = [replace(TailHistory(batches=[CD], pinned=1), **attributes)]

    return change


def _repeat(sequences: dict[str, int], *, already_applied: bool) -> Callable[[SessionHistory], None]:
    def change(seen: SessionHistory) -> None:
        response = pb.CommitResponse(already_applied=already_applied)
        for sequence in sequences.values():
            response.results.add().append_event.sequence = sequence
        seen.writes[0].acknowledge(response)

    return change


def _refused_although_stored(seen: SessionHistory) -> None:
    seen.writes[1].refused = True


def _reads(*reads: list[str]) -> Callable[[SessionHistory], None]:
    def change(seen: SessionHistory) -> None:
        seen.reads = list(reads)

    return change


def _tail(*batches: Frame, types: tuple[str, ...] = ()) -> Callable[[SessionHistory], None]:
    def change(seen: SessionHistory) -> None:
        seen.tails = [TailHistory(types, list(batches))]

    return change


@pytest.mark.parametrize(
    ("change", "violation"),
    [
        (_acknowledge_other_number, "not stored as acknowledged"),
        (_two_winners, "both given sequence 1"),
        (_wrong_expectation, "expected to follow 4"),
        (_deletion, "is live, and must be gone"),
        (_trim, "events before 2 were deleted"),
        (_repeat({"a": 0, "b": 2}, already_applied=True), "a repeat was answered with {'a': 0, 'b': 2} after"),
        (_repeat({"a": 0, "b": 1}, already_applied=False), "as if it were new"),
        (_refused_although_stored, "refused, and stored: c, d"),
        (_reads(["a", "b", "c"]), "a part of a commit"),
        (_reads(["a", "b", "b"]), "an event twice"),
        (_tail(AB), "missed 2, 3"),
        (_tail(CD), "went on at 2"),
        (_tail(AB, Frame(3, 3, ((3, "d"),))), "went on at 3"),
        (_tail(AB, AB, CD), "went back"),
        (_tail(AB, Frame(2, 3, ((3, "d"), (2, "c")))), "out of order"),
        (_tail(Frame(0, 3, ((0, "a"), (1, "b"), (1, "b"), (2, "c"), (3, "d")))), "repeated"),
        (_tail(AB, Frame(2, 2, ((2, "c"), (3, "d")))), "outside of its range"),
        (_tail(AB, Frame(2, 3, ((2, "x"), (3, "d")))), "another event"),
        (_tail(AB, Frame(2, 4, ((2, "c"), (3, "d"), (4, "e")))), "not stored"),
        (_tail(AB, CD, types=(KIND,)), "leaves out"),
        (_archived, "is live, and must be archived"),
        (_found_although_archived, "said that the session is live when it was archived"),
        (_missing_although_live, "said that the session is archived or gone when it was live"),
        (_told_deleted_although_archived, "said that the session is gone when it was archived or live"),
        (_tail_as(stayed_open="it got heartbeats"), "stayed open when its session was archived: it got heartbeats"),
        (_tail_as(unexplained=1), "was not told why"),
        (_tail_as(misbegun="events"), "began with events"),
        (_tail_as(acknowledged_before=2), "began at 1, when 2 was acknowledged"),
        (_tail_as(pinned=9, batches=[]), "began at 9, which is not stored"),
        (_tail_as(pinned=0), "went on at 2 after 0"),
        (_tail_as(pinned=2), "went back from 2 to 2"),
        (_tail_as(batches=[]), "missed 2, 3"),
        (_tail_as(misrefused="history trimmed"), "told of what nobody has deleted: history trimmed"),
        (_tail_as(batches=[Frame(2, 3, ((3, "d"),))], skips=False), "in silence, between 2 and 3"),
        (_tail_as(batches=[Frame(2, 3, ((3, "d"),))], whole=False), "missed 2"),
        (_tail(Frame(0, 0, ((0, "a"),)), Frame(1, 1, ((1, "b"),)), CD), "spread a commit"),
    ],
)
def test_a_violation_in_what_clients_saw_is_caught(change: Callable[[SessionHistory], None], violation: str) -> None:
    """Missed, repeated, reordered, torn, answered wrongly."""
    seen = history()
    change(seen)
    assert any(violation in each for each in found(seen))
