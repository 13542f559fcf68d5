"""How clients of the crash campaign bear with a daemon that comes and goes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc

from sessionstore.errors import DeadlineExceededError, ServerUnavailableError

__all__ = ["PAUSE_SECONDS", "RECONNECTING", "insist", "is_a_fault"]

T = TypeVar("T")

PAUSE_SECONDS = 0.002
"""Between the calls of one client; what waits for another life of the daemon waits ten times as long."""

RECONNECTING = (("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200))
"""The daemon is seldom down for long, and each of its lives is short."""

BROKEN_WRITE = "Internal error from Core"
"""What grpc.aio says of a stream whose end meets a write; no server does (decision 6)."""


async def insist(call: Callable[..., Awaitable[T]], *arguments: Any, **named: Any) -> T:
    """Makes a call until there is an answer: a daemon that is down for long outlasts the tries of the library."""
    while True:
        try:
            return await call(*arguments, **named)
        except (ServerUnavailableError, DeadlineExceededError):
            await asyncio.sleep(10 * PAUSE_SECONDS)


def is_a_fault(error: grpc.aio.AioRpcError) -> bool:
    """Whether a call ended in a way in which none may, however often the daemon dies."""
    if error.details() == BROKEN_WRITE:
        return False
    return error.code() in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS)
