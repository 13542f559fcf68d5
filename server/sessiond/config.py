"""What the daemon is told: where it keeps its data, where it listens, how it acknowledges."""

import os
import re
import warnings
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

import platformdirs

from sessiond.contract.limits import Limits

__all__ = [
    "APP_NAME",
    "ConfigError",
    "Listener",
    "ServeConfig",
    "default_config_file",
    "default_data_dir",
    "default_listen",
    "default_tls_dir",
    "parse_listener",
]

APP_NAME = "sessiond"

MAX_SOCKET_PATH_BYTES = 107
"""The longest path of a Unix socket that Linux accepts."""

_UNIX_PREFIX = "unix:"
_TLS_PREFIX = "tls:"
_WEB_PREFIXES = {False: "http://", True: "https://"}

# As browsers write it: no path, lower case. Extensions and web views have schemes of their own.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@*\sA-Z]+")
_ANY_ORIGIN = "*"
_OPAQUE_ORIGIN = "null"


class ConfigError(Exception):
    """The configuration is not acceptable; the text says what to do."""


def default_data_dir() -> Path:
    """The folder of the user's data."""
    return platformdirs.user_data_path(APP_NAME)


def default_listen() -> str:
    """The Unix socket in the user's runtime folder, which the client library takes for its default too."""
    with warnings.catch_warnings():
        # Without a session of a login manager, as in a container, a folder below /tmp of the user's own will do.
        warnings.simplefilter("ignore")
        return f"{_UNIX_PREFIX}{platformdirs.user_runtime_path(APP_NAME) / 'sessiond.sock'}"


def default_config_file() -> Path:
    """The file that is read when none is named."""
    return platformdirs.user_config_path(APP_NAME) / "config.toml"


def default_tls_dir() -> Path:
    """The folder of the certificates that `sessiond tls init` makes."""
    return platformdirs.user_config_path(APP_NAME) / "tls"


@dataclass(frozen=True, slots=True)
class Listener:
    """An address to listen on: a Unix socket, or a host and a port, 0 meaning any free one, with or without TLS.

    One for the web serves browsers, over HTTP; the others serve gRPC.
    """

    socket: Path | None = None
    host: str = ""
    port: int = 0
    tls: bool = False
    web: bool = False

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.socket is not None or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        """The address, as a client names it."""
        if self.socket is not None:
            return f"{_UNIX_PREFIX}{self.socket}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        prefix = _WEB_PREFIXES[self.tls] if self.web else _TLS_PREFIX if self.tls else ""
        return f"{prefix}{host}:{self.port}"

    def encrypted(self) -> "Listener":
        """The same address, with TLS."""
        return replace(self, tls=True)


def parse_listener(text: str) -> Listener:
    """Reads `unix:PATH`, `[tls:]HOST:PORT` or `http[s]://HOST:PORT`. Raises ConfigError."""
    if text.startswith(_UNIX_PREFIX):
        path = text.removeprefix(_UNIX_PREFIX)
        if not path:
            raise ConfigError(f"listen: {text!r} names no path; write unix:/path/of/the.sock")
        socket = Path(path).expanduser().absolute()
        if len(os.fsencode(socket)) > MAX_SOCKET_PATH_BYTES:
            raise ConfigError(
                f"listen: the path of a Unix socket has at most {MAX_SOCKET_PATH_BYTES} bytes, {socket} has more; "
                "choose a shorter one"
            )
        return Listener(socket=socket)
    tls = text.startswith((_TLS_PREFIX, _WEB_PREFIXES[True]))
    web = text.startswith(tuple(_WEB_PREFIXES.values()))
    prefix = _WEB_PREFIXES[tls] if web else _TLS_PREFIX
    host, colon, port = text.removeprefix(prefix).rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ConfigError(
            f"listen: {text!r} is no address; write unix:PATH, or HOST:PORT, tls:HOST:PORT, http://HOST:PORT or "
            "https://HOST:PORT with a port of 0 to 65535"
        )
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ConfigError(f"listen: {text!r} is ambiguous; write an IPv6 address in brackets, such as [::1]:50551")
    return Listener(host=host, port=int(port), tls=tls, web=web)


def _check_origin(text: str) -> None:
    if text not in (_ANY_ORIGIN, _OPAQUE_ORIGIN) and not _ORIGIN.fullmatch(text):
        raise ConfigError(
            f"allow-origin: {text!r} is no origin as a browser sends it; write scheme://host, or scheme://host:port, "
            "in lower case and without a path, such as https://app.example.com; null for pages of files, * for all"
        )


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """The configuration of one daemon. Raises ConfigError when its parts do not go together.

    Attributes:
        data_dir: The folder of the database; created when it is missing.
        listen: The addresses to listen on, as `parse_listener` reads them.
        durability: `full` syncs the disk before each acknowledgement; `normal` leaves that to the operating system.
        insecure: Whether everybody who reaches a port may do everything.
        tls_certificate: The certificate of the listeners with TLS, in PEM.
        tls_key: Its private key.
        tls_client_authority: The authority of the client certificates that are let in, without a token.
        client_certificate_right: What a client certificate gives that names no right: `read`, `write` or `admin`.
        require_token: Whether a token is asked for also from clients with a certificate, and at the Unix socket.
        open_health: Whether the health may be asked for without credentials.
        allowed_origins: The origins of the pages that may call over HTTP, as browsers send them; `*` is every page.
        grace_seconds: How long a graceful stop may take.
        keepalive_seconds: After so long without a word from a client it is asked whether it is still there.
        limits: What clients may send and keep.
    """

    data_dir: Path = field(default_factory=default_data_dir)
    listen: tuple[str, ...] = field(default_factory=lambda: (default_listen(),))
    durability: Literal["full", "normal"] = "full"
    insecure: bool = False
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_authority: Path | None = None
    client_certificate_right: str = "read"
    require_token: bool = False
    open_health: bool = False
    allowed_origins: tuple[str, ...] = ()
    grace_seconds: float = 10.0
    keepalive_seconds: int = 30
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Checks that the parts go together."""
        if not self.listen:
            raise ConfigError("listen: name at least one address, such as unix:PATH")
        if self.grace_seconds < 0:
            raise ConfigError("grace-seconds: must not be negative")
        if self.keepalive_seconds < 1:
            raise ConfigError("keepalive-seconds: must be 1 at least")
        listeners = self.listeners
        for address in {str(listener) for listener in listeners if listener.port or listener.socket}:
            if [str(listener) for listener in listeners].count(address) > 1:
                raise ConfigError(f"listen: {address} is named twice")
        incomplete = self.tls_certificate is None or self.tls_key is None
        if incomplete and any(listener.tls for listener in listeners):
            raise ConfigError(
                "listen: TLS needs a certificate and its key; name them with --tls-cert and --tls-key, or make them "
                "with `sessiond tls init`"
            )
        if self.tls_client_authority is not None and not any(found.tls and not found.web for found in listeners):
            raise ConfigError("tls-client-ca: no listener has TLS; write --listen tls:HOST:PORT")
        for origin in self.allowed_origins:
            _check_origin(origin)
        if self.allowed_origins and not any(listener.web for listener in listeners):
            raise ConfigError("allow-origin: no listener is for browsers; write --listen http://HOST:PORT")
        if self.insecure and self.require_token:
            raise ConfigError("insecure and require-token contradict each other; say one of them")

    @property
    def uses_tokens(self) -> bool:
        """Whether a token is what lets somebody in, at one of the listeners at least."""
        remote = [listener for listener in self.listeners if listener.socket is None and not listener.web]
        certificates = self.tls_client_authority is not None and all(listener.tls for listener in remote)
        # A page of anybody's can reach a port of this machine, so that the web is never without.
        web = any(listener.web for listener in self.listeners)
        return self.require_token or web or bool(remote and not self.insecure and not certificates)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What somebody should think twice about."""
        found = []
        if self.insecure and any(listener.socket is None and not listener.web for listener in self.listeners):
            found.append("--insecure: whoever reaches the port can read and write everything")
        found.extend(
            f"{listener}: tokens and sessions travel unencrypted, write {listener.encrypted()}"
            for listener in self.listeners
            if not listener.is_loopback and not listener.tls
        )
        return tuple(found)

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """The addresses, read."""
        return tuple(map(parse_listener, self.listen))
