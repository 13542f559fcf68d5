"""What a request that is no call is told, which connectrpc answers with a bare status."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Explanations"]

_CALL = "POST /sessionstore.v1.SessionStoreService/ListSessions"
_TEXTS = {
    404: f"no such call; its path is the name of a service and of its method, as in {_CALL}\n",
    405: f"calls are made by POST, as in {_CALL}\n",
    415: "no content-type that this call takes; a call with one answer takes application/json, one that is or answers "
    "a stream takes application/connect+json, in frames, as the clients of Connect and of gRPC-Web send them\n",
}
"""By their status. Each is a mistake of who writes a client, or a line for curl."""


class Explanations:
    """Adds a text to those answers that have none. Clients go by the status, as before."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        held: Message | None = None

        async def sending(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                named = {name for name, _ in message["headers"]}
                if message["status"] in _TEXTS and b"content-type" not in named:
                    held = message
                    return
            elif held is not None:
                text = _TEXTS[held["status"]].encode()
                kind = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(text))]
                begin, held = {**held, "headers": [*held["headers"], *kind]}, None
                await send(begin)
                message = {**message, "body": text}
            await send(message)

        await self._application(scope, receive, sending)
