"""Leaves nothing of a refused call to the collector of garbage."""

from typing import Any

from connectrpc.errors import ConnectError
from connectrpc.interceptor import MetadataInterceptor
from connectrpc.request import RequestContext

__all__ = ["RefusedCalls"]


class RefusedCalls(MetadataInterceptor[None]):
    """Lets go of the frames that the error of a call has come through. Must be the outermost.

    connectrpc keeps the error in one of them until it is answered: a ring of a hundred objects with all that hypercorn
    has of the call, of which a page that is refused again and again leaves tens of thousands a second.
    """

    async def on_start(self, ctx: RequestContext[Any, Any]) -> None:
        """See MetadataInterceptor."""

    async def on_end(self, token: None, ctx: RequestContext[Any, Any], error: Exception | None) -> None:
        """See MetadataInterceptor."""
        # What is none of these is logged, with where it came from.
        if isinstance(error, ConnectError):
            # Where it came from, and what it was made of: the frames of that lead to those that called them.
            error.__traceback__ = error.__context__ = error.__cause__ = None
