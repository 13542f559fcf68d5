"""The named tokens of a daemon, in a file that keeps only their digests."""

import fcntl
import hashlib
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sessiond.access.private_files import write_private
from sessiond.access.rights import Right

__all__ = [
    "DEFAULT_TOKEN_FILE",
    "TOKENS_FILE",
    "Token",
    "TokenError",
    "TokenFile",
    "UnreadableTokensError",
    "digest_of",
]

TOKENS_FILE = "tokens.json"
"""The file in the data directory that lists the tokens."""

DEFAULT_TOKEN_FILE = "token"  # noqa: S105 - a name, and no token
"""The file in the data directory that holds the token `default`, for clients of the same user."""

DEFAULT_NAME = "default"

_FORMAT = 1
_PREFIX = "sst_"  # so that scanners for leaked secrets can know a token when they see one
_RANDOM_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class TokenError(Exception):
    """The tokens cannot be read, or not changed in this way; the text says what to do."""


class UnreadableTokensError(TokenError):
    """The operating system does not let them be read for now; what they are is not known."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token, as the daemon knows it.

    Attributes:
        name: 1 to 64 letters, digits, dots, dashes and underscores.
        right: What it gives.
        digest: SHA-256 of the secret, in hexadecimal. The secret has 256 random bits: nothing slower is called for.
        created_at: When it was made, or rotated last.
    """

    name: str
    right: Right
    digest: str
    created_at: datetime


def digest_of(secret: str) -> str:
    """The digest by which a secret is known."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


class TokenFile:
    """The tokens of a data directory. A running daemon notices every change by itself."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / TOKENS_FILE
        self._default = data_dir / DEFAULT_TOKEN_FILE

    def read(self) -> list[Token]:
        """The tokens, by their names. Raises TokenError, also when there is no file."""
        try:
            return sorted(_parse(self.path.read_bytes()), key=lambda token: token.name)
        except FileNotFoundError:
            raise TokenError(f"there are no tokens yet; make one: sessiond token create {DEFAULT_NAME}") from None
        except OSError as error:
            raise UnreadableTokensError(f"cannot read {self.path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TokenError(f"{self.path} is damaged; mend it, or remove it and make new tokens") from error

    def create(self, name: str, right: Right) -> str:
        """Adds a token and returns its secret, which cannot be read again. Raises TokenError."""
        if not _NAME.fullmatch(name):
            raise TokenError(
                f"{name!r} is no name for a token: 1 to 64 letters, digits, dots, dashes and underscores, the first a"
                " letter or a digit"
            )
        with self._changing() as tokens:
            if name in tokens:
                raise TokenError(f"there is a token {name!r} already; rotate it, or choose another name")
            return self._renew(tokens, Token(name, right, "", _now()))

    def rotate(self, name: str) -> str:
        """Gives a token a new secret and returns it; the old one is worth nothing from now on. Raises TokenError."""
        with self._changing() as tokens:
            return self._renew(tokens, _known(tokens, name))

    def revoke(self, name: str) -> None:
        """Removes a token. Raises TokenError."""
        with self._changing() as tokens:
            del tokens[_known(tokens, name).name]
            if name == DEFAULT_NAME:
                self._default.unlink(missing_ok=True)

    def ensure(self) -> None:
        """Makes the token `default`, with all rights, unless there are tokens. Raises TokenError."""
        if not self.path.exists():
            self.create(DEFAULT_NAME, Right.ADMIN)

    def _renew(self, tokens: dict[str, Token], token: Token) -> str:
        secret = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
        tokens[token.name] = replace(token, digest=digest_of(secret), created_at=_now())
        if token.name == DEFAULT_NAME:
            write_private(self._default, f"{secret}\n".encode())
        return secret

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Token]]:
        """The tokens by name, written back at the end; one process at a time."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.path.with_suffix(".lock").open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                tokens = {token.name: token for token in self.read()} if self.path.exists() else {}
                yield tokens
                write_private(self.path, _format(tokens))
        except OSError as error:
            raise TokenError(f"cannot change the tokens in {self.path.parent}: {error.strerror}") from error


def _now() -> datetime:
    return datetime.now(tz=UTC).replace(microsecond=0)


def _known(tokens: Mapping[str, Token], name: str) -> Token:
    if name not in tokens:
        there = ", ".join(sorted(tokens)) or "none"
        raise TokenError(f"there is no token {name!r}; there are: {there}")
    return tokens[name]


def _format(tokens: Mapping[str, Token]) -> bytes:
    listed = [
        {
            "name": token.name,
            "right": str(token.right),
            "sha256": token.digest,
            "created_at": token.created_at.isoformat(),
        }
        for token in tokens.values()
    ]
    return json.dumps({"format": _FORMAT, "tokens": listed}, indent=2).encode() + b"\n"


def _parse(content: bytes) -> Iterator[Token]:
    document = json.loads(content)
    if document["format"] != _FORMAT:
        raise ValueError("another format")
    for entry in document["tokens"]:
        digest = entry["sha256"]
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ValueError("no digest")
        created_at = datetime.fromisoformat(entry["created_at"])
        yield Token(str(entry["name"]), Right.named(entry["right"]), digest, created_at)
