"""An event loop of asyncio under which many things that gRPC has done cost one turn, and not one each."""

import asyncio
import selectors
import socket
from collections import deque
from collections.abc import Callable
from contextvars import Context
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVarTuple, Unpack

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

__all__ = ["EventLoop"]

Ts = TypeVarTuple("Ts")

AT_ONCE = 1024
"""How many wake-ups are answered in one turn at most."""

STEPS_A_TURN = 16
"""So many of the steps that follow from them are taken in the same turn: about a millisecond of a server."""

LOOK_SECONDS = 0.0005
"""How long a loop that has something to do goes on without a look at what else has happened."""

CLOSED_LOOP = "Event loop is closed"
"""What a loop says that is given something to do after its end."""

IDLE_TURN_SECONDS = 0.000015
"""A turn of the loop that takes longer had something to do."""


class SparingSelector(selectors.DefaultSelector):
    """Asks the system less often while its loop has something to do, and knows whether it waits.

    To ask costs a call of the system, for which the interpreter's lock is given away, and wins little: what happened
    a few steps ago can be taken together with what happens in the next ones.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self.is_waiting = False
        """Whether there is nothing to do but to wait."""
        self._clock = clock
        self._left_at = 0.0
        """When the loop began with this turn."""
        self._look_at = 0.0
        """When the system is asked next, whatever there is to do."""
        self.when_idle: deque[asyncio.Handle] = deque()
        """What is called when there is nothing to do but to wait."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            if self.when_idle:
                return self._ask(0) or self._call_idle()
            self.is_waiting = True
            try:
                return self._ask(timeout)
            finally:
                self.is_waiting = False
        now = self._clock()
        if now < self._look_at and now - self._left_at > IDLE_TURN_SECONDS:
            self._left_at = now
            return []
        return self._ask(timeout)

    def _call_idle(self) -> list[tuple[selectors.SelectorKey, int]]:
        for _ in range(len(self.when_idle)):
            handle = self.when_idle.popleft()
            if not handle.cancelled():
                handle._run()  # noqa: SLF001
        # They may have given the loop something to do.
        return []

    def _ask(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        try:
            return super().select(timeout)
        finally:
            self._left_at = self._clock()
            self._look_at = self._left_at + LOOK_SECONDS


class EventLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, which answers all of gRPC's wake-ups that wait in the same turn.

    A thread of gRPC writes a byte to a socket for each thing that is done: a message that came or was sent, a call
    that ended. Its reader in the loop takes one byte, and everything that is done. Of a hundred things that were done
    together ninety-nine bytes are left, and asyncio's loop makes a turn for each, in which there is nothing to do.
    When the socket is full, the thread waits, and whatever else is done waits behind it.

    What follows from a burst of them, as when a client with a thousand calls goes, is done a little in each turn, with
    whatever else there is to do in between. While it has something to do the loop looks only each half of a millisecond
    whether something else has happened.

    Use it where many calls or tails are open at once: `asyncio.Runner(loop_factory=EventLoop)`.
    """

    def __init__(self) -> None:
        """A loop that waits by what is best on the system."""
        self._sparing_selector = SparingSelector()
        super().__init__(self._sparing_selector)
        self._steps_left = 0
        """How many steps that follow from what gRPC has done are taken in this turn."""
        self._burst: deque[asyncio.Handle] = deque()
        """The others, and what follows from what gRPC does later, in the order in which it was done. Within a call that
        matters: that its client has left has to be known before an answer fails for that reason."""

    def is_busy(self) -> bool:
        """Whether there is something to do, as far as that is known; may be asked from any thread.

        A thread that has much to do can so let the loop have the interpreter first.
        """
        return not self._sparing_selector.is_waiting

    def call_when_idle(self, callback: Callable[[Unpack[Ts]], Any], *args: *Ts) -> asyncio.Handle:
        """Calls back once, as soon as there is nothing to do but to wait. Must be called in the loop's thread."""
        when_idle = self._sparing_selector.when_idle
        # A loop may be at work for long, in which those that are called off would pile up.
        while when_idle and when_idle[-1].cancelled():
            when_idle.pop()
        when_idle.append(asyncio.Handle(callback, args, self))
        return when_idle[-1]

    def add_reader(  # noqa: D102
        self, fd: "FileDescriptorLike", callback: Callable[[Unpack[Ts]], Any], *args: *Ts
    ) -> None:
        if isinstance(fd, socket.socket) and _is_of_grpc(callback):
            super().add_reader(fd, self._answer_all, fd, partial(callback, *args))
        else:
            super().add_reader(fd, callback, *args)

    def _answer_all(self, waking: socket.socket, answer: Callable[[], Any]) -> None:
        self._steps_left = STEPS_A_TURN
        # For what gRPC's reader calls in this thread; other threads have `call_soon_threadsafe`. Not by `vars`: that
        # makes a dict of all attributes, and each use of one slower from then on.
        self.call_soon = self._call_soon_or_later  # type: ignore[assignment, method-assign]
        try:
            # Each byte gets its answer all the same, so that nothing is missed whatever else an answer does. One is
            # called for when the socket was closed at its other end, too.
            for _ in range(_count_bytes(waking)):
                try:
                    answer()
                except RuntimeError as error:
                    # gRPC tells any loop of the process what is done, also what is left of a client whose own loop is
                    # over, as that its calls were cancelled. Nobody waits for it.
                    if str(error) != CLOSED_LOOP:
                        raise
        finally:
            del self.call_soon

    def _call_soon_or_later(
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        if self._steps_left and not self._burst:
            self._steps_left -= 1
            return super().call_soon(callback, *args, context=context)
        if not self._burst:
            # Not in the turn that takes the first ones.
            super().call_soon(super().call_soon, self._take_some)
        step = asyncio.Handle(callback, args, self, context)
        self._burst.append(step)
        return step

    def _take_some(self) -> None:
        try:
            for _ in range(min(STEPS_A_TURN, len(self._burst))):
                step = self._burst.popleft()
                # As the loop takes those of its own queue, to which each would cost a second handle.
                if not step.cancelled():
                    step._run()  # noqa: SLF001
        finally:
            if self._burst:
                self.call_soon(self._take_some)


def _count_bytes(waking: socket.socket) -> int:
    try:
        return max(1, len(waking.recv(AT_ONCE, socket.MSG_PEEK)))
    except BlockingIOError:
        # The loops of a process share one socket, and another one was quicker. To answer is never wrong.
        return 1


def _is_of_grpc(callback: Callable[..., Any]) -> bool:
    inner = callback.func if isinstance(callback, partial) else callback
    return getattr(inner, "__qualname__", "") == "PollerCompletionQueue._handle_events"
