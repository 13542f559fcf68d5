"""What interceptors put around the handlers of calls, of whatever shape a call is."""

from collections.abc import Callable
from typing import Any

__all__ = ["Behaviour", "wrapped"]

Behaviour = Callable[[Any, Any], Any]
"""What handles a call: takes the request, or the stream of them, and gRPC's context."""


def wrapped(
    handler: Any, around_call: Callable[[Behaviour], Behaviour], around_stream: Callable[[Behaviour], Behaviour]
) -> Any:
    """A gRPC handler with its behaviour wrapped, by the one where it gives one answer, by the other where a stream."""
    if handler.response_streaming:
        kind, around = ("stream_stream" if handler.request_streaming else "unary_stream"), around_stream
    else:
        kind, around = ("stream_unary" if handler.request_streaming else "unary_unary"), around_call
    return handler._replace(**{kind: around(getattr(handler, kind))})
