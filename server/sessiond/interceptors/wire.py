"""Looks through the bytes of a message for text that is not UTF-8, to say where it stands.

Protobuf refuses such a message as a whole and does not name the field. Source of the format: the protobuf encoding
specification (tags of field number and wire type, base-128 varints, length-delimited fields, groups).
"""

from collections import Counter
from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor

__all__ = ["find_invalid_text"]

_VARINT, _FIXED64, _LENGTH_DELIMITED, _START_GROUP, _END_GROUP, _FIXED32 = range(6)
_MAX_DEPTH = 100
_MAX_FIELDS = 100_000  # a tenth of a second; the search holds up every other call
_MAX_VARINT_BYTES = 10


class _MalformedError(Exception):
    """The bytes are no message at all, or too much to look through."""


def find_invalid_text(descriptor: Descriptor, data: bytes) -> str | None:
    """The path of the first text field that is not valid UTF-8, such as `message.user.content[0].text`.

    None when there is none, when the bytes are damaged in another way before it, or when it stands beyond the first
    100,000 fields.
    """
    try:
        return _find(descriptor, memoryview(data), 0, iter(range(_MAX_FIELDS)))
    except _MalformedError:
        return None


def _find(descriptor: Descriptor, data: memoryview, depth: int, budget: Iterator[int]) -> str | None:
    if depth > _MAX_DEPTH:
        raise _MalformedError
    seen: Counter[int] = Counter()
    for number, value in _fields(data, budget):
        field = descriptor.fields_by_number.get(number)
        if field is None or value is None:
            continue
        index = seen[number]
        seen[number] += 1
        name = f"{field.name}[{index}]" if field.is_repeated else field.name
        if field.type == FieldDescriptor.TYPE_STRING and not _is_text(value):
            return name
        if field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type is not None:
            inner = _find(field.message_type, value, depth + 1, budget)
            if inner is not None:
                return f"{name}.{inner}"
    return None


def _is_text(value: memoryview) -> bool:
    try:
        bytes(value).decode()
    except UnicodeDecodeError:
        return False
    return True


def _fields(data: memoryview, budget: Iterator[int]) -> Iterator[tuple[int, memoryview | None]]:
    """The field numbers of a message, with the bytes of those that are length-delimited.

    What stands in a group is passed over: proto3 has none, so it is of a field that we do not know.
    """
    position = 0
    groups: list[int] = []
    while position < len(data):
        if next(budget, None) is None:
            raise _MalformedError
        tag, position = _varint(data, position)
        number, wire_type = tag >> 3, tag & 7
        value: memoryview | None = None
        if wire_type == _LENGTH_DELIMITED:
            length, position = _varint(data, position)
            value = data[position : position + length]
            if len(value) != length:
                raise _MalformedError
            position += length
        elif wire_type == _VARINT:
            _, position = _varint(data, position)
        elif wire_type == _FIXED64:
            position += 8
        elif wire_type == _FIXED32:
            position += 4
        elif wire_type == _START_GROUP and len(groups) < _MAX_DEPTH:
            groups.append(number)
        elif wire_type != _END_GROUP or not groups or groups.pop() != number:
            raise _MalformedError
        if number == 0 or position > len(data):
            raise _MalformedError
        if not groups:
            yield number, value
    if groups:
        raise _MalformedError


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    result = 0
    for shift in range(_MAX_VARINT_BYTES):
        if position >= len(data):
            raise _MalformedError
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << (7 * shift)
        if not byte & 0x80:
            return result, position
    raise _MalformedError
