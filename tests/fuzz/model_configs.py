"""What an update makes of the configuration of a session of the model."""

from copy import deepcopy
from typing import Any

from google.protobuf.message import Message

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import RemoteAuth, SessionConfig
from tests.fuzz.model_sessions import ModelSession, Refused

__all__ = ["update_session"]


def update_session(session: ModelSession, update: pb.SessionUpdate) -> None:
    """Applies the parts of an update in the order of the fields."""
    before = _credentials(session.config)
    config = deepcopy(session.config)
    if update.HasField("config") and update.HasField("update_mask"):
        for path in update.update_mask.paths:
            _replace(config, update.config, path.split("."))
        _require_kinds(config)
    elif update.HasField("config"):
        config = deepcopy(update.config)
    _keep_redacted(config, before)
    config.metadata.update(update.set_metadata)
    for key in update.delete_metadata_keys:
        config.metadata.pop(key, None)
    session.config = config
    if update.HasField("status"):
        session.status = int(update.status)
    for known, added in (
        (session.approved_tools, update.add_approved_tools),
        (session.approved_bash_patterns, update.add_approved_bash_patterns),
    ):
        known += [value for value in dict.fromkeys(added) if value not in known]


def _replace(target: Message, given: Message, path: list[str]) -> bool:
    """Makes one field as it is in what was given; says whether it is set there. Else it is cleared, no holder made."""
    name, *deeper = path
    field = given.DESCRIPTOR.fields_by_name[name]
    value: Any = getattr(given, name)
    if deeper:
        changed = deepcopy(getattr(target, name))
        is_set = _replace(changed, value, deeper) and given.HasField(name)
        if is_set or target.HasField(name):
            _put(target, name, changed)
        return is_set
    target.ClearField(name)
    if field.is_repeated:
        getattr(target, name).MergeFrom(value)
        return len(value) > 0
    if field.has_presence and not given.HasField(name):
        return False
    _put(target, name, value)
    return True


def _put(target: Message, name: str, value: Any) -> None:
    if isinstance(value, Message):
        getattr(target, name).SetInParent()
        getattr(target, name).CopyFrom(value)
    else:
        setattr(target, name, value)


def _require_kinds(config: SessionConfig) -> None:
    """A workspace, credentials, and the like must be of a kind."""
    waiting: list[Message] = [config]
    while waiting:
        message = waiting.pop()
        for oneof in message.DESCRIPTOR.oneofs:
            if oneof.name == "kind" and message.WhichOneof("kind") is None:
                raise Refused("INVALID_FIELD")
        for field, value in message.ListFields():
            if field.message_type is None or field.message_type.full_name.endswith(".MetadataEntry"):
                continue
            if field.message_type.GetOptions().map_entry:
                waiting += [item for item in value.values() if isinstance(item, Message)]
            else:
                waiting += value if field.is_repeated else [value]


def _credentials(config: SessionConfig) -> RemoteAuth | None:
    return deepcopy(config.workspace.remote.auth) if config.workspace.remote.HasField("auth") else None


def _keep_redacted(config: SessionConfig, before: RemoteAuth | None) -> None:
    """Puts credentials that were left out back."""
    if not config.workspace.remote.HasField("auth") or not config.workspace.remote.auth.redacted:
        return
    auth = config.workspace.remote.auth
    if before is None or before.WhichOneof("kind") != auth.WhichOneof("kind"):
        raise Refused("INVALID_FIELD")
    auth.CopyFrom(before)
