"""Decodes requests as if they lay inside other messages, so that what they store can be decoded inside an answer.

Decoders bound how deeply messages nest, by default at 100 levels in every language. Our own messages come nowhere near,
but an unknown field may hold groups of any depth, and it is stored. In an answer it lies deeper than in its request: a
tool call is in the first level of CreateToolCallRequest and in the fourth of GetSessionResponse. Without the levels
between, a client could store what the server and all other clients fail to read.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

__all__ = ["HARMLESS_GROUPS", "SPARE_LEVELS", "nested_decoder"]

SPARE_LEVELS = 3
"""How much deeper an item lies in an answer than in its request, at most."""

HARMLESS_GROUPS = 64
"""So many, in whatever our own messages nest, stay below the bound with the spare levels."""

_SMALL_BYTES = 2048
_NO_GROUP = bytes(byte for byte in range(256) if byte & 0b111 != 3)
"""The bytes with which no group begins, by the type in the lowest bits of its tag."""

_REQUEST, _LEVEL = b"\x0a", b"\x12"  # the tags of the two fields of a level


def nested_decoder(request_type: type[Message]) -> Callable[[bytes], Message]:
    """What decodes a request; it raises DecodeError, also for one that nests too deeply to be answered."""
    level_type: Any = _level_type(cast("Descriptor", request_type.DESCRIPTOR))

    def decode(data: bytes) -> Message:
        # Most requests are small, and cannot nest deeply: that is told in a fifth of the time.
        if len(data) <= _SMALL_BYTES and len(data.translate(None, _NO_GROUP)) <= HARMLESS_GROUPS:
            return request_type.FromString(data)
        # Joined once: a request may have many megabytes.
        level = level_type.FromString(_heads(len(data)) + data)
        for _ in range(SPARE_LEVELS - 1):
            level = level.level
        return cast("Message", level.request)

    return decode


def _level_type(request: Descriptor) -> type[Message]:
    """The type of a message that holds a request, or another message of its own type."""
    package = f"sessiond.nesting.{request.name}"
    file = FileDescriptorProto(
        name=f"{package}.proto", package=package, syntax="proto3", dependency=[request.file.name]
    )
    level = file.message_type.add(name="Level")
    for number, (name, type_name) in enumerate((("request", request.full_name), ("level", f"{package}.Level")), 1):
        level.field.add(
            name=name,
            number=number,
            type=FieldDescriptor.TYPE_MESSAGE,
            label=FieldDescriptor.LABEL_OPTIONAL,
            type_name=f".{type_name}",
        )
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName(f"{package}.Level"))


@lru_cache(maxsize=1024)  # most requests are small, and of few sizes
def _heads(size_bytes: int) -> bytes:
    """What stands before a request of some size, of all levels around it."""
    heads, tag = b"", _REQUEST
    for _ in range(SPARE_LEVELS):
        heads = tag + _varint(size_bytes + len(heads)) + heads
        tag = _LEVEL
    return heads


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
