"""Mutates requests as what they are: messages whose fields are set, cleared, repeated and given telling values."""

from random import Random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

__all__ = ["mutate_message", "nested_groups"]

_TEXTS = (
    *["s0", "s1"] * 4, *["m0", "m1", "c0", "e0"] * 2,
    "", "s0", "s1", "s2", "m0", "m1", "c0", "c1", "e0", "e1", "x", "x" * 256, "x" * 257, "\U0010ffff" * 64, "\x00",
    "\x7f", "a\nb", "\ue000", "\ud7ff", "custom", "custom:", "custom:k", "custom:\x00", "message_part",
    "message_complete", "unknown", "label", "{}", "[" * 2000, '{"a":NaN}', "1e999", "system_prompt",
    "tool_config.tools", "tool_config.approval_policy.mixed", "workspace", "workspace.local.path",
    "workspace.remote.auth", "workspace.remote.auth.redacted", "workspace.kind", "metadata", "metadata.x", ".",
    "bash", "\u202e", "é",
)  # fmt: skip
_NUMBERS = (
    *range(9), 100, 999, 1000, 1001, 3600, 2**31 - 1, -1, -(2**31), 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63),
)  # fmt: skip
_DOUBLES = (0.0, -0.0, 1.5, float("inf"), float("nan"), 5e-324)
_BYTES = (b"", b"\x00", b"\xff\xfe", b"x" * 300)
_UNKNOWN_FIELD = 2000
MAX_DEPTH = 12


def nested_groups(depth: int) -> bytes:
    """An unknown field that nests groups."""
    return _tag(3) * depth + _tag(4) * depth


def _tag(wire_type: int) -> bytes:
    number = _UNKNOWN_FIELD << 3 | wire_type
    return bytes((number & 0x7F | 0x80, number >> 7))


def mutate_message(message: Message, chance: Random) -> None:
    """Changes one thing somewhere in a message, seldom two; the fuzzer itself makes several steps at a time."""
    for _ in range(chance.choice((1, 1, 1, 2))):
        target = message
        for _ in range(MAX_DEPTH):
            below = [child for field, value in target.ListFields() for child in _children(field, value)]
            if not below or chance.random() < 0.3:
                break
            target = chance.choice(below)
        _change(target, chance)


def _children(field: FieldDescriptor, value: Any) -> list[Message]:
    if field.message_type is None:
        return []
    if field.message_type.GetOptions().map_entry:
        return [item for item in value.values() if isinstance(item, Message)]
    return list(value) if field.is_repeated else [value]


def _change(message: Message, chance: Random) -> None:
    fields: Any = message.DESCRIPTOR.fields
    if chance.random() < 0.05 or not fields:
        message.MergeFromString(nested_groups(chance.choice((1, 2, 60, 90, 94, 95, 96, 97))))
        return
    field = chance.choice(fields)
    if chance.random() < 0.25:
        message.ClearField(field.name)
    elif field.message_type is not None and field.message_type.GetOptions().map_entry:
        _put(getattr(message, field.name), field.message_type.fields_by_name["value"], chance)
    elif field.is_repeated:
        _repeat(getattr(message, field.name), field, chance)
    elif field.message_type is not None:
        child = getattr(message, field.name)
        child.SetInParent()
        _change(child, chance)
    else:
        setattr(message, field.name, _value(field, chance))


def _put(pairs: Any, field: Any, chance: Random) -> None:
    key = chance.choice(_TEXTS)
    if field.message_type is None:
        pairs[key] = _value(field, chance)
    else:
        _change(pairs[key], chance)


def _repeat(items: Any, field: Any, chance: Random) -> None:
    if len(items) and chance.random() < 0.5:
        item = items[chance.randrange(len(items))]
        items.extend([item] * chance.choice((1, 1, 1, 2, 40, 200)))
    elif field.message_type is None:
        items.append(_value(field, chance))
    else:
        _change(items.add(), chance)


def _value(field: Any, chance: Random) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return chance.choice(_BYTES if field.type == FieldDescriptor.TYPE_BYTES else _TEXTS)
        case FieldDescriptor.CPPTYPE_BOOL:
            return chance.random() < 0.5
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return chance.choice(_DOUBLES)
        case FieldDescriptor.CPPTYPE_INT32 | FieldDescriptor.CPPTYPE_ENUM:
            return _fitting(-(2**31), 2**31 - 1, chance)
        case FieldDescriptor.CPPTYPE_UINT32:
            return _fitting(0, 2**32 - 1, chance)
        case FieldDescriptor.CPPTYPE_INT64:
            return _fitting(-(2**63), 2**63 - 1, chance)
        case _:
            return _fitting(0, 2**64 - 1, chance)


def _fitting(smallest: int, largest: int, chance: Random) -> int:
    number = chance.choice(_NUMBERS)
    return number if smallest <= number <= largest else chance.randrange(10)
