"""Turns away what the gateway could only fail at."""

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["AcceptableRequests"]

_GRPC = "application/grpc"
_BAD_REQUEST, _UNSUPPORTED_MEDIA_TYPE = 400, 415


class AcceptableRequests:
    """Lets through what comes over HTTP with headers that are text; gRPC itself only where there are trailers.

    connectrpc raises at the others, before anybody is asked who calls: each was a traceback in the log.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        status = _refusal(scope) if scope["type"] == "http" else None
        if status is None:
            await self._application(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _refusal(scope: Scope) -> int | None:
    """The status that a request is turned away with; None for one that is let through."""
    has_trailers = "http.response.trailers" in scope.get("extensions", {})
    for name, value in scope["headers"]:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return _BAD_REQUEST
        if name == b"content-type" and (text == _GRPC or text.startswith(f"{_GRPC}+")) and not has_trailers:
            # Its statuses are trailers.
            return _UNSUPPORTED_MEDIA_TYPE
    return None
