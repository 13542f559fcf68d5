"""JSON of pages that protobuf's reader takes for something else than it says."""

import base64
import json
from typing import Any

import pytest
from connectrpc.errors import ConnectError

from sessiond.web.codecs import JsonCodec
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SESSION_STATUS_ACTIVE


def decoded(document: Any, kind: Any = pb.AppendMessageRequest) -> Any:
    return kind.FromString(JsonCodec().decode(json.dumps(document).encode(), kind))


def message_of(data: Any) -> dict[str, Any]:
    return {"sessionId": "s", "message": {"id": "m", "custom": {"role": "r", "data": data}}}


@pytest.mark.parametrize("data", [b"", b"\0", b"ab", bytes(range(256))])
def test_bytes_come_as_base64_of_any_form(data: bytes) -> None:
    """With the letters of both alphabets, with and without padding, and in lines."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes):
        text = encode(data).decode()
        assert data == decoded(message_of(text)).message.custom.data
        assert data == decoded({"message": {"custom": {"role": "r", "data": text}}}).message.custom.data
    unpadded = base64.b64encode(data).decode().rstrip("=")
    assert data == decoded(message_of(unpadded)).message.custom.data


@pytest.mark.parametrize("text", ["hello, world", "!!!!", "YWJj*", "é", "YQ==YQ==", "YWJj\0", "{}"])
def test_what_is_no_base64_is_refused_and_named(text: str) -> None:
    """Instead of storing what is left of it; wherever it stands."""
    with pytest.raises(ConnectError, match=r"^message\.custom\.data: is not base64"):
        decoded(message_of(text))
    block = {"custom": {"type": "image", "data": text}}
    document = {"commits": [{}, {"mutations": [{"append_message": {"user": {"content": [{"text": "x"}, block]}}}]}]}
    path = r"^commits\[1\]\.mutations\[0\]\.append_message\.user\.content\[1\]\.custom\.data: "
    with pytest.raises(ConnectError, match=path):
        decoded(document, pb.WriteRequest)


@pytest.mark.parametrize("empty", [[], ""])
def test_what_is_no_object_is_no_message(empty: Any) -> None:
    """A session is created for nobody who sent a list."""
    for document, path in (
        (empty, "CreateSessionRequest"),
        ({"config": empty}, "config"),
        ({"config": {"toolConfig": {"tools": {"bash": empty}}}}, r"config\.tool_config\.tools\['bash'\]"),
        ({"config": {"toolConfig": {"backends": [{}, empty]}}}, r"config\.tool_config\.backends\[1\]"),
    ):
        with pytest.raises(ConnectError, match=f"^{path}: is no JSON object"):
            decoded(document, pb.CreateSessionRequest)


@pytest.mark.parametrize("value", [True, False, 1.9])
def test_what_is_no_value_of_an_enumeration_is_refused_and_named(value: Any) -> None:
    """A session that somebody marks as `true` is not marked as inactive."""
    with pytest.raises(ConnectError, match=r"^update\.status: is neither the name nor the number"):
        decoded({"update": {"status": value}}, pb.UpdateSessionRequest)
    for given in ("SESSION_STATUS_ACTIVE", 2, 2.0):
        assert SESSION_STATUS_ACTIVE == decoded({"update": {"status": given}}, pb.UpdateSessionRequest).update.status


def test_what_has_a_form_of_its_own_or_is_null_passes() -> None:
    """Times and masks are text, and null leaves a field out."""
    listed = decoded(
        {"filter": {"createdAfter": "2026-01-01T00:00:00Z", "metadata": {"k": ""}}}, pb.ListSessionsRequest
    )
    assert 1767225600 == listed.filter.created_after.seconds
    update = {"update": {"config": None, "updateMask": "systemPrompt,toolConfig.visibility"}}
    changed = decoded(update, pb.UpdateSessionRequest)
    assert not changed.update.HasField("config")
    assert ["system_prompt", "tool_config.visibility"] == changed.update.update_mask.paths


def test_what_holds_half_of_a_surrogate_pair_is_refused_like_any_other() -> None:
    """The refusal repeats what was sent, as far as an answer can: it has the reason and the field."""
    with pytest.raises(ConnectError, match=r"field: repeated field types must be in \[\] which is \\ud800 ") as refused:
        decoded({"types": "\ud800"}, pb.GetEventsRequest)
    assert b"MALFORMED_REQUEST" in refused.value.details[0].message_bytes


def test_a_refusal_does_not_repeat_megabytes() -> None:
    """What is wrong stands at its beginning, and where at its end."""
    with pytest.raises(ConnectError, match=r"repeated field types must be in .* at GetEventsRequest") as refused:
        decoded({"types": "x" * 1_000_000}, pb.GetEventsRequest)
    assert len(refused.value.message) < 1000
