"""Accepts connections while there are descriptors, and turns away who comes when there are none."""

import errno
import logging
import os
import socket
from time import monotonic
from typing import Any

__all__ = ["ListeningSocket"]

_log = logging.getLogger(__name__)

_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

A_TURN = 4
"""How many connections are accepted in one turn of the event loop; the others are in the next ones."""

TOLD_SECONDS = 60.0
"""How often the log says so at most."""


class ListeningSocket(socket.socket):
    """A socket that is listened on, with a descriptor in reserve.

    Who finds no descriptor takes the place of the reserve for a moment and is closed, which is an answer, and soon.
    asyncio (that of Python 3.11) would go on to try a hundred times, set a timer for each, and each of those again: a
    log of megabytes a second, and an event loop that does nothing else.

    asyncio also accepts a hundred in one turn of the loop, which is up to 50 ms with TLS. Here they are few.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """As any socket."""
        super().__init__(*arguments, **named)
        self._told_at: float | None = None
        self._accepted = 0
        """How many in this turn."""
        self._reserve: int | None = None
        self._keep_reserve()

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection, with the address of its other end.

        Raises BlockingIOError where there is none, when it was turned away, and where there may be more, but not in
        this turn of the loop.
        """
        if self._accepted == A_TURN:
            self._accepted = 0
            raise BlockingIOError
        try:
            accepted = super().accept()
        except OSError as error:
            self._accepted = 0
            if error.errno not in _NO_ROOM:
                raise
            self._tell(error)
            self._turn_away()
            raise BlockingIOError from None
        self._accepted += 1
        return accepted

    def close(self) -> None:
        """As any socket."""
        self._release_reserve()
        super().close()

    def _turn_away(self) -> None:
        self._release_reserve()
        try:
            super().accept()[0].close()
        except OSError:
            # Another thread was quicker; the next attempt is in the next turn of the loop.
            pass
        finally:
            self._keep_reserve()

    def _keep_reserve(self) -> None:
        try:
            self._reserve = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._reserve = None

    def _release_reserve(self) -> None:
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None

    def _tell(self, error: OSError) -> None:
        now = monotonic()
        if self._told_at is None or now - self._told_at >= TOLD_SECONDS:
            self._told_at = now
            _log.warning("connections of browsers are turned away: %s; raise the limit (ulimit -n)", error.strerror)
