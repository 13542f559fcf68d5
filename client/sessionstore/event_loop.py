"""An event loop of asyncio under which many things that gRPC has done cost one turn, and not one each."""

import asyncio
import selectors
import socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVarTuple, Unpack

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

__all__ = ["EventLoop"]

Ts = TypeVarTuple("Ts")

AT_ONCE = 1024
"""How many wake-ups are answered in one turn at most."""


class _NotingSelector(selectors.DefaultSelector):
    """Knows whether its loop waits for something to happen."""

    def __init__(self) -> None:
        super().__init__()
        self.is_waiting = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        self.is_waiting = True
        try:
            return super().select(timeout)
        finally:
            self.is_waiting = False


class EventLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, which answers all of gRPC's wake-ups that wait in the same turn.

    A thread of gRPC writes a byte to a socket for each thing that is done: a message that came or was sent, a call
    that ended. Its reader in the loop takes one byte, and everything that is done. Of a hundred things that were done
    together ninety-nine bytes are left, and asyncio's loop makes a turn for each, in which there is nothing to do.
    When the socket is full, the thread waits, and whatever else is done waits behind it.

    Use it where many calls or tails are open at once: `asyncio.Runner(loop_factory=EventLoop)`.
    """

    def __init__(self) -> None:
        """A loop that waits by what is best on the system."""
        self._noting_selector = _NotingSelector()
        super().__init__(self._noting_selector)

    def is_busy(self) -> bool:
        """Whether there is something to do, as far as that is known; may be asked from any thread.

        A thread that has much to do can so let the loop have the interpreter first.
        """
        return not self._noting_selector.is_waiting

    def add_reader(  # noqa: D102
        self, fd: "FileDescriptorLike", callback: Callable[[Unpack[Ts]], Any], *args: *Ts
    ) -> None:
        if isinstance(fd, socket.socket) and _is_of_grpc(callback):
            super().add_reader(fd, _answer_all, fd, partial(callback, *args))
        else:
            super().add_reader(fd, callback, *args)


def _is_of_grpc(callback: Callable[..., Any]) -> bool:
    inner = callback.func if isinstance(callback, partial) else callback
    return getattr(inner, "__qualname__", "") == "PollerCompletionQueue._handle_events"


def _answer_all(waking: socket.socket, answer: Callable[[], Any]) -> None:
    # Each byte gets its answer all the same, so that nothing is missed whatever else an answer does. One is called for
    # when the socket was closed at its other end, too.
    for _ in range(max(1, len(waking.recv(AT_ONCE, socket.MSG_PEEK)))):
        answer()
