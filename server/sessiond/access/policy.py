"""The one place that decides who a caller is and what they may do."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sessiond.access.refusals import PermissionDeniedError, UnauthenticatedError
from sessiond.access.rights import Right, required_right
from sessiond.access.token_authority import TokenSource

__all__ = ["FORWARDED_KEY", "AccessPolicy", "Call", "Caller"]

FORWARDED_KEY = "sessiond-forwarded"
"""Metadata of a call that was passed on for somebody else, who needs a token: neither the socket's folder nor
`insecure` lets them in. It only ever takes rights away, so that it needs no protection."""

_HEALTH_PREFIX = "/grpc.health.v1.Health/"
_BEARER = re.compile(r"bearer +([!-~]+) *", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"(?:[^\\,+]|\\.)+")
"""Of a subject as RFC 2253 writes it: a comma, a plus or a backslash of a value has a backslash before it."""
_RIGHT_UNIT = re.compile(r"OU=sessiond:(read|write|admin)")


class Call(NamedTuple):
    """What a call says of itself.

    Attributes:
        method: The full path.
        peer: The other end, as gRPC names it: `unix:…`, `ipv4:…`, `ipv6:…`.
        metadata: What the client sent along.
        transport: Asks gRPC for what the transport has verified, its authentication context; most calls do without.
    """

    method: str
    peer: str
    metadata: Iterable[tuple[str, str | bytes]]
    transport: Callable[[], Mapping[str, Iterable[bytes]]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and what they may do.

    Attributes:
        name: The credentials, for people.
        right: What they give.
        host: The other end, where no credentials were asked for.
    """

    name: str
    right: Right
    host: str = ""

    @property
    def client(self) -> str:
        """Whose calls are counted together."""
        return f"{self.name} {self.host}"

    def require(self, right: Right, what: str) -> None:
        """Raises PermissionDeniedError unless the caller has the right; `what` may be the path of a method."""
        if self.right < right:
            raise PermissionDeniedError(what.rpartition("/")[2], required=right, granted=self.right)


_OWNER = Caller("owner of the socket", Right.ADMIN)


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Who is let in.

    Attributes:
        tokens: The tokens, or None where they are not asked for.
        insecure: Whether everybody who reaches a port may do everything.
        token_on_socket: Whether the folder of the Unix socket alone does not vouch for a caller.
        token_with_certificate: Whether a client certificate alone does not either.
        certificate_right: What a client certificate gives that names no right of its own.
        open_health: Whether everybody may ask for the health.
    """

    tokens: TokenSource | None = None
    insecure: bool = False
    token_on_socket: bool = False
    token_with_certificate: bool = False
    certificate_right: Right = Right.READ
    open_health: bool = False

    @property
    def generation(self) -> int:
        """A number that is another one whenever somebody who was let in might not be any more."""
        return 0 if self.tokens is None else self.tokens.generation

    def admit(self, call: Call) -> Caller:
        """Who calls, and may. Raises UnauthenticatedError and PermissionDeniedError."""
        caller = self.caller(call)
        caller.require(required_right(call.method), call.method)
        return caller

    def caller(self, call: Call) -> Caller:
        """Who calls. Raises UnauthenticatedError."""
        if self.open_health and call.method.startswith(_HEALTH_PREFIX):
            return Caller("anybody", Right.READ)
        presented: list[str | bytes] = []
        forwarded = False
        for key, value in call.metadata:
            if key == "authorization":
                presented.append(value)
            forwarded = forwarded or key == FORWARDED_KEY
        at_socket = call.peer.startswith("unix:") and not forwarded
        if self.insecure and not at_socket and not forwarded:
            return Caller("anybody", Right.ADMIN, call.peer.rpartition(":")[0])
        if presented and self.tokens is not None:
            return self._bearer(presented, self.tokens)
        if at_socket and not self.token_on_socket:
            return _OWNER
        if not forwarded and not self.token_with_certificate:
            certified = self._certified(call.transport())
            if certified is not None:
                return certified
        raise UnauthenticatedError("the call carries no credentials; send a token: authorization: Bearer TOKEN")

    def _bearer(self, presented: list[str | bytes], tokens: TokenSource) -> Caller:
        if len(presented) > 1:
            raise UnauthenticatedError("the call carries more than one authorization; send one")
        text = presented[0] if isinstance(presented[0], str) else presented[0].decode("latin-1")
        match = _BEARER.fullmatch(text)
        if match is None:
            raise UnauthenticatedError("the authorization is of another form; send: authorization: Bearer TOKEN")
        token = tokens.find(match[1])
        if token is None:
            raise UnauthenticatedError("the token is not known; it may have been rotated or revoked")
        return Caller(f"token {token.name}", token.right)

    def _certified(self, transport: Mapping[str, Iterable[bytes]]) -> Caller | None:
        """The owner of a client certificate, which the handshake has verified."""
        # Only a certificate that was asked for and verified leaves its text here.
        subject = next(iter(transport.get("x509_subject", ())), None)
        if subject is None:
            return None
        name = next(iter(transport.get("x509_common_name", ())), b"").decode("utf-8", "replace")
        return Caller(f"certificate {name}", self._certified_right(subject.decode("utf-8", "replace")))

    def _certified_right(self, subject: str) -> Right:
        units = map(_RIGHT_UNIT.fullmatch, _ATTRIBUTE.findall(subject))
        return next((Right.named(unit[1]) for unit in units if unit is not None), self.certificate_right)
