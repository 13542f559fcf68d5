"""The channel to the daemon, and what its failures mean."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from sessionstore.address import grpc_target, is_tls
from sessionstore.authorized_channel import AuthorizedChannel
from sessionstore.credentials import Credentials
from sessionstore.errors import SessionStoreError, error_from_call
from sessionstore.loop_channel import LoopChannel

__all__ = ["client_channel", "is_transient", "translated"]

KEEPALIVE_SECONDS = 60

# What a repeat may mend. A server that shuts down drops the calls that it has not begun with CANCELLED; a call that is
# cancelled on this side never ends with a status.
_TRANSIENT = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


def client_channel(address: str, credentials: Credentials) -> LoopChannel | AuthorizedChannel:
    """A channel to an address, which the first call opens. Raises ValueError."""
    options: list[tuple[str, Any]] = [
        ("grpc.keepalive_time_ms", KEEPALIVE_SECONDS * 1000),
        ("grpc.keepalive_timeout_ms", 20_000),
        # A server that comes back is to be found soon, also after a long time without it.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2000),
        # A store is on this machine or near it; a proxy for the web, named in the environment, is not on the way.
        ("grpc.enable_http_proxy", 0),
    ]
    target = grpc_target(address)
    if target.startswith("unix:"):
        # The path, percent-encoded, is no authority that every server accepts.
        options.append(("grpc.default_authority", "localhost"))
    read_token = credentials.token_reader()
    if is_tls(address):
        transport = credentials.channel_credentials()
        channel = LoopChannel(lambda: grpc.aio.secure_channel(target, transport, options=options))
    else:
        channel = LoopChannel(lambda: grpc.aio.insecure_channel(target, options=options))
    return channel if read_token is None else AuthorizedChannel(channel, read_token)


def is_transient(failure: SessionStoreError) -> bool:
    """Whether the same call may succeed later, or at a successor of the server."""
    return failure.code in _TRANSIENT


@contextmanager
def translated() -> Iterator[None]:
    """Turns the errors of gRPC into those of this library."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise error_from_call(error) from error
    except grpc.aio.UsageError as error:
        raise SessionStoreError("the client is closed", code=grpc.StatusCode.CANCELLED) from error
