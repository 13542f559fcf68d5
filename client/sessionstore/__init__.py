"""The client library of the session store: an asyncio client, a blocking one, and a tail that resumes by itself."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sessionstore.async_client import AsyncSessionStore
    from sessionstore.blocking import BlockingTail, SessionStore
    from sessionstore.tailing import Tail

__all__ = ["AsyncSessionStore", "BlockingTail", "SessionStore", "Tail"]

# Loaded when they are asked for: whoever wants the messages only does not wait for gRPC.
_HOMES = {
    "AsyncSessionStore": "sessionstore.async_client",
    "BlockingTail": "sessionstore.blocking",
    "SessionStore": "sessionstore.blocking",
    "Tail": "sessionstore.tailing",
}


def __getattr__(name: str) -> Any:
    """Loads a public name from its module."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
