"""Why bytes could not be decoded: protobuf has one error for bytes that are no message and for missing memory."""

from google.protobuf.message import DecodeError

__all__ = ["check_memory", "lacked_memory"]

_NO_MEMORY = "alloc failed"
"""What the library's text then holds; tests/unit/contract/test_decode_errors.py pins it."""


def lacked_memory(error: DecodeError) -> bool:
    """Whether there was no memory to decode the bytes, which may be sound."""
    return _NO_MEMORY in str(error)


def check_memory(error: DecodeError) -> None:
    """Raises MemoryError when there was no memory: what is stored is not damaged by that."""
    if lacked_memory(error):
        raise MemoryError from error
