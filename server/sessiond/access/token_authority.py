"""Tells the right of a presented token, from a file that may change at any moment."""

import hmac
import logging
from collections.abc import Sequence
from typing import Protocol

from sessiond.access.tokens import Token, TokenError, TokenFile, UnreadableTokensError, digest_of

__all__ = ["TokenAuthority", "TokenSource"]

_log = logging.getLogger(__name__)

_Stamp = tuple[int, int, int] | None


class TokenSource(Protocol):
    """Where tokens are known."""

    @property
    def generation(self) -> int:
        """A number that is another one after each change of the tokens."""

    def find(self, secret: str) -> Token | None:
        """The token with this secret."""


class TokenAuthority:
    """The tokens of a file as of now.

    The file is looked at for each call, which costs about two microseconds, so that a token that is rotated or revoked
    is worth nothing from that moment on.
    """

    def __init__(self, file: TokenFile) -> None:
        """Raises TokenError when the tokens cannot be read."""
        self._file = file
        self._stamp = self._look()
        self._unread: _Stamp = None
        """What was told of as unreadable."""
        self._tokens: Sequence[Token] = file.read()
        self._generation = 0

    @property
    def generation(self) -> int:
        """A number that is another one after each change of the tokens."""
        self._refresh()
        return self._generation

    def find(self, secret: str) -> Token | None:
        """The token with this secret. How long the search takes tells nothing about any of them."""
        self._refresh()
        presented = digest_of(secret)
        found = None
        for token in self._tokens:
            if hmac.compare_digest(token.digest, presented):
                found = token
        return found

    def _refresh(self) -> None:
        stamp = self._look()
        if stamp == self._stamp:
            return
        try:
            self._tokens = self._file.read() if stamp is not None else ()
        except UnreadableTokensError as error:
            # As without descriptors. They are read as soon as they can be: who was revoked must not stay.
            if stamp != self._unread:
                self._unread = stamp
                _log.error("%s; the tokens stay as they were until it can be read", error)
            return
        except TokenError as error:
            # Whoever edits the file by hand must not lock everybody out by a slip.
            _log.error("%s; the tokens stay as they were", error)
        else:
            self._generation += 1
            _log.info("the tokens changed; there are %d", len(self._tokens))
        self._stamp = stamp

    def _look(self) -> _Stamp:
        try:
            status = self._file.path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size
