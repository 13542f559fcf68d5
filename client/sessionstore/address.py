"""Where the daemon is: given, in the environment, or at the default socket."""

import os

import platformdirs

__all__ = ["ADDRESS_VARIABLE", "default_address", "grpc_target"]

ADDRESS_VARIABLE = "SESSIOND_ADDRESS"

_UNIX_PREFIX = "unix:"


def default_address() -> str:
    """The address in SESSIOND_ADDRESS, else the daemon's default socket."""
    named = os.environ.get(ADDRESS_VARIABLE)
    return named or f"{_UNIX_PREFIX}{platformdirs.user_runtime_path('sessiond') / 'sessiond.sock'}"


def grpc_target(address: str) -> str:
    """The name by which gRPC connects to an address, `unix:PATH` or `HOST:PORT`.

    Raises:
        ValueError: The address is neither.
    """
    if address.startswith(_UNIX_PREFIX):
        path = address.removeprefix(_UNIX_PREFIX)
        if not path:
            raise ValueError(f"address {address!r} names no path; write unix:/path/of/the.sock")
        return f"{_UNIX_PREFIX}{os.path.abspath(os.path.expanduser(path))}"  # noqa: PTH100, PTH111 - no file is touched
    host, colon, port = address.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise ValueError(f"address {address!r} is neither unix:PATH nor HOST:PORT with a port of 1 to 65535")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise ValueError(f"address {address!r} is ambiguous; write an IPv6 address in brackets, such as [::1]:50551")
    return address
