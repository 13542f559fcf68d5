"""Page tokens: where the next page begins, tied to the request that they were made for."""

import base64
import binascii
import hashlib
import struct

from google.protobuf.message import Message

from sessiond.store.errors import InvalidFieldError
from sessionstore.v1.error_reason_pb2 import ErrorReason

__all__ = ["decode_token", "encode_token", "not_answered"]

_DIGEST_BYTES = 8


def _digest(request: Message) -> bytes:
    """What of the request must be the same on every page: all but the token itself and the size of the page."""
    fixed = type(request)()
    fixed.CopyFrom(request)
    fixed.ClearField("page_token")
    fixed.ClearField("page_size")
    named = fixed.DESCRIPTOR.full_name.encode() + b"\0" + fixed.SerializeToString(deterministic=True)
    return hashlib.sha256(named).digest()[:_DIGEST_BYTES]


def encode_token(request: Message, *numbers: int) -> str:
    """The token that leads on from these numbers, each a signed 64-bit integer."""
    packed = _digest(request) + struct.pack(f">{len(numbers)}q", *numbers)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode_token(request: Message, token: str, count: int) -> tuple[int, ...]:
    """The `count` numbers of a token. Raises InvalidFieldError when it was not made for this request."""
    try:
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        packed = b""
    if len(packed) != _DIGEST_BYTES + 8 * count or packed[:_DIGEST_BYTES] != _digest(request):
        raise not_answered()
    return struct.unpack(f">{count}q", packed[_DIGEST_BYTES:])


def not_answered() -> InvalidFieldError:
    """What a token is refused with that no page leads on by: the digest keeps nobody from writing one of their own."""
    return InvalidFieldError(
        "page_token",
        "not a token that this call answered for these arguments; use next_page_token of the page before, with the"
        " other fields unchanged, or leave it empty to begin again",
        ErrorReason.ERROR_REASON_INVALID_PAGE_TOKEN,
    )
