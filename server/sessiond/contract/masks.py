"""Which fields of a configuration an update replaces."""

from google.protobuf.field_mask_pb2 import FieldMask

from sessiond.contract.trees import check_tree
from sessiond.store.errors import InvalidFieldError
from sessionstore.v1.session_pb2 import SessionConfig

__all__ = ["replace_masked"]


def replace_masked(config: SessionConfig, given: SessionConfig, mask: FieldMask) -> None:
    """Makes the named fields as they are in the given configuration: set to the same, or cleared.

    Raises InvalidFieldError when what is left is no configuration, such as a workspace of no kind.
    """
    for path in mask.paths:
        _clear(config, path)
    mask.MergeMessage(given, config, replace_message_field=True, replace_repeated_field=True)
    try:
        check_tree(config)
    except InvalidFieldError as error:
        raise error.inside("update.config") from None


def _clear(config: SessionConfig, path: str) -> None:
    """Clears a field: MergeMessage leaves it alone where the source lacks the message that would hold it."""
    *holders, name = path.split(".")
    target = config
    for holder in holders:
        if not target.HasField(holder):
            return
        target = getattr(target, holder)
    target.ClearField(name)
