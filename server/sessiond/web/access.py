"""Lets nobody through from the web before it is known who calls and that they may."""

from typing import Any

from connectrpc.interceptor import MetadataInterceptor
from connectrpc.request import RequestContext

from sessiond.access.policy import FORWARDED_KEY, AccessPolicy, Call
from sessiond.access.refusals import PermissionDeniedError, UnauthenticatedError
from sessiond.interceptors.statuses import status_of
from sessiond.web.errors import connect_error

__all__ = ["AccessCheck", "forwarded_metadata"]


def forwarded_metadata(context: RequestContext[Any, Any]) -> tuple[tuple[str, str], ...]:
    """What the daemon is told of a caller: the credentials, and that they come from elsewhere."""
    presented = context.request_headers.getall("authorization")
    return (FORWARDED_KEY, "1"), *(("authorization", value) for value in presented)


class AccessCheck(MetadataInterceptor[None]):
    """Asks the policy before a byte of the request is read; the daemon asks again, also while a stream lasts."""

    def __init__(self, policy: AccessPolicy) -> None:
        self._policy = policy

    async def on_start(self, ctx: RequestContext[Any, Any]) -> None:
        """See MetadataInterceptor. Raises ConnectError."""
        method = f"/{ctx.method.service_name}/{ctx.method.name}"
        try:
            self._policy.admit(Call(method, "web:", forwarded_metadata(ctx), dict))
        except (UnauthenticatedError, PermissionDeniedError) as error:
            raise connect_error(status_of(error)) from None
