"""Has the interpreter change threads sooner while a piece of work in a thread takes long.

A thread gives the interpreter's lock away at each statement, and asks for it again. While the event loop is at work, it
gets it when it has waited for the switch interval and nobody gave the lock away meanwhile, as the loop does for each
call of the system: after that it waits anew. So one short read could take forty milliseconds, and a short write two
hundred. A wait of a tenth of a millisecond comes to its end. But were the interval always so short, the loop and large
groups of writes would take the lock from each other for nothing.
"""

import asyncio
import sys

__all__ = ["SHORT_INTERVAL_SECONDS", "Patience"]

SHORT_INTERVAL_SECONDS = 0.00003
"""The switch interval meanwhile, of which the system's timers make about a tenth of a millisecond."""


class _Hurry:
    """How many pieces of work are overdue. There is one for a process, as there is one switch interval."""

    def __init__(self) -> None:
        self._count = 0
        self._usual_interval_seconds = 0.0

    def begin(self) -> None:
        if not self._count:
            self._usual_interval_seconds = sys.getswitchinterval()
            sys.setswitchinterval(SHORT_INTERVAL_SECONDS)
        self._count += 1

    def end(self) -> None:
        self._count -= 1
        if not self._count:
            sys.setswitchinterval(self._usual_interval_seconds)


_hurry = _Hurry()


class Patience:
    """A block that waits for work in a thread. When it takes longer, threads are changed sooner until it is done.

    Must be used once, in the event loop.
    """

    __slots__ = ("_is_over", "_seconds", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._is_over = False
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self.run_out)

    def __exit__(self, *_: object) -> None:
        if self._is_over:
            _hurry.end()
        self._forget_timer()

    def run_out(self) -> None:
        """Ends it now, if the block is still under way."""
        if self._timer is not None:
            self._forget_timer()
            self._is_over = True
            _hurry.begin()

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
