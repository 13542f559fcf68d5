"""The application that a browser talks to."""

from collections.abc import Sequence
from functools import partial

import grpc
from connectrpc.server import ConnectASGIApplication
from google.protobuf.descriptor import ServiceDescriptor
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from sessiond.access.policy import AccessPolicy
from sessiond.web.acceptable_requests import AcceptableRequests
from sessiond.web.access import AccessCheck
from sessiond.web.codecs import BinaryCodec, JsonCodec
from sessiond.web.endings import OrderlyEndings
from sessiond.web.explanations import Explanations
from sessiond.web.forwarding import forwarding_endpoints
from sessiond.web.refused_calls import RefusedCalls

__all__ = ["web_application"]

_PREFLIGHT_SECONDS = 7200
"""How long a browser remembers what a page may send; two hours is the most that Chromium takes."""


class _Gateway(ConnectASGIApplication[grpc.aio.Channel]):
    @property
    def path(self) -> str:
        """Nothing: the calls of more than one service are served."""
        return ""


def web_application(
    channel: grpc.aio.Channel,
    services: Sequence[ServiceDescriptor],
    policy: AccessPolicy,
    *,
    allowed_origins: Sequence[str] = (),
    max_request_bytes: int,
) -> ASGIApp:
    """Serves all calls of the services over Connect and gRPC-Web, by passing them on through the channel.

    Pages of the origins named may call; what is no page, such as curl, always may.
    """
    gateway = _Gateway(
        service=channel,
        endpoints=partial(forwarding_endpoints, services=services),
        read_max_bytes=max_request_bytes,
        interceptors=[RefusedCalls(), AccessCheck(policy)],
        codecs=[BinaryCodec(), JsonCodec()],
    )
    cross_origin = CORSMiddleware(
        Explanations(AcceptableRequests(gateway)),
        allow_origins=allowed_origins,
        allow_methods=["GET", "POST"],
        allow_headers=[
            "Authorization",
            "Connect-Protocol-Version",
            "Connect-Timeout-Ms",
            "Connect-Accept-Encoding",
            "Connect-Content-Encoding",
            "Content-Encoding",
            "Grpc-Timeout",
            "X-Grpc-Web",
            "X-User-Agent",
        ],
        expose_headers=["Grpc-Status", "Grpc-Message", "Grpc-Status-Details-Bin"],
        # A page on the internet may call a daemon on its user's machine only with this word of the daemon's.
        allow_private_network=True,
        max_age=_PREFLIGHT_SECONDS,
    )
    return OrderlyEndings(cross_origin, max_bytes=max_request_bytes)
