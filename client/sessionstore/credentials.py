"""What a client shows of itself: a token, a certificate, both or nothing."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import grpc
import platformdirs

__all__ = [
    "DATA_DIR_VARIABLE",
    "TLS_CA_VARIABLE",
    "TLS_CERT_VARIABLE",
    "TLS_KEY_VARIABLE",
    "TOKEN_FILE_VARIABLE",
    "TOKEN_VARIABLE",
    "Credentials",
    "TokenReader",
]

DATA_DIR_VARIABLE = "SESSIOND_DATA_DIR"
TOKEN_VARIABLE = "SESSIOND_TOKEN"  # noqa: S105 - a name
TOKEN_FILE_VARIABLE = "SESSIOND_TOKEN_FILE"  # noqa: S105 - a name
TLS_CA_VARIABLE = "SESSIOND_TLS_CA"
TLS_CERT_VARIABLE = "SESSIOND_TLS_CLIENT_CERT"
TLS_KEY_VARIABLE = "SESSIOND_TLS_CLIENT_KEY"

TokenReader = Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client shows of itself, and whom it trusts. The token is kept out of `repr`.

    Attributes:
        token: The token itself.
        token_file: A file that holds the token; it is read again when it changes, so that a rotated token is taken up,
            also by the tails and writes under way.
        ca_file: The authority of the server's certificate, in PEM; by default those that the system trusts.
        certificate_file: The client's certificate, in PEM.
        key_file: Its private key.
    """

    token: str | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def __repr__(self) -> str:
        """The credentials, without the secret one."""
        shown = None if self.token is None else "…"
        return (
            f"Credentials(token={shown!r}, token_file={self.token_file!r}, certificate_file={self.certificate_file!r})"
        )

    @classmethod
    def from_environment(cls, address: str, *, data_dir: Path | None = None) -> "Credentials":
        """The credentials for an address that nobody has named.

        What SESSIOND_TOKEN, SESSIOND_TOKEN_FILE, SESSIOND_TLS_CA, SESSIOND_TLS_CLIENT_CERT and SESSIOND_TLS_CLIENT_KEY
        say. Where they say nothing, the files of a daemon of the same user: its default token at a port of this
        machine, and what `sessiond tls init` made at `tls:` addresses. At a Unix socket nothing is shown unless it was
        named.

        The daemon's token is in its data directory: what SESSIOND_DATA_DIR says, else `data_dir`, else the default.
        """
        token = os.environ.get(TOKEN_VARIABLE) or None
        token_file = _named(TOKEN_FILE_VARIABLE)
        ca_file, certificate, key = map(_named, (TLS_CA_VARIABLE, TLS_CERT_VARIABLE, TLS_KEY_VARIABLE))
        # The token of this user's daemon is of no use elsewhere, and must not be shown there.
        if token is None and token_file is None and _is_local_port(address):
            folder = _named(DATA_DIR_VARIABLE) or data_dir or platformdirs.user_data_path("sessiond")
            token_file = _existing(folder / "token")
        if address.startswith("tls:"):
            folder = platformdirs.user_config_path("sessiond") / "tls"
            ca_file = ca_file or _existing(folder / "ca.pem")
            if certificate is None and key is None:
                certificate, key = _existing(folder / "client.pem"), _existing(folder / "client.key")
        return cls(token, token_file, ca_file, certificate, key)

    @property
    def renews_token(self) -> bool:
        """Whether the token may be another one later."""
        return self.token is None and self.token_file is not None

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """The part that the transport checks. Raises ValueError."""
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("a client certificate and its private key belong together; name both files")
        root, key, chain = map(_content, (self.ca_file, self.key_file, self.certificate_file))
        return grpc.ssl_channel_credentials(root, key, chain)

    def token_reader(self) -> TokenReader | None:
        """What tells the token for each call; None when there is none. Raises ValueError."""
        if self.token is not None:
            token = self.token.strip()
            _check_token(token, "the token")
            return lambda: token
        if self.token_file is None:
            return None
        return _FileToken(self.token_file).read


class _FileToken:
    """The token in a file, as of now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._token: str | None = None
        if self.read() is None:
            raise ValueError(f"the token file {path} is empty or cannot be read")

    def read(self) -> str | None:
        """The token; the one before while the file cannot be read."""
        try:
            status = self._path.stat()
            stamp = status.st_ino, status.st_mtime_ns
            if stamp != self._stamp:
                token = self._path.read_text(encoding="utf-8").strip()
                _check_token(token, f"the token in {self._path}")
                self._token, self._stamp = token, stamp
        except (OSError, ValueError):
            if self._token is None:
                return None
        return self._token


def _check_token(token: str, what: str) -> None:
    # gRPC would refuse such a header with a text that repeats it.
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(f"{what} is empty, or has characters that no token has")


def _named(variable: str) -> Path | None:
    value = os.environ.get(variable)
    # Of a user who is not known the path stays as it is, and is told where it is read.
    return Path(os.path.expanduser(value)) if value else None  # noqa: PTH111 - `Path` raises for that user


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None


def _is_local_port(address: str) -> bool:
    host = address.removeprefix("tls:").rpartition(":")[0].strip("[]")
    if address.startswith("unix:"):
        return False
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _content(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
