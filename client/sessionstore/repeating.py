"""Whether a call that failed is made again, and when."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc

from sessionstore.backoff import Backoff
from sessionstore.channel import is_transient, translated
from sessionstore.errors import DeadlineExceededError, SessionStoreError
from sessionstore.v1.error_reason_pb2 import ErrorReason

__all__ = ["Repeating"]

T = TypeVar("T")

FEW_TRIES_SECONDS = 2.5
"""So long a call goes on that nobody may ever answer, or that a server refuses which is there."""

LAST_TRY_SECONDS = 0.5
"""So much of its time a call keeps for the last try, which is to fail for its own reason and not for want of time."""

_SAYS_NO_MORE_THAN_AWAY = (ErrorReason.ERROR_REASON_UNSPECIFIED, ErrorReason.ERROR_REASON_DRAINING)


class Repeating:
    """Makes the calls of a client, those again that may be repeated and whose failure may pass.

    A client that was served before goes on until the deadline of its call: its server is restarting. One that never
    was has a wrong address, or a server that nobody started, and is told so after a few tries.

    gRPC can do neither: it tries five times at most, and what it has wait for a connection fails by its deadline, which
    leaves open whether anything was sent. Must be used from one event loop.

    Attributes:
        was_served: Whether a server has answered this client anything.
    """

    def __init__(self) -> None:
        self.was_served = False
        self._closed = False
        self._pauses: set[asyncio.Future[None]] = set()

    def stop(self) -> None:
        """Makes no call again from now on."""
        self._closed = True

    def cancel(self) -> None:
        """Cancels the calls that wait for their next try, as gRPC does it with those under way."""
        for pause in self._pauses:
            pause.cancel()

    async def once(self, call: Callable[[float], Awaitable[T]], timeout_seconds: float) -> T:
        """Makes a call, which is given its timeout in seconds. Raises the library's exceptions."""
        try:
            with translated():
                # gRPC does not end a call by its deadline while the server takes in nothing of a large request.
                async with asyncio.timeout(timeout_seconds):
                    answer = await call(timeout_seconds)
        except TimeoutError as error:
            raise DeadlineExceededError(
                f"the server did not answer for {timeout_seconds:.3g} seconds", code=grpc.StatusCode.DEADLINE_EXCEEDED
            ) from error
        except SessionStoreError as failure:
            if failure.reason != ErrorReason.ERROR_REASON_UNSPECIFIED:
                self.was_served = True
            raise
        self.was_served = True
        return answer

    async def repeat(self, call: Callable[[float], Awaitable[T]], timeout_seconds: float) -> T:
        """Makes a call that may be repeated; the timeout is that of all tries together.

        Raises the library's exceptions, of which the last try met one.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        left_seconds = timeout_seconds
        patience: _Patience | None = None
        while True:
            try:
                return await self.once(call, left_seconds)
            except SessionStoreError as failure:
                # What a client says that is closed is of a transient status as well.
                if self._closed or not is_transient(failure):
                    raise
                now = loop.time()
                patience = patience or _Patience(now, deadline, was_served=self.was_served)
                delay_seconds = patience.backoff(failure, now).delay_after(failure)
            await self._pause(delay_seconds)
            left_seconds = max(0.0, deadline - loop.time())

    async def _pause(self, seconds: float) -> None:
        pause = asyncio.get_running_loop().create_future()
        timer = pause.get_loop().call_later(seconds, _end, pause)
        self._pauses.add(pause)
        try:
            await pause
        finally:
            self._pauses.discard(pause)
            timer.cancel()


class _Patience:
    """How long one call is tried."""

    def __init__(self, now: float, deadline: float, *, was_served: bool) -> None:
        self._last_try_at = deadline - min(LAST_TRY_SECONDS, (deadline - now) / 2)
        self._was_served = was_served
        self._away: Backoff | None = None
        self._refused: Backoff | None = None

    def backoff(self, failure: SessionStoreError, now: float) -> Backoff:
        """How long to wait after this failure, if it is not the last one."""
        # Each from its own first failure on: a server may be away before it refuses, or after.
        most_seconds = max(0.0, self._last_try_at - now)
        few_seconds = min(FEW_TRIES_SECONDS, most_seconds)
        if failure.reason in _SAYS_NO_MORE_THAN_AWAY:
            self._away = self._away or Backoff(most_seconds if self._was_served else few_seconds)
            return self._away
        self._refused = self._refused or Backoff(few_seconds)
        return self._refused


def _end(pause: "asyncio.Future[None]") -> None:
    if not pause.done():
        pause.set_result(None)
