"""A channel that sends a token with each call.

gRPC's own call credentials want TLS, which a port of the same machine does without, and its interceptors cost a task
for each call.
"""

from collections.abc import Callable
from typing import Any

from sessionstore.credentials import TokenReader
from sessionstore.loop_channel import LoopChannel

__all__ = ["AuthorizedChannel"]


class AuthorizedChannel:
    """What the generated stubs and the client need of a channel."""

    def __init__(self, channel: LoopChannel, read_token: TokenReader) -> None:
        self._channel = channel
        self._read_token = read_token

    def is_open_here(self) -> bool:
        """See LoopChannel."""
        return self._channel.is_open_here()

    async def close(self) -> None:
        """See LoopChannel."""
        await self._channel.close()

    def unary_unary(self, *arguments: Any, **options: Any) -> Any:
        """See LoopChannel."""
        return self._authorized(self._channel.unary_unary(*arguments, **options))

    def unary_stream(self, *arguments: Any, **options: Any) -> Any:
        """See LoopChannel."""
        return self._authorized(self._channel.unary_stream(*arguments, **options))

    def stream_stream(self, *arguments: Any, **options: Any) -> Any:
        """See LoopChannel."""
        return self._authorized(self._channel.stream_stream(*arguments, **options))

    def _authorized(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def authorized(*arguments: Any, **options: Any) -> Any:
            token = self._read_token()
            if token is not None:
                options["metadata"] = (*(options.get("metadata") or ()), ("authorization", f"Bearer {token}"))
            return call(*arguments, **options)

        return authorized
