"""The listeners for browsers of one daemon, and the way from them to its calls."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
from google.protobuf.descriptor import ServiceDescriptor

from sessiond.access.policy import AccessPolicy
from sessiond.access.tls_files import TlsFiles
from sessiond.config import Listener
from sessiond.listeners import bind_web
from sessiond.turns import Turns
from sessiond.web.application import web_application
from sessiond.web.serving import WebServer

__all__ = ["WebGateway"]


_AHEAD_BYTES = 64 * 1024
"""How much of an answer comes from the daemon's side before it is taken; there is no way between to bridge."""


class WebGateway:
    """Binds the listeners when it is made, serves from `start` to `stop`. Raises AddressInUseError, and TlsError.

    Calls reach the daemon through a Unix socket of the gateway's own, so that one server checks, limits and answers
    them all. They carry a mark that takes the trust in that socket away.

    Attributes:
        addresses: Where it listens, with the ports that were chosen.
        inlet: Where the daemon must listen too.
    """

    def __init__(self, listeners: Sequence[Listener], tls: TlsFiles | None) -> None:
        self._tls = tls
        self._servers: list[WebServer] = []
        self._channel: grpc.aio.Channel | None = None
        self._bound: list[tuple[socket.socket, Listener]] = []
        with ExitStack() as stack:
            # Its mode is 0700. The data may lie where no socket can, or too deep for the name of one.
            folder = stack.enter_context(TemporaryDirectory(prefix="sessiond-"))
            self.inlet = Listener(socket=Path(folder) / "web.sock")
            for listener in listeners:
                listening, address = bind_web(listener)
                stack.callback(listening.close)
                self._bound.append((listening, address))
            self._resources = stack.pop_all()
        self.addresses = tuple(address for _, address in self._bound)

    def start(
        self,
        services: Sequence[ServiceDescriptor],
        policy: AccessPolicy,
        turns: Turns,
        *,
        allowed_origins: Sequence[str],
        max_request_bytes: int,
    ) -> None:
        """Serves the calls of the services, which the daemon serves already.

        What pages send is taken in by turns, beside those of the daemon's own.
        """
        options = [
            ("grpc.default_authority", "localhost"),
            ("grpc.max_receive_message_length", -1),
            # Else gRPC keeps megabytes of each tail that its page does not take, by how fast others are.
            ("grpc.http2.bdp_probe", 0),
            ("grpc.http2.lookahead_bytes", _AHEAD_BYTES),
        ]
        self._channel = grpc.aio.insecure_channel(str(self.inlet), options=options)
        application = web_application(
            self._channel, services, policy, allowed_origins=allowed_origins, max_request_bytes=max_request_bytes
        )
        of_pages = turns.beside()
        self._servers = [
            WebServer(application, listening, self._tls if address.tls else None, of_pages)
            for listening, address in self._bound
        ]

    async def stop(self, grace_seconds: float) -> None:
        """Takes no more calls, waits for those under way, within the grace, and lets go of everything."""
        try:
            await asyncio.gather(*(server.stop(grace_seconds) for server in self._servers))
            if self._channel is not None:
                await self._channel.close()
        finally:
            self._resources.close()
