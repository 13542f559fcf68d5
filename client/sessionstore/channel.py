"""The channel to the daemon, and what it repeats by itself."""

import json
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

MAX_REPEATED_BYTES = 2**31 - 1
"""As much as gRPC can be told: how large a request may be is for the server to say."""

_STORE = "sessionstore.v1.SessionStoreService"
_ADMIN = "sessionstore.v1.AdminService"

# What a repeat may mend. A server that shuts down drops the calls that it has not begun with CANCELLED; a call that is
# cancelled on this side never ends with a status.
_TRANSIENT = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)

# A repeat of these would be answered NOT_FOUND for what the first try had done.
_NOT_REPEATED = [
    {"service": _STORE, "method": "DeleteSession"},
    {"service": _ADMIN, "method": "RestoreSession"},
    {"service": _ADMIN, "method": "DeleteArchive"},
    # These resume by themselves.
    {"service": _STORE, "method": "TailEvents"},
    {"service": _STORE, "method": "Write"},
]
_SERVICE_CONFIG = {
    "methodConfig": [
        {"name": _NOT_REPEATED},
        {
            "name": [{"service": _STORE}, {"service": _ADMIN}],
            # Everything else may be repeated: reads, writes with ids, and updates that write the same values again.
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2.5,
                "retryableStatusCodes": [code.name for code in _TRANSIENT],
            },
        },
    ]
}


def client_channel(address: str, credentials: Credentials) -> LoopChannel | AuthorizedChannel:
    """A channel to an address, which the first call opens. Raises ValueError."""
    options: list[tuple[str, Any]] = [
        ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
        ("grpc.enable_retries", 1),
        # What is larger than this is not repeated. A request is kept for it until it is answered, and not copied.
        ("grpc.per_rpc_retry_buffer_size", MAX_REPEATED_BYTES),
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
