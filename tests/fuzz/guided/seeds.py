"""The inputs that fuzzing begins with: small transcripts of our own, pieces of recorded ones, and valid requests."""

import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig, SessionStatus
from sessionstore.v1.tool_pb2 import ToolCallStatus
from tests.builders import append, commit, complete, custom, failed, part, result, said, tool_call, user_message
from tests.fuzz.guided.call_inputs import encoded_input
from tests.fuzz.guided.protobuf_mutations import nested_groups

__all__ = ["handler_seeds", "transcript_seeds"]

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "tests" / "unit" / "importers" / "fixtures"
PIECE_ITEMS = 2
PIECES_OF_A_FILE = 30
MAX_PIECE_BYTES = 1280
MAX_TEXT, MAX_ITEMS = 40, 3

_ACTIVE, _INACTIVE = SessionStatus.SESSION_STATUS_ACTIVE, SessionStatus.SESSION_STATUS_INACTIVE
_BY_UPDATE, _BY_MESSAGES = pb.SessionOrder.SESSION_ORDER_UPDATED_AT, pb.SessionOrder.SESSION_ORDER_MESSAGE_COUNT
_FAILED = ToolCallStatus.TOOL_CALL_STATUS_FAILED


def transcript_seeds() -> Iterator[bytes]:
    """Transcripts of few and short entries: what is small is tried often."""
    recorded = Path(os.environ.get("SESSIOND_TRANSCRIPTS", ROOT.parent / "shared" / "data" / "transcripts"))
    folders = (FIXTURES, ROOT / "docs" / "demo", recorded)
    for path in (path for folder in folders for path in sorted(folder.rglob("*"))):
        if path.suffix in (".jsonl", ".json", ".traj"):
            pieces = _lines(path.read_text()) if path.suffix == ".jsonl" else _objects(path.read_text())
            yield from (piece for piece in islice(pieces, PIECES_OF_A_FILE) if len(piece) <= MAX_PIECE_BYTES)


def _lines(text: str) -> Iterator[bytes]:
    lines = [_dumped(_shortened(json.loads(line))) for line in text.splitlines()]
    yield from (b"\n".join(lines[start : start + PIECE_ITEMS]) for start in range(0, len(lines), PIECE_ITEMS))


def _objects(text: str) -> Iterator[bytes]:
    whole = json.loads(text)
    length = max((len(value) for value in whole.values() if isinstance(value, list)), default=1)
    for start in range(0, length, PIECE_ITEMS):
        piece = {
            key: value[start : start + PIECE_ITEMS] if isinstance(value, list) else value
            for key, value in whole.items()
        }
        yield _dumped(_shortened(piece))


def _shortened(value: Any) -> Any:
    match value:
        case str():
            return value[:MAX_TEXT]
        case list():
            return [_shortened(item) for item in value[:MAX_ITEMS]]
        case dict():
            return {key: _shortened(member) for key, member in islice(value.items(), 2 * MAX_TEXT)}
        case _:
            return value


def _dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def handler_seeds() -> Iterator[bytes]:
    """A valid request of each call, and more of those that have much to say."""
    for name, requests in _requests():
        yield encoded_input(name, *(request.SerializeToString() for request in requests))
    deep = pb.CreateToolCallRequest(session_id="s0", tool_call=tool_call("deep"))
    for depth in (90, 93, 95, 97, 98):
        deep.tool_call.MergeFromString(nested_groups(depth))
        yield encoded_input("CreateToolCall", deep.SerializeToString())
    for name in ("GetSession", "AppendEvent", "TailEvents", "Write"):
        yield encoded_input(name, b"\xff\x00\x0a\x05")


def _requests() -> Iterator[tuple[str, list[Message]]]:
    one: dict[str, Any] = {"session_id": "s0"}
    config = _config()
    update = pb.SessionUpdate(config=config, set_metadata={"a": "b"}, delete_metadata_keys=["label"], status=_ACTIVE)
    masked = pb.SessionUpdate(
        config=config, update_mask=FieldMask(paths=["workspace.remote.auth", "tool_config.tools"])
    )
    yield "CreateSession", [pb.CreateSessionRequest(config=config, session_id="new", request_id="r")]
    yield "CreateSession", [pb.CreateSessionRequest(request_id="r")]
    yield "GetSession", [pb.GetSessionRequest(**one, include_secrets=True)]
    yield "GetSession", [pb.GetSessionRequest(**one, omit_content=True)]
    yield "UpdateSession", [pb.UpdateSessionRequest(**one, update=update)]
    yield "UpdateSession", [pb.UpdateSessionRequest(**one, update=masked)]
    approvals = pb.SessionUpdate(add_approved_tools=["bash"], add_approved_bash_patterns=["ls *"])
    yield "UpdateSession", [pb.UpdateSessionRequest(**one, update=approvals)]
    yield "DeleteSession", [pb.DeleteSessionRequest(session_id="new")]
    yield (
        "ListSessions",
        [pb.ListSessionsRequest(filter=_filter(), order_by=_BY_UPDATE, ascending=True, limit=3, offset=1, page_size=1)],
    )
    yield "ListSessions", [pb.ListSessionsRequest(page_token="AAAA", order_by=_BY_MESSAGES)]
    yield "AppendMessage", [pb.AppendMessageRequest(**one, message=user_message("m2"))]
    yield "AppendMessage", [pb.AppendMessageRequest(**one, message=said("m1"))]
    yield "GetMessages", [pb.GetMessagesRequest(**one, after_sequence=0, limit=1)]
    yield "ListMessages", [pb.ListMessagesRequest(**one, page_size=1)]
    yield "CreateToolCall", [pb.CreateToolCallRequest(**one, tool_call=tool_call("c1"))]
    yield "UpdateToolCall", [pb.UpdateToolCallRequest(**one, update=_tool_call_update())]
    yield "GetPendingToolCalls", [pb.GetPendingToolCallsRequest(**one, include_unfinished=True)]
    yield "AppendEvent", [pb.AppendEventRequest(**one, event=part(), event_id="e9", expected_last_sequence=2)]
    yield "AppendEvent", [pb.AppendEventRequest(**one, event=custom("k", b"\x00"), expect_no_events=True)]
    yield "AppendEvent", [pb.AppendEventRequest(**one, event=failed("model"))]
    types = ["message_part", "custom", "custom:k", "unknown"]
    yield "GetEvents", [pb.GetEventsRequest(**one, after_sequence=0, before_sequence=9, limit=2, types=types)]
    yield "GetEvents", [pb.GetEventsRequest(**one, descending=True, skip_trimmed=True)]
    yield "DeleteEventsBefore", [pb.DeleteEventsBeforeRequest(**one, before_sequence=2)]
    yield "UpdateActiveMessageId", [pb.UpdateActiveMessageIdRequest(**one, message_id="m0")]
    yield "Commit", [_commit(update)]
    yield (
        "Write",
        [pb.WriteRequest(commits=[_commit(update)]), pb.WriteRequest(commits=[_commit(masked), commit("no")])],
    )
    yield "TailEvents", [pb.TailEventsRequest(**one, after_sequence=1, types=types, no_follow=True)]
    yield "TailEvents", [pb.TailEventsRequest(session_id="s1", from_now=True, heartbeat_interval_seconds=1)]
    yield "TailEvents", [pb.TailEventsRequest(session_id="s1", from_beginning=True, skip_trimmed=True)]
    yield "GetServerInfo", [admin_pb.GetServerInfoRequest()]
    yield "GetServerMetrics", [admin_pb.GetServerMetricsRequest()]
    yield "ArchiveSession", [admin_pb.ArchiveSessionRequest(session_id="s1")]
    yield "RestoreSession", [admin_pb.RestoreSessionRequest(session_id="s1")]
    yield "ListArchives", [admin_pb.ListArchivesRequest(page_size=1)]
    yield "DeleteArchive", [admin_pb.DeleteArchiveRequest(session_id="new")]


def _config() -> SessionConfig:
    config = SessionConfig(metadata={"label": "x"}, system_prompt="")
    config.workspace.remote.agent_address = "host"
    config.workspace.remote.auth.api_key = "k"
    config.tool_config.tools["bash"].bash.approved_patterns.append("ls")
    config.tool_config.approval_policy.mixed.pre_approved.append("grep")
    config.tool_config.visibility.whitelist.names.append("grep")
    backend = config.tool_config.backends.add()
    backend.mcp.transport.tcp.port = 80
    return config


def _filter() -> pb.SessionFilter:
    early, late = Timestamp(seconds=0, nanos=1), Timestamp(seconds=4_000_000_000)
    return pb.SessionFilter(
        created_after=early, created_before=late, updated_after=early, updated_before=late, metadata={"label": "x"},
        id_prefix="s", status=_INACTIVE,
    )  # fmt: skip


def _tool_call_update() -> pb.ToolCallUpdate:
    status = ToolCallStatus.TOOL_CALL_STATUS_COMPLETED
    update = pb.ToolCallUpdate(
        tool_call_id="c0", status=status, result=result("found"), changed_at=Timestamp(seconds=5)
    )
    update.stats.json_output = "{}"
    return update


def _commit(update: pb.SessionUpdate) -> pb.CommitRequest:
    return commit(
        "s1",
        pb.Mutation(append_message=said("m3")),
        pb.Mutation(create_tool_call=tool_call("c3")),
        pb.Mutation(update_tool_call=pb.ToolCallUpdate(tool_call_id="c3", error="boom", status=_FAILED)),
        append(complete("other"), "e3"),
        pb.Mutation(set_active_message=pb.ActiveMessageUpdate(message_id="m3")),
        pb.Mutation(update_session=update),
        expected_last_sequence=2,
    )
