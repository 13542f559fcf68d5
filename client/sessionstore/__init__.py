"""The client library of the session store: an asyncio client, a blocking one, and a tail that resumes by itself.

The exceptions are in `sessionstore.errors`, the messages in `sessionstore.v1`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sessionstore import errors
    from sessionstore.async_client import AsyncSessionStore
    from sessionstore.blocking import BlockingItems, BlockingTail, SessionStore
    from sessionstore.credentials import Credentials
    from sessionstore.errors import SessionStoreError
    from sessionstore.event_loop import EventLoop
    from sessionstore.items import Items
    from sessionstore.tailing import Tail

__all__ = [
    "AsyncSessionStore",
    "BlockingItems",
    "BlockingTail",
    "Credentials",
    "EventLoop",
    "Items",
    "SessionStore",
    "SessionStoreError",
    "Tail",
    "errors",
]

# Loaded when they are asked for: whoever wants the messages only does not wait for gRPC.
_HOMES = {
    "AsyncSessionStore": "sessionstore.async_client",
    "BlockingItems": "sessionstore.blocking",
    "BlockingTail": "sessionstore.blocking",
    "Credentials": "sessionstore.credentials",
    "EventLoop": "sessionstore.event_loop",
    "Items": "sessionstore.items",
    "SessionStore": "sessionstore.blocking",
    "SessionStoreError": "sessionstore.errors",
    "Tail": "sessionstore.tailing",
}


def __getattr__(name: str) -> Any:
    """Loads a public name from its module."""
    import importlib

    if name == "errors":
        return importlib.import_module("sessionstore.errors")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names, those that are not loaded yet included."""
    return sorted({*globals(), *__all__})
