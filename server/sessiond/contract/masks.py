"""Which fields of a configuration an update replaces."""

from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from sessiond.contract.trees import check_tree
from sessiond.store.errors import InvalidFieldError
from sessionstore.v1.session_pb2 import SessionConfig

__all__ = ["replace_masked"]


def replace_masked(config: SessionConfig, given: SessionConfig, mask: FieldMask) -> None:
    """Makes the named fields as they are in the given configuration: set to the same, or cleared.

    Raises InvalidFieldError when what is left is no configuration, such as a workspace of no kind.
    """
    # FieldMask.MergeMessage leaves a field alone where the source lacks the message that would hold it, and makes that
    # message in the target where the field itself is missing.
    for path in mask.paths:
        *holders, name = path.split(".")
        source = _holder(given, holders)
        if source is not None and _is_set(source, name):
            _set(config, holders, name, source)
        elif (target := _holder(config, holders)) is not None:
            target.ClearField(name)
    try:
        check_tree(config)
    except InvalidFieldError as error:
        raise error.inside("update.config") from None


def _holder(config: SessionConfig, names: list[str]) -> Message | None:
    """The message in which a field lies; None when there is none."""
    holder: Message = config
    for name in names:
        if not holder.HasField(name):
            return None
        holder = getattr(holder, name)
    return holder


def _is_set(holder: Message, name: str) -> bool:
    field = holder.DESCRIPTOR.fields_by_name[name]
    if field.has_presence:
        return holder.HasField(name)
    return not field.is_repeated or len(getattr(holder, name)) > 0


def _set(config: SessionConfig, holders: list[str], name: str, source: Message) -> None:
    target: Any = config
    for holder in holders:
        target = getattr(target, holder)
    field = source.DESCRIPTOR.fields_by_name[name]
    value = getattr(source, name)
    if field.is_repeated:
        target.ClearField(name)
        getattr(target, name).MergeFrom(value)
    elif field.message_type is not None:
        getattr(target, name).CopyFrom(value)
    else:
        setattr(target, name, value)
