"""The rules on requests as data, so that a client can check before it sends: `docs/api/rules.json`.

    python -m sessiond.contract.rules > docs/api/rules.json

What is checked field by field is read off the tables that the server checks by. What `requests` checks stands below, by
the same constants. A test drives each fact to both sides against the server's checks.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor

from sessiond.contract.fields import IDENTIFIER
from sessiond.contract.limits import Limits
from sessiond.contract.requests import MAX_FILTER_PAIRS
from sessiond.contract.trees import is_required, required_oneofs, rule_of
from sessionstore.v1 import admin_service_pb2, session_store_service_pb2

__all__ = ["rules"]

_DEFAULTS = Limits()
_SERVICES: tuple[Any, ...] = (
    *session_store_service_pb2.DESCRIPTOR.services_by_name.values(),
    *admin_service_pb2.DESCRIPTOR.services_by_name.values(),
)


def _encoded(limit: str) -> dict[str, object]:
    return {"max_encoded_bytes": getattr(_DEFAULTS, limit), "limit": limit}


_ITEM = _encoded("max_item_bytes")
_METADATA = {
    "keys": IDENTIFIER.facts,
    "max_total_bytes": _DEFAULTS.max_metadata_bytes,
    "limit": "max_metadata_bytes",
}
_NOT_EMPTY_ITEMS = {"items": {"min_bytes": 1}}

_OF_REQUESTS: dict[str, Mapping[str, object]] = {
    "CreateSessionRequest.config": {**_ITEM, "not_true": ["workspace.remote.auth.redacted"]},
    "AppendMessageRequest.message": _ITEM,
    "CreateToolCallRequest.tool_call": _ITEM,
    "UpdateToolCallRequest.update": _ITEM,
    "AppendEventRequest.event": _ITEM,
    "UpdateSessionRequest.update": _ITEM,
    "EventAppend.event": _ITEM,
    "Mutation.append_message": _ITEM,
    "Mutation.create_tool_call": _ITEM,
    "Mutation.update_tool_call": _ITEM,
    "Mutation.update_session": _ITEM,
    "CommitRequest.mutations": {
        "min_items": 1,
        "max_items": _DEFAULTS.max_mutations_per_commit,
        "limit": "max_mutations_per_commit",
        "max_of": {"update_session": 1},
        "max_events_encoded_bytes": _DEFAULTS.max_item_bytes,
        "max_commit_encoded_bytes": _DEFAULTS.max_request_bytes,
    },
    "WriteRequest.commits": {"min_items": 1, "max_items": _DEFAULTS.max_commits_per_request},
    "SessionConfig.metadata": _METADATA,
    "SessionUpdate.set_metadata": _METADATA,
    "SessionUpdate.delete_metadata_keys": _NOT_EMPTY_ITEMS,
    "SessionUpdate.add_approved_tools": _NOT_EMPTY_ITEMS,
    "SessionUpdate.add_approved_bash_patterns": _NOT_EMPTY_ITEMS,
    "SessionUpdate.update_mask": {"paths_of": "SessionConfig", "needs": "config"},
    "SessionFilter.metadata": {"max_items": MAX_FILTER_PAIRS, "keys": IDENTIFIER.facts},
    "SessionFilter.id_prefix": {**IDENTIFIER.facts, "min_bytes": 0},
}


def rules() -> dict[str, Any]:
    """The rules, by message and field, and the oneofs of which one field must be set."""
    messages: dict[str, Any] = {}
    for message in sorted(_sent(), key=lambda sent: sent.name):
        fields = {}
        for field in message.fields:
            facts: dict[str, object] = {"required": True} if is_required(message, field) else {}
            rule = rule_of(message, field)
            facts |= {} if rule is None else rule.facts
            facts |= _OF_REQUESTS.get(f"{message.name}.{field.name}", {})
            if facts:
                fields[field.name] = facts
        required = required_oneofs(message)
        if fields or required:
            messages[message.name] = {"fields": fields, "required_oneofs": required}
    return {"package": "sessionstore.v1", "messages": messages}


def _sent() -> set[Descriptor]:
    """The messages that requests consist of."""
    found: set[Descriptor] = set()
    waiting: list[Descriptor] = [method.input_type for service in _SERVICES for method in service.methods]
    while waiting:
        message = waiting.pop()
        if message in found or not message.full_name.startswith("sessionstore."):
            continue
        found.add(message)
        waiting.extend(_inside(message))
    return {message for message in found if not message.GetOptions().map_entry}


def _inside(message: Descriptor) -> Iterator[Descriptor]:
    for field in message.fields:
        if field.message_type is not None:
            yield field.message_type


if __name__ == "__main__":
    sys.stdout.write(json.dumps(rules(), indent=1) + "\n")
