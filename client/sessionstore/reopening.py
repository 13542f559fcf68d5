"""Whether a stream that failed is opened again, and when."""

from sessionstore.backoff import Backoff
from sessionstore.channel import is_transient
from sessionstore.errors import SessionStoreError, UnauthenticatedError
from sessionstore.repeating import Repeating

__all__ = ["Reopening"]

NEW_TOKEN_SECONDS = 5.0
"""So long a stream whose token is not valid any more waits for another one in its file, unless it gives up earlier."""


class Reopening:
    """Knows what a repeat mends, and waits before it.

    A token that is rotated ends the streams that were opened with it. One that is read from a file may be another one
    by now, or in a moment: whoever rotates it writes it there.
    """

    def __init__(self, give_up_after_seconds: float | None, repeating: Repeating, *, renews_token: bool) -> None:
        self._repeating = repeating
        self._give_up_after_seconds = give_up_after_seconds
        self._away = Backoff(give_up_after_seconds)
        self._renews_token = renews_token
        self._refused: Backoff | None = None
        """Since the stream was let in: who never was is refused for another reason."""

    def succeeded(self) -> None:
        """The server has sent something."""
        self._repeating.was_served = True
        self._away.succeeded()
        if self._refused is not None:
            self._refused.succeeded()
        elif self._renews_token:
            longest = self._give_up_after_seconds
            self._refused = Backoff(NEW_TOKEN_SECONDS if longest is None else min(NEW_TOKEN_SECONDS, longest))

    def may_mend(self, failure: SessionStoreError) -> bool:
        """Whether there is any use in it."""
        return is_transient(failure) or (self._refused is not None and isinstance(failure, UnauthenticatedError))

    async def wait_after(self, failure: SessionStoreError) -> None:
        """Waits before the next try. Raises the failure when there has been no success for too long."""
        refused = self._refused if isinstance(failure, UnauthenticatedError) else None
        await (refused or self._away).wait_after(failure)
