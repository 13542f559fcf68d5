"""Checks of whole requests: what no single field can tell, and everything below it."""

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from sessiond.contract.fields import MAX_SHOWN_CHARACTERS, Refusal, check_identifier
from sessiond.contract.limits import Limits
from sessiond.contract.secrets import refuse_redacted
from sessiond.contract.trees import check_tree
from sessiond.store.errors import InvalidFieldError, TooLargeError
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig

__all__ = ["check_commit", "check_request"]

MAX_FILTER_PAIRS = 100
"""Each is a condition of its own, and a database bounds how many there may be."""

_CONFIG: Any = SessionConfig.DESCRIPTOR  # two classes of descriptors exist, and the stubs know one at a time


def check_request(request: Message, limits: Limits) -> None:
    """Checks a request of any call. Raises InvalidFieldError or TooLargeError, naming the field.

    The commits of a WriteRequest are not looked into: each fails alone, see `check_commit`.
    """
    # By their types: to ask for instances of protobuf's classes takes several times as long.
    if type(request) is pb.WriteRequest:
        _check_count("commits", len(request.commits), limits.max_commits_per_request)
        return
    if type(request) is pb.CommitRequest:
        check_commit(request, limits)
        return
    # Sizes first: what is too large is not worth a closer look, which would take time from other calls.
    _check_sizes(request, limits)
    check_tree(request)
    check = _CHECKS.get(type(request))
    if check is not None:
        check(request, limits)


def check_commit(commit: pb.CommitRequest, limits: Limits, size_bytes: int | None = None) -> None:
    """Checks a commit. Raises InvalidFieldError or TooLargeError, naming the field.

    Whoever knows its size says so: protobuf encodes the whole of it to find out.
    """
    _check_commit_sizes(commit, limits, commit.ByteSize() if size_bytes is None else size_bytes)
    check_tree(commit)
    _check_commit(commit, limits)


def _check_sizes(request: Message, limits: Limits) -> None:
    field = _SIZED_FIELDS.get(type(request))
    if field is not None:
        _check_size(field, getattr(request, field).ByteSize(), limits.max_item_bytes)


def _check_commit_sizes(commit: pb.CommitRequest, limits: Limits, size_bytes: int) -> None:
    _check_count("mutations", len(commit.mutations), limits.max_mutations_per_commit)
    if size_bytes <= limits.max_item_bytes:
        # The common case: what is in it is smaller still.
        return
    if len(commit.mutations) > 1:
        _check_size("mutations", size_bytes, limits.max_request_bytes)
    events_bytes = 0
    for index, mutation in enumerate(commit.mutations):
        kind = mutation.WhichOneof("kind")
        if kind is None:
            continue
        if kind == "append_event":
            item_bytes = mutation.append_event.event.ByteSize()
            events_bytes += item_bytes
        else:
            item_bytes = getattr(mutation, kind).ByteSize()
        _check_size(f"mutations[{index}].{kind}", item_bytes, limits.max_item_bytes)
    # The events of a commit reach a tail in one frame, which must fit into a message of gRPC's default size.
    _check_size("mutations", events_bytes, limits.max_item_bytes)


def _check_create_session(request: pb.CreateSessionRequest, limits: Limits) -> None:
    _check_metadata("config.metadata", request.config.metadata, limits)
    refuse_redacted(request.config)


def _check_list_sessions(request: pb.ListSessionsRequest, limits: Limits) -> None:
    pairs = len(request.filter.metadata)
    if pairs > MAX_FILTER_PAIRS:
        raise InvalidFieldError(
            "filter.metadata", f"has {pairs} pairs, the limit is {MAX_FILTER_PAIRS}; filter at the client instead"
        )
    for key in request.filter.metadata:
        _check_key("filter.metadata", key)
    if request.filter.id_prefix:
        _check("filter.id_prefix", check_identifier, request.filter.id_prefix)


def _check_update_session(request: pb.UpdateSessionRequest, limits: Limits) -> None:
    _check_session_update(request.update, "update", limits)


def _check_session_update(update: pb.SessionUpdate, path: str, limits: Limits) -> None:
    _check_metadata(f"{path}.config.metadata", update.config.metadata, limits)
    _check_metadata(f"{path}.set_metadata", update.set_metadata, limits)
    for field in ("delete_metadata_keys", "add_approved_tools", "add_approved_bash_patterns"):
        for index, value in enumerate(getattr(update, field)):
            if not value:
                raise InvalidFieldError(f"{path}.{field}[{index}]", "must not be empty")
    if not update.HasField("update_mask"):
        return
    if not update.HasField("config"):
        raise InvalidFieldError(f"{path}.update_mask", "names fields of config, which is not set; set it too")
    for index, field_path in enumerate(update.update_mask.paths):
        if not FieldMask(paths=[field_path]).IsValidForDescriptor(_CONFIG):
            raise InvalidFieldError(
                f"{path}.update_mask.paths[{index}]",
                f"{field_path[:MAX_SHOWN_CHARACTERS]!r} is no field of SessionConfig; write paths such as"
                " system_prompt or tool_config.approval_policy, and use set_metadata for single keys",
            )


def _check_commit(commit: pb.CommitRequest, limits: Limits) -> None:
    session_updates = 0
    for index, mutation in enumerate(commit.mutations):
        kind = mutation.WhichOneof("kind")
        if kind is None:
            # Its unknown fields say that a newer client means something; doing nothing would be a lie.
            raise InvalidFieldError(
                f"mutations[{index}].kind", "is of a kind that this server does not know; use a newer server"
            )
        if kind == "update_session":
            session_updates += 1
            _check_session_update(mutation.update_session, f"mutations[{index}].{kind}", limits)
    if session_updates > 1:
        raise InvalidFieldError("mutations", "hold more than one update_session; put all changes into one")


def _check_count(field: str, count: int, limit: int) -> None:
    if not 1 <= count <= limit:
        raise InvalidFieldError(field, f"has {count} entries, must have 1 to {limit}; split what is longer")


def _check_size(field: str, size_bytes: int, limit_bytes: int) -> None:
    if size_bytes > limit_bytes:
        raise TooLargeError(field, size_bytes, limit_bytes)


def _check_metadata(field: str, pairs: Mapping[str, str], limits: Limits) -> None:
    size_bytes = 0
    for key, value in pairs.items():
        _check_key(field, key)
        size_bytes += len(key.encode()) + len(value.encode())
    _check_size(field, size_bytes, limits.max_metadata_bytes)


def _check_key(field: str, key: str) -> None:
    _check(f"{field}[{key[:MAX_SHOWN_CHARACTERS]!r}]", check_identifier, key)


def _check(field: str, rule: Callable[[str], None], value: str) -> None:
    try:
        rule(value)
    except Refusal as refusal:
        raise InvalidFieldError(field, str(refusal)) from None


_SIZED_FIELDS: dict[type[Message], str] = {
    pb.CreateSessionRequest: "config",
    pb.AppendMessageRequest: "message",
    pb.CreateToolCallRequest: "tool_call",
    pb.UpdateToolCallRequest: "update",
    pb.AppendEventRequest: "event",
    pb.UpdateSessionRequest: "update",
}

_CHECKS: dict[type[Message], Callable[[Any, Limits], None]] = {
    pb.CreateSessionRequest: _check_create_session,
    pb.ListSessionsRequest: _check_list_sessions,
    pb.UpdateSessionRequest: _check_update_session,
}
