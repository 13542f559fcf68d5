"""Where the daemon is: given, in the environment, or at the default socket."""

import os
import warnings
from urllib.parse import quote

import platformdirs

__all__ = ["ADDRESS_VARIABLE", "default_address", "grpc_target", "is_tls"]

ADDRESS_VARIABLE = "SESSIOND_ADDRESS"

_UNIX_PREFIX = "unix:"
_TLS_PREFIX = "tls:"
_WEB_PREFIXES = ("http://", "https://")

# What fits into the kernel's address of a socket, less the zero byte at its end.
_MAX_SOCKET_PATH_BYTES = 107


def default_address() -> str:
    """The address in SESSIOND_ADDRESS, else the daemon's default socket."""
    named = os.environ.get(ADDRESS_VARIABLE)
    if named:
        return named
    with warnings.catch_warnings():
        # Without a session of a login manager, as in a container, a folder below /tmp of the user's own will do.
        warnings.simplefilter("ignore")
        return f"{_UNIX_PREFIX}{platformdirs.user_runtime_path('sessiond') / 'sessiond.sock'}"


def is_tls(address: str) -> bool:
    """Whether the address is one of TLS."""
    return address.startswith(_TLS_PREFIX)


def grpc_target(address: str) -> str:
    """The name by which gRPC connects to an address, `unix:PATH`, `HOST:PORT` or `tls:HOST:PORT`.

    Raises:
        ValueError: The address is neither, or its path is longer than the path of a socket may be.
    """
    if address.startswith(_UNIX_PREFIX):
        path = address.removeprefix(_UNIX_PREFIX)
        if not path:
            raise ValueError(f"address {address!r} names no path; write unix:/path/of/the.sock")
        return f"{_UNIX_PREFIX}{_socket_target(path)}"
    if address.startswith(_WEB_PREFIXES):
        raise ValueError(
            f"address {address!r} is one for browsers; write unix:PATH or [tls:]HOST:PORT of the same daemon"
        )
    target = address.removeprefix(_TLS_PREFIX)
    host, colon, port = target.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise ValueError(f"address {address!r} is neither unix:PATH nor [tls:]HOST:PORT with a port of 1 to 65535")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise ValueError(f"address {address!r} is ambiguous; write an IPv6 address in brackets, such as [::1]:50551")
    return target


def _socket_target(path: str) -> str:
    absolute = os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 - no file is touched
    size_bytes = len(os.fsencode(absolute))
    if size_bytes > _MAX_SOCKET_PATH_BYTES:
        raise ValueError(
            f"{absolute} has {size_bytes} bytes; the path of a socket has at most {_MAX_SOCKET_PATH_BYTES}"
        )
    # gRPC reads the target as a URI: an unquoted `#` or `?` would end the path, and `%20` would become a space.
    return quote(os.fsencode(absolute))
