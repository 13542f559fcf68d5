"""Finds what protobuf's reader of JSON takes for something else than it says.

In the place of a message it takes an empty list or text for an empty message, and of an enumeration it takes true for
the value 1, as well as 1.9. Of text that is no base64 it leaves out the characters that do not belong, so that other
bytes would be stored than anybody sent.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from sessiond.contract.fields import MAX_SHOWN_CHARACTERS
from sessiond.store.errors import InvalidFieldError
from sessionstore.v1.error_reason_pb2 import ErrorReason

__all__ = ["check_json"]

_BASE64 = re.compile(r"[A-Za-z0-9+/_\s-]*(?:=\s*){0,2}")
_LOOSELY_READ = (FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_ENUM)
_OF_OTHER_FORMS = "google.protobuf."
"""The messages that have a JSON form of their own, such as times, which are text."""


def check_json(document: Any, message: Descriptor) -> None:
    """Checks JSON that protobuf has read as a message. Raises InvalidFieldError."""
    _check_message(document, message, "")


def _check_message(value: Any, message: Descriptor, path: str) -> None:
    if not isinstance(value, dict):
        raise _refused(path or message.name, "is no JSON object; write one, or leave it out")
    fields = _looked_into(message)
    for name, inner in value.items():
        field = fields.get(name)
        if field is not None and inner is not None:
            _check_field(inner, field, f"{path}.{field.name}" if path else field.name)


def _check_field(value: Any, field: FieldDescriptor, path: str) -> None:
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        for key, item in value.items():
            _check_value(item, message.fields_by_name["value"], f"{path}[{key[:MAX_SHOWN_CHARACTERS]!r}]")
    elif field.is_repeated:
        for index, item in enumerate(value):
            _check_value(item, field, f"{path}[{index}]")
    else:
        _check_value(value, field, path)


def _check_value(value: Any, field: FieldDescriptor, path: str) -> None:
    if field.type == FieldDescriptor.TYPE_BYTES:
        if not _BASE64.fullmatch(value):
            raise _refused(path, "is not base64; encode the bytes")
    elif field.type == FieldDescriptor.TYPE_ENUM:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise _refused(path, "is neither the name nor the number of a value; write the name")
    elif field.message_type is not None:
        _check_message(value, field.message_type, path)


@cache
def _looked_into(message: Descriptor) -> Mapping[str, FieldDescriptor]:
    """The fields in which there is something to find, by both of their names."""
    found = {}
    for field in message.fields:
        kind: Any = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            kind = kind.fields_by_name["value"].message_type
        is_message = kind is not None and not kind.full_name.startswith(_OF_OTHER_FORMS)
        if is_message or field.type in _LOOSELY_READ:
            found[field.name] = found[field.json_name] = field
    return found


def _refused(path: str, description: str) -> InvalidFieldError:
    return InvalidFieldError(path, description, ErrorReason.ERROR_REASON_MALFORMED_REQUEST)
