"""How often the event loop of the client library asks the system what has happened."""

import selectors
import socket
from collections.abc import Iterator

import pytest

from sessionstore.event_loop import IDLE_TURN_SECONDS, LOOK_SECONDS, SparingSelector

A_STEP = LOOK_SECONDS / 5
assert A_STEP > IDLE_TURN_SECONDS


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def selector(clock: Clock) -> Iterator[SparingSelector]:
    """One with a socket that becomes readable as soon as the test has it."""
    reading, writing = socket.socketpair()
    with reading, writing, SparingSelector(clock) as made:
        made.register(reading, selectors.EVENT_READ)
        assert made.select(0) == []
        writing.send(b"x")
        yield made


def test_a_loop_at_work_does_not_ask_for_half_a_millisecond(selector: SparingSelector, clock: Clock) -> None:
    for _ in range(4):
        clock.now += A_STEP
        assert selector.select(0) == []

    clock.now += A_STEP
    assert len(selector.select(0)) == 1


def test_the_half_millisecond_begins_anew_when_it_asked(selector: SparingSelector, clock: Clock) -> None:
    clock.now += LOOK_SECONDS
    assert len(selector.select(0)) == 1

    clock.now += A_STEP
    assert selector.select(0) == []


def test_a_turn_with_nothing_to_do_asks(selector: SparingSelector, clock: Clock) -> None:
    clock.now += A_STEP
    assert selector.select(0) == []

    clock.now += IDLE_TURN_SECONDS / 2
    assert len(selector.select(0)) == 1


@pytest.mark.parametrize("timeout", [None, 10.0], ids=["for ever", "for a time"])
def test_a_loop_that_waits_asks_at_once(selector: SparingSelector, clock: Clock, timeout: float | None) -> None:
    clock.now += A_STEP

    assert len(selector.select(timeout)) == 1


def test_what_was_waited_for_counts_as_asked(selector: SparingSelector, clock: Clock) -> None:
    clock.now += 10 * LOOK_SECONDS
    assert len(selector.select(None)) == 1

    clock.now += A_STEP
    assert selector.select(0) == []
