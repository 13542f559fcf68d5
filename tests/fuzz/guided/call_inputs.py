"""Calls as the bytes of an input: the first chooses the call, the others are its requests."""

from tests.fuzz.stack import CALLS

__all__ = ["LENGTH_BYTES", "NAMES", "decoded_input", "encoded_input"]

NAMES = tuple(CALLS)
"""The calls; the first byte of an input chooses one."""

LENGTH_BYTES = 2


def encoded_input(name: str, *requests: bytes) -> bytes:
    """The input that makes a call; each request of a stream has its length before it."""
    first = bytes((NAMES.index(name),))
    if not CALLS[name].streams_requests:
        return first + requests[0]
    return first + b"".join(len(request).to_bytes(LENGTH_BYTES) + request for request in requests)


def decoded_input(data: bytes) -> tuple[str, list[bytes]]:
    """The call that any bytes make."""
    name = NAMES[data[0] % len(NAMES)] if data else NAMES[0]
    if not CALLS[name].streams_requests:
        return name, [data[1:]]
    requests, position = [], 1
    while position < len(data):
        begin = position + LENGTH_BYTES
        position = begin + int.from_bytes(data[position:begin])
        requests.append(data[begin:position])
    return name, requests
