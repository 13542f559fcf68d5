"""Lets those who have much to do in the event loop do it a little at a time, with everybody else in between."""

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

__all__ = ["LARGE_BYTES", "SmallThings", "Turns"]

LARGE_BYTES = 16 * 1024
"""What counts as large, and is taken in and sent by turns; what is smaller costs little more than its call."""

WORK_SECONDS = 0.001
"""How much is done before everybody else comes to their own."""

REST_SECONDS = 0.002
"""The longest rest, unless the work before it took longer: nobody waits for ever because others are busy."""

IDLE_TURNS = 8
"""So many turns of the loop with nothing to do end a rest. gRPC takes six to let one call in."""

IDLE_TURN_SECONDS = 0.00005
"""A turn of the loop that takes longer had something to do."""

LOOK_SECONDS = 0.001
"""How often a rest looks whether the small things that are under way are done."""


class SmallThings:
    """A block in which something small is under way. One serves them all, since each call has such a block."""

    def __init__(self) -> None:
        """There are none yet."""
        self.under_way = 0

    def __enter__(self) -> None:
        self.under_way += 1

    def __exit__(self, *_: object) -> None:
        self.under_way -= 1


class Turns:
    """Gives turns in the order in which they were asked for, one in each turn of the event loop.

    After a millisecond of work it rests, until the small things that are under way are done and the loop has nothing
    else to do, or others had as much time as the work took. So a call that comes to the loop ten times, with a message,
    a thread or the disk in between, does not find a thousand others before it each time. Who is alone does not wait.
    """

    def __init__(self, clock: Callable[[], float] = monotonic, small: SmallThings | None = None) -> None:
        self._clock = clock
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._next: asyncio.Handle | None = None
        self._small = small or SmallThings()
        self._passed_at = 0.0
        """When this turn of the loop began, as far as it is known."""
        self._at_work = False
        """Whether a turn was given in it."""
        self._worked_seconds = 0.0
        """How long those took that were given since the last rest."""
        self._rest_began = 0.0
        self._idle_turns = 0

    def beside(self) -> "Turns":
        """Turns of their own for others; the same small things go before both."""
        return Turns(self._clock, self._small)

    def small(self) -> SmallThings:
        """Something small is under way for as long as the block, and goes before what takes turns."""
        return self._small

    def begin_small(self) -> None:
        """See `small`; for what has no block."""
        self._small.under_way += 1

    def end_small(self) -> None:
        """Must follow each `begin_small`."""
        self._small.under_way -= 1

    async def take(self) -> None:
        """Returns when it is the caller's turn, which lasts until it waits for something."""
        loop = asyncio.get_running_loop()
        if self._next is None:
            self._passed_at = self._clock()
            if self._has_rested(self._passed_at):
                self._worked_seconds = 0.0
                self._at_work = True
                self._next = loop.call_soon(self._pass)
                return
            self._next = loop.call_soon(self._pass)
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _pass(self) -> None:
        """In each turn of the loop, while somebody waits for a turn or has one."""
        now = self._clock()
        took, self._passed_at = now - self._passed_at, now
        if self._at_work:
            self._at_work = False
            self._worked_seconds += took
            self._rest_began = now
            self._idle_turns = 0
        elif took > IDLE_TURN_SECONDS:
            self._idle_turns = 0
        else:
            self._idle_turns += 1
        self._next = self._give(now)

    def _give(self, now: float) -> asyncio.Handle | None:
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft()
        if not self._waiting:
            return None
        if self._has_rested(now):
            self._worked_seconds = 0.0
        loop = asyncio.get_running_loop()
        if self._worked_seconds < WORK_SECONDS:
            self._waiting.popleft().set_result(None)
            self._at_work = True
        elif self._small.under_way:
            # Without turns of the loop that are of no use, in which threads would wait for the interpreter.
            return loop.call_later(LOOK_SECONDS, self._pass)
        return loop.call_soon(self._pass)

    def _has_rested(self, now: float) -> bool:
        if now - self._rest_began >= max(REST_SECONDS, self._worked_seconds):
            return True
        return self._idle_turns >= IDLE_TURNS and not self._small.under_way
