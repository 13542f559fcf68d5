"""How long to wait before the next try."""

import asyncio
import random
from time import monotonic

__all__ = ["Backoff"]

FIRST_DELAY_SECONDS = 0.05
LAST_DELAY_SECONDS = 2.0


class Backoff:
    """Waits twice as long after each failure, until something succeeds again."""

    def __init__(self, give_up_after_seconds: float | None) -> None:
        self._give_up_after_seconds = give_up_after_seconds
        self._delay_seconds = FIRST_DELAY_SECONDS
        self._failing_since: float | None = None

    def succeeded(self) -> None:
        """Begins anew."""
        self._delay_seconds, self._failing_since = FIRST_DELAY_SECONDS, None

    async def wait_after(self, failure: Exception) -> None:
        """Waits before the next try. Raises the failure when there has been no success for too long."""
        await asyncio.sleep(self.delay_after(failure))

    def delay_after(self, failure: Exception) -> float:
        """The seconds to wait before the next try. Raises the failure when there has been no success for too long."""
        now = monotonic()
        if self._failing_since is None:
            self._failing_since = now
        # Jitter, so that the clients of a server that comes back do not all come at once.
        delay_seconds = self._delay_seconds * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        if self._give_up_after_seconds is not None:
            left_seconds = self._failing_since + self._give_up_after_seconds - now
            if left_seconds <= 0:
                try:
                    raise failure
                finally:
                    # It would keep this frame, and with that itself, until garbage is collected.
                    del failure
            delay_seconds = min(delay_seconds, left_seconds)
        self._delay_seconds = min(self._delay_seconds * 2, LAST_DELAY_SECONDS)
        return delay_seconds
