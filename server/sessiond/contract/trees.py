"""Checks whole messages, field by field, with the path of what is wrong.

The rules are laid out once for each message type, so that a check only looks at fields that have something to check.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.unknown_fields import UnknownFieldSet

from sessiond.contract.fields import FIELD_RULES, MAX_SHOWN_CHARACTERS, REQUIRED_FIELDS, TIMESTAMP, Refusal, Rule
from sessiond.store.errors import InvalidFieldError
from sessionstore.v1 import admin_service_pb2, session_store_service_pb2

__all__ = ["check_tree", "is_required", "required_oneofs", "rule_of"]

_OPTIONAL_ONEOFS = frozenset({"expectation", "start"})
_REQUEST_FILES = {admin_service_pb2.DESCRIPTOR.name, session_store_service_pb2.DESCRIPTOR.name}


def check_tree(message: Message) -> None:
    """Checks a message and everything in it. Raises InvalidFieldError with the path from this message."""
    plan = _plan(message.DESCRIPTOR)
    if plan is not None:
        plan.check(message)


class _Plan:
    """What there is to check in messages of one type."""

    def __init__(self, descriptor: Descriptor) -> None:
        self._oneofs = required_oneofs(descriptor)
        in_oneof = {name for oneof in self._oneofs for name in _names(descriptor.oneofs_by_name[oneof].fields)}
        self._members: dict[str, _Field] = {}
        self._fields: list[_Field] = []
        for field in descriptor.fields:
            planned = _Field(descriptor, field)
            if not planned.has_something_to_check:
                continue
            if field.name in in_oneof:
                self._members[field.name] = planned
            else:
                self._fields.append(planned)

    @property
    def is_empty(self) -> bool:
        return not self._oneofs and not self._fields

    def check(self, message: Message) -> None:
        for oneof in self._oneofs:
            name = message.WhichOneof(oneof)
            if name is None:
                # What a newer client wrote must survive: its kind may be one that we do not know.
                if not len(UnknownFieldSet(message)):
                    raise InvalidFieldError(oneof, "must be set; give exactly one of its fields")
            elif name in self._members:
                self._members[name].check(message)
        for field in self._fields:
            field.check(message)


class _Field:
    """What there is to check in one field."""

    def __init__(self, holder: Descriptor, field: FieldDescriptor) -> None:
        self._name = field.name
        rule = rule_of(holder, field)
        self._rule = None if rule is None else rule.check
        self._required = is_required(holder, field)
        self._has_presence = field.has_presence
        self._repeated = field.is_repeated
        self._plan: _Plan | None = None
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            self._plan = _plan(field.message_type)
        elif field.message_type is not None:
            value = field.message_type.fields_by_name["value"].message_type
            self._plan = None if value is None else _plan(value)
        self._map = field.message_type is not None and field.message_type.GetOptions().map_entry
        # A whole list is checked by its rule; the items of a list by their plan.
        self.has_something_to_check = self._rule is not None or self._required or self._plan is not None

    def check(self, message: Message) -> None:
        if self._has_presence and not message.HasField(self._name):
            if self._required:
                raise InvalidFieldError(self._name, "must be set")
            return
        value = getattr(message, self._name)
        if self._rule is not None:
            try:
                self._rule(value)
            except Refusal as refusal:
                raise InvalidFieldError(self._name, str(refusal)) from None
        if self._plan is None:
            return
        if self._repeated:
            self._check_items(value)
            return
        try:
            self._plan.check(value)
        except InvalidFieldError as error:
            raise error.inside(self._name) from None

    def _check_items(self, items: Any) -> None:
        if self._plan is None:
            return
        keyed: Iterable[tuple[Any, Any]] = items.items() if self._map else enumerate(items)
        for key, item in keyed:
            try:
                self._plan.check(item)
            except InvalidFieldError as error:
                raise error.inside(f"{self._name}[{_shown(key)}]") from None


@cache
def _plan(descriptor: Descriptor) -> _Plan | None:
    plan = _Plan(descriptor)
    return None if plan.is_empty else plan


def required_oneofs(descriptor: Descriptor) -> list[str]:
    """The oneofs of a message of which one field must be set."""
    return [
        oneof.name
        for oneof in descriptor.oneofs
        if oneof.name not in _OPTIONAL_ONEOFS and not _is_synthetic(oneof.fields)
    ]


def is_required(holder: Descriptor, field: FieldDescriptor) -> bool:
    """Whether a message must be there in the message that holds it."""
    return f"{holder.name}.{field.name}" in REQUIRED_FIELDS


def rule_of(holder: Descriptor, field: FieldDescriptor) -> Rule | None:
    """The rule on the value of a field, if there is one."""
    rule = FIELD_RULES.get(f"{holder.name}.{field.name}")
    if rule is None and holder.file.name in _REQUEST_FILES:
        rule = FIELD_RULES.get(field.name)
    if rule is None and field.message_type is not None:
        return TIMESTAMP if field.message_type.full_name == Timestamp.DESCRIPTOR.full_name else None
    return rule


def _shown(key: object) -> str:
    # Keys of maps are the client's own text, of any length.
    return str(key) if isinstance(key, int) else repr(str(key)[:MAX_SHOWN_CHARACTERS])


def _is_synthetic(fields: Sequence[FieldDescriptor]) -> bool:
    """Whether a oneof stands for the presence of one `optional` field."""
    oneof = fields[0].containing_oneof
    return len(fields) == 1 and oneof is not None and oneof.name.startswith("_")


def _names(fields: Sequence[FieldDescriptor]) -> list[str]:
    return [field.name for field in fields]
