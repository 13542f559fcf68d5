"""What the daemon is told: where it keeps its data, where it listens, how it acknowledges."""

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import platformdirs

__all__ = [
    "APP_NAME",
    "ConfigError",
    "Listener",
    "ServeConfig",
    "default_config_file",
    "default_data_dir",
    "default_listen",
    "parse_listener",
]

APP_NAME = "sessiond"

MAX_SOCKET_PATH_BYTES = 107
"""The longest path of a Unix socket that Linux accepts."""

_UNIX_PREFIX = "unix:"


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


@dataclass(frozen=True, slots=True)
class Listener:
    """An address to listen on: a Unix socket, or a host and a port, 0 meaning any free one."""

    socket: Path | None = None
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        """The address, as a client names it."""
        if self.socket is not None:
            return f"{_UNIX_PREFIX}{self.socket}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_listener(text: str) -> Listener:
    """Reads `unix:PATH` or `HOST:PORT`. Raises ConfigError."""
    if text.startswith(_UNIX_PREFIX):
        path = text.removeprefix(_UNIX_PREFIX)
        if not path:
            raise ConfigError(f"listen: {text!r} names no path; write unix:/path/of/the.sock")
        socket = Path(path).expanduser().absolute()
        if len(str(socket).encode()) > MAX_SOCKET_PATH_BYTES:
            raise ConfigError(
                f"listen: the path of a Unix socket has at most {MAX_SOCKET_PATH_BYTES} bytes, {socket} has more; "
                "choose a shorter one"
            )
        return Listener(socket=socket)
    host, colon, port = text.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ConfigError(f"listen: {text!r} is no address; write unix:PATH, or HOST:PORT with a port of 0 to 65535")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ConfigError(f"listen: {text!r} is ambiguous; write an IPv6 address in brackets, such as [::1]:50551")
    return Listener(host=host, port=int(port))


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """The configuration of one daemon. Raises ConfigError when its parts do not go together.

    Attributes:
        data_dir: The folder of the database; created when it is missing.
        listen: The addresses to listen on, as `parse_listener` reads them.
        durability: `full` syncs the disk before each acknowledgement; `normal` leaves that to the operating system.
        insecure: Whether TCP without credentials is allowed.
        grace_seconds: How long a graceful stop may take.
    """

    data_dir: Path = field(default_factory=default_data_dir)
    listen: tuple[str, ...] = field(default_factory=lambda: (default_listen(),))
    durability: Literal["full", "normal"] = "full"
    insecure: bool = False
    grace_seconds: float = 10.0

    def __post_init__(self) -> None:
        """Checks that the parts go together."""
        if not self.listen:
            raise ConfigError("listen: name at least one address, such as unix:PATH")
        if self.grace_seconds < 0:
            raise ConfigError("grace-seconds: must not be negative")
        listeners = self.listeners
        for address in {str(listener) for listener in listeners if listener.port or listener.socket}:
            if [str(listener) for listener in listeners].count(address) > 1:
                raise ConfigError(f"listen: {address} is named twice")
        open_tcp = [str(listener) for listener in listeners if listener.socket is None]
        if open_tcp and not self.insecure:
            raise ConfigError(
                f"listen: {open_tcp[0]} would be open to everybody who can reach it; listen on a Unix socket, or say "
                "--insecure if that is meant"
            )

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """The addresses, read."""
        return tuple(map(parse_listener, self.listen))
