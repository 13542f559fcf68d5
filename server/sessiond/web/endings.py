"""Ends calls in good order, where hypercorn would break or leak a connection."""

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["OrderlyEndings"]

_PATIENCE_SECONDS = 1
"""A page sends its request in one go; who does not is not waited for."""


class OrderlyEndings:
    """Takes in what is left of a request that was answered early, and sends nothing to a client that is gone.

    A call without a token is refused before its request is read. Over HTTP/1.1 the client could lose the answer when
    the connection is closed on what it still sends; over HTTP/2 hypercorn would end the other calls of the connection,
    tails included, at data of a stream that it has forgotten (pgjones/hypercorn#329). What is sent over a connection of
    HTTP/2 that was closed waits there for ever, and with it the task and the stop of the daemon.
    """

    def __init__(self, application: ASGIApp, *, max_bytes: int) -> None:
        self._application = application
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        request_ended = client_gone = False

        async def receiving() -> Message:
            nonlocal request_ended, client_gone
            message = await receive()
            if message["type"] == "http.disconnect":
                client_gone = True
            if client_gone or not message.get("more_body", False):
                request_ended = True
            return message

        async def take_rest() -> None:
            taken = 0
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while not request_ended and taken <= self._max_bytes:
                    taken += len((await receiving()).get("body", b""))

        async def sending(message: Message) -> None:
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if last and not request_ended:
                # The answer itself is not held back, only its end.
                await send({**message, "more_body": True})
                with suppress(TimeoutError):
                    await take_rest()
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            if not client_gone:
                await send(message)

        await self._application(scope, receiving, sending)
