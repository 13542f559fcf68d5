"""Serves an application over HTTP, at sockets that are bound already."""

import asyncio
import logging
import socket
from ssl import SSLContext, SSLError, SSLObject, SSLSocket

from hypercorn.asyncio import serve
from hypercorn.config import Sockets
from starlette.types import ASGIApp

from sessiond.access.tls_files import ReplaceableTls, TlsFiles
from sessiond.listeners import BACKLOG
from sessiond.turns import Turns
from sessiond.web.accepting import ListeningSocket
from sessiond.web.connections import MAX_STREAMS, BoundedConfig, bound_connections

__all__ = ["WebServer"]

_log = logging.getLogger(__name__)

_MAX_REQUESTS = 2**31
"""How many requests a connection may have; hypercorn would end the tails of one of HTTP/2 after a thousand."""

_HANDSHAKE_SECONDS = 10.0
"""How long a handshake of TLS may take, which holds a quarter of a megabyte; on a slow network one is enough."""

_LETTING_GO_SECONDS = 1
"""How long calls that outlast the grace have to clean up."""


class WebServer:
    """One listener, from start to stop. Must be made and used in one event loop."""

    def __init__(self, application: ASGIApp, listening: socket.socket, tls: TlsFiles | None, turns: Turns) -> None:
        """What comes is taken in by these turns."""
        bound_connections()
        config = _TlsConfig(tls) if tls else _Config()
        config.turns = turns
        config.bind = [f"fd://{listening.detach()}"]
        # The socket is listened on anew, with what hypercorn has for it.
        config.backlog = BACKLOG
        config.h2_max_concurrent_streams = MAX_STREAMS
        config.keep_alive_max_requests = _MAX_REQUESTS
        config.ssl_handshake_timeout = _HANDSHAKE_SECONDS
        config.include_server_header = False
        config.accesslog = None
        config.errorlog = _log
        self._stopping = asyncio.Event()
        self._config = config
        self._serving = asyncio.create_task(
            serve(application, config, shutdown_trigger=self._stopping.wait),  # type: ignore[arg-type]  # the same protocol
            name="web",
        )
        self._serving.add_done_callback(self._ended)

    async def stop(self, grace_seconds: float) -> None:
        """Takes no more calls, and waits for those under way, within the grace."""
        self._config.graceful_timeout = grace_seconds
        self._stopping.set()
        done, _ = await asyncio.wait({self._serving}, timeout=grace_seconds)
        if not done:
            self._serving.cancel()
            # hypercorn does not pass a second cancellation on: what does not end by the first is left behind.
            done, _ = await asyncio.wait({self._serving}, timeout=_LETTING_GO_SECONDS)
            if not done:
                _log.warning("a connection of a browser did not end and is left behind")

    def _ended(self, serving: asyncio.Task[None]) -> None:
        if not serving.cancelled() and (error := serving.exception()) is not None:
            _log.error("the listener for browsers broke", exc_info=error)


class _Config(BoundedConfig):
    """One whose sockets turn away who finds no descriptor."""

    def create_sockets(self) -> Sockets:
        """See Config."""
        made = super().create_sockets()
        return Sockets(_listening(made.secure_sockets), _listening(made.insecure_sockets), made.quic_sockets)


def _listening(made: list[socket.socket]) -> list[socket.socket]:
    return [ListeningSocket(fileno=each.detach()) for each in made]


class _TlsConfig(_Config):
    """One whose certificate may be replaced while it is in use."""

    def __init__(self, files: TlsFiles) -> None:
        super().__init__()
        self.certfile = str(files.certificate)
        self.keyfile = str(files.key)
        self._files = ReplaceableTls(files)

    def create_ssl_context(self) -> SSLContext | None:
        """See Config; the context is exchanged in a handshake that finds other files."""
        newest = first = super().create_ssl_context()
        if first is None:
            return None

        def on_handshake(connection: SSLObject | SSLSocket, name: str | None, initial: SSLContext) -> None:
            nonlocal newest
            if self._files.replaced():
                try:
                    newest = super(_TlsConfig, self).create_ssl_context()
                except (OSError, SSLError) as error:
                    _log.error("%s; the certificate stays as it was", error)
            if newest is not None and newest is not initial:
                connection.context = newest

        first.sni_callback = on_handshake
        return first
