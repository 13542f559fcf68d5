"""Lets the event loop have the interpreter while a thread has much to do.

A thread that runs statement after statement gives the interpreter's lock away at each, for microseconds: too short for
a thread that waits for it to wake up. The loop then waits for as long as the switch interval, and often twice, each
time that it needs the lock again; with many tails that added up to tens of milliseconds in one turn.
"""

import asyncio
from collections.abc import Callable
from time import monotonic, sleep

__all__ = ["GivingWay"]

WORK_SECONDS = 0.0005
"""How much is done before the loop comes to its own."""

REST_SECONDS = 0.00001
"""What is slept then. The system makes of it some fifty microseconds, in which the loop wakes up."""


class GivingWay:
    """Rests for a moment after each half of a millisecond of work in which the event loop has something to do.

    Where the loop is idle nothing is lost. It is that in which this was made; of a loop that does not tell, as
    `sessionstore.EventLoop` does, nothing is known, and there is no rest.
    """

    def __init__(
        self,
        is_loop_busy: Callable[[], bool] | None = None,
        clock: Callable[[], float] = monotonic,
        rest: Callable[[float], None] = sleep,
    ) -> None:
        if is_loop_busy is None:
            is_loop_busy = getattr(asyncio.get_running_loop(), "is_busy", lambda: False)
        self._is_loop_busy = is_loop_busy
        self._clock = clock
        self._rest = rest
        self._began = 0.0

    def begin(self) -> None:
        """Begins a piece of work."""
        self._began = self._clock()

    def give_way(self) -> None:
        """To be called again and again within it; costs next to nothing when it is not time yet."""
        if self._clock() - self._began < WORK_SECONDS:
            return
        if self._is_loop_busy():
            self._rest(REST_SECONDS)
        self._began = self._clock()
