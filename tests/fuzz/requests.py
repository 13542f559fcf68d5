"""Which requests the state machine draws: few ids and little content, so that calls meet each other."""

from random import Random
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import strategies as st

from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig
from sessionstore.v1.tool_pb2 import ToolCallStats
from tests.builders import complete, custom, failed, part, result, said, tool_call, user_message
from tests.fuzz.clock import EPOCH_US, STEP_US

__all__ = ["ADMINISTRATION", "EVENT_READS", "GROUPS", "OTHER", "READS", "WRITES", "DrawnCall"]

DrawnCall = tuple[str, Message]

MEETING_STEPS = 24

OTHER = "b\N{SNOWMAN}"

_SESSION = st.sampled_from(["a", "a", "a", "a", "ab", "ab", OTHER, "none"])
_TEXT = st.sampled_from(["", "x", "y"])
_MESSAGE_ID = st.sampled_from(["m1", "m2", "m3"])
_MESSAGE = st.builds(user_message, _MESSAGE_ID, _TEXT) | st.builds(said, _MESSAGE_ID, _TEXT)
_CALL_ID = st.sampled_from(["c1", "c1", "c2", "c3"])
_TOOL_CALL = st.builds(tool_call, _CALL_ID, st.sampled_from(["grep", "bash"]))
_EVENT = st.sampled_from(
    [part("x"), part("y"), complete("model"), complete(""), failed("other"), custom("k"), custom("l", b"\x00\xff")]
)
_EVENT_ID = st.none() | st.sampled_from(["e1", "e2", "e3"])
_SEQUENCE = st.sampled_from([0, 0, 1, 1, 2, 2, 3, 4, 5, 2**63 - 1])
_TYPES = st.lists(
    st.sampled_from(["message_part", "message_complete", "custom", "custom:k", "tool_call_failed"]), max_size=2
)
_COUNT = st.none() | st.integers(0, 4)
_TIME = st.none() | st.builds(
    lambda steps, nanos: Timestamp(
        seconds=(EPOCH_US + steps * STEP_US) // 1_000_000, nanos=(EPOCH_US + steps * STEP_US) % 1_000_000 * 1000 + nanos
    ),
    st.integers(0, 30),
    st.sampled_from([0, 0, 1, 999]),
)
_LABELS = st.dictionaries(st.sampled_from(["k", "l"]), st.sampled_from(["", "v", "w\x00"]), max_size=2)
_STATUS = st.none() | st.sampled_from([1, 2, 7])


def _config(place: str, prompt: str | None, labels: dict[str, str], pattern: str, policy: bool) -> SessionConfig:
    config = SessionConfig(system_prompt=prompt, metadata=labels)
    match place:
        case "local":
            config.workspace.local.path = pattern
        case "token":
            config.workspace.remote.agent_address = "host"
            config.workspace.remote.auth.bearer_token = "t" + pattern
        case "key":
            config.workspace.remote.auth.api_key = "k"
        case "redacted":
            config.workspace.remote.auth.bearer_token = ""
            config.workspace.remote.auth.redacted = True
        case "open":
            config.workspace.remote.agent_address = pattern
    if pattern:
        config.tool_config.tools["bash"].bash.approved_patterns.append(pattern)
    if policy:
        config.tool_config.approval_policy.mixed.ask_for_others = True
    return config


def _configs(*places: str) -> st.SearchStrategy[SessionConfig]:
    return st.builds(_config, st.sampled_from(places), st.none() | _TEXT, _LABELS, _TEXT, st.booleans())


_NEW_CONFIG = _configs("", "local", "token", "key", "open")
_CONFIG = _configs("", "local", "token", "key", "redacted", "open")
_MASK = st.none() | st.builds(
    FieldMask,
    paths=st.lists(
        st.sampled_from(
            [
                "system_prompt", "metadata", "workspace", "workspace.local", "workspace.local.path", "workspace.remote",
                "workspace.remote.agent_address", "workspace.remote.auth", "workspace.remote.auth.bearer_token",
                "workspace.remote.auth.redacted", "tool_config", "tool_config.tools", "tool_config.approval_policy",
                "tool_config.approval_policy.mixed.ask_for_others",
            ]
        ),
        max_size=3,
    ),
)  # fmt: skip


@st.composite
def _session_updates(draw: Any) -> pb.SessionUpdate:
    mask = draw(_MASK)
    return pb.SessionUpdate(
        # A mask without a configuration is refused, which the contract's own tests pin.
        config=draw(_CONFIG) if mask is not None else draw(st.none() | _CONFIG),
        update_mask=mask,
        set_metadata=draw(_LABELS),
        delete_metadata_keys=draw(st.lists(st.sampled_from(["k", "l"]), max_size=1)),
        status=draw(_STATUS),
        add_approved_tools=draw(st.lists(st.sampled_from(["grep", "bash"]), max_size=2)),
        add_approved_bash_patterns=draw(st.lists(st.sampled_from(["x", "ls"]), max_size=2)),
    )


_TOOL_CALL_UPDATE = st.builds(
    pb.ToolCallUpdate,
    tool_call_id=_CALL_ID,
    status=st.none() | st.integers(1, 6),
    result=st.none() | st.builds(result, _TEXT),
    error=st.none() | _TEXT,
    stats=st.none() | st.builds(ToolCallStats, success=st.booleans()),
    changed_at=st.none() | st.builds(Timestamp, seconds=st.integers(-1, 1), nanos=st.sampled_from([0, 1000])),
)
_ACTIVE = st.builds(pb.ActiveMessageUpdate, message_id=st.none() | _MESSAGE_ID)
_EXPECTATION = st.sampled_from(
    [{}, {}, {"expect_no_events": True}, *({"expected_last_sequence": number} for number in range(4))]
)


@st.composite
def _commits(draw: Any) -> pb.CommitRequest:
    mutation = st.one_of(
        st.builds(pb.Mutation, append_message=_MESSAGE),
        st.builds(pb.Mutation, create_tool_call=_TOOL_CALL),
        st.builds(pb.Mutation, update_tool_call=_TOOL_CALL_UPDATE),
        st.builds(pb.Mutation, append_event=st.builds(pb.EventAppend, event=_EVENT, event_id=_EVENT_ID)),
        st.builds(pb.Mutation, append_event=st.builds(pb.EventAppend, event=_EVENT, event_id=_EVENT_ID)),
        st.builds(pb.Mutation, set_active_message=_ACTIVE),
    )
    mutations = draw(st.lists(mutation, min_size=1, max_size=4))
    if draw(st.booleans()):
        # At most one, wherever it stands.
        mutations.insert(draw(st.integers(0, len(mutations))), pb.Mutation(update_session=draw(_session_updates())))
    return pb.CommitRequest(session_id=draw(_SESSION), mutations=mutations, **draw(_EXPECTATION))


def _call(name: str, **fields: Any) -> st.SearchStrategy[DrawnCall]:
    requests: Any = getattr(pb, f"{name}Request", None) or getattr(admin_pb, f"{name}Request")
    return st.tuples(st.just(name), st.builds(requests, **fields))


_APPEND_EVENT = st.builds(
    lambda session, event, event_id, expectation: pb.AppendEventRequest(
        session_id=session, event=event, event_id=event_id, **expectation
    ),
    _SESSION,
    _EVENT,
    _EVENT_ID,
    _EXPECTATION,
)

WRITES: st.SearchStrategy[DrawnCall] = st.one_of(
    _call(
        "CreateSession",
        config=st.none() | _NEW_CONFIG,
        session_id=st.none() | _SESSION.filter(lambda name: name != "none"),
        request_id=st.none() | st.sampled_from(["r1", "r2"]),
    ),
    _call("UpdateSession", session_id=_SESSION, update=_session_updates()),
    _call("AppendMessage", session_id=_SESSION, message=_MESSAGE),
    _call("CreateToolCall", session_id=_SESSION, tool_call=_TOOL_CALL),
    _call("UpdateToolCall", session_id=_SESSION, update=_TOOL_CALL_UPDATE),
    _call("UpdateToolCall", session_id=st.just("a"), update=_TOOL_CALL_UPDATE),
    _call("UpdateActiveMessageId", session_id=_SESSION, message_id=st.none() | _MESSAGE_ID),
    st.tuples(st.just("AppendEvent"), _APPEND_EVENT),
    st.tuples(st.just("AppendEvent"), _APPEND_EVENT),
    _call("DeleteEventsBefore", session_id=_SESSION, before_sequence=_SEQUENCE),
    st.tuples(st.just("Commit"), _commits()),
    st.tuples(st.just("Commit"), _commits()),
    _call("Write", commits=st.lists(_commits(), min_size=1, max_size=3)),
)

ADMINISTRATION: st.SearchStrategy[DrawnCall] = st.one_of(
    *(
        _call(name, session_id=_SESSION)
        for name in ("ArchiveSession", "RestoreSession", "DeleteArchive", "DeleteSession")
    )
)

_ITEMS = [f"i{number}" for number in range(8)]


def _appends(*event_ids: str) -> DrawnCall:
    mutations = [pb.Mutation(append_event=pb.EventAppend(event=part("x"), event_id=name)) for name in event_ids]
    return "Commit", pb.CommitRequest(session_id="a", mutations=mutations)


_BACK: list[DrawnCall] = [
    ("RestoreSession", admin_pb.RestoreSessionRequest(session_id="a")),
    ("CreateSession", pb.CreateSessionRequest(session_id="a")),
]
_REMOVALS: list[DrawnCall] = [
    ("ArchiveSession", admin_pb.ArchiveSessionRequest(session_id="a")),
    ("DeleteSession", pb.DeleteSessionRequest(session_id="a")),
    ("DeleteArchive", admin_pb.DeleteArchiveRequest(session_id="a")),
]
_ALONE: list[DrawnCall] = [
    *(_appends(name) for name in _ITEMS),
    *(_appends(*names) for names in zip(_ITEMS, _ITEMS[3:], strict=False)),
    *(
        ("AppendEvent", pb.AppendEventRequest(session_id="a", event=part(text), event_id=name))
        for name, text in zip((*_ITEMS, None), "xxxxxxyxx", strict=True)
    ),
    *(("AppendMessage", pb.AppendMessageRequest(session_id="a", message=user_message(name))) for name in _ITEMS[:3]),
    *(
        ("DeleteEventsBefore", pb.DeleteEventsBeforeRequest(session_id="a", before_sequence=before))
        for before in range(2, 18, 3)
    ),
]
_PUT_AWAY: list[DrawnCall] = [
    ("RestoreSession", admin_pb.RestoreSessionRequest(session_id="ab")),
    ("ArchiveSession", admin_pb.ArchiveSessionRequest(session_id="ab")),
]
_MEETING = [*([call] for call in _ALONE), _PUT_AWAY, _PUT_AWAY]
"""What meets in one session: the same items again and again, trims, and archivings of another session in between."""


@st.composite
def _groups(draw: Any) -> list[DrawnCall]:
    """Calls of one group, of which any may come more than once: of all kinds, or many of one session."""
    if draw(st.booleans()):
        calls = draw(st.lists(WRITES | ADMINISTRATION, min_size=1, max_size=6))
        return [calls[index] for index in draw(st.lists(st.integers(0, len(calls) - 1), min_size=2, max_size=10))]
    # By a seed: the lists that are drawn one by one are mostly short.
    chance = Random(draw(st.integers(0, 2**32)))
    steps = chance.choices(_MEETING, k=MEETING_STEPS)
    if not chance.randrange(3):
        steps.insert(chance.randrange(MEETING_STEPS), [chance.choice(_REMOVALS), *_BACK])
    return [*_BACK, *(call for step in steps for call in step)]


GROUPS = _groups()

_FILTER = st.none() | st.builds(
    pb.SessionFilter,
    created_after=_TIME,
    created_before=_TIME,
    updated_after=_TIME,
    updated_before=_TIME,
    metadata=_LABELS,
    status=_STATUS,
    id_prefix=st.sampled_from(["", "", "a", "ab", OTHER, "c"]),
)
_TAIL_START = st.one_of(
    st.sampled_from([{}, {"from_beginning": True}, {"from_now": True}]),
    _SEQUENCE.map(lambda sequence: {"after_sequence": sequence}),
)

EVENT_READS: st.SearchStrategy[DrawnCall] = st.one_of(
    _call(
        "GetEvents",
        session_id=_SESSION,
        after_sequence=st.none() | _SEQUENCE,
        before_sequence=st.none() | _SEQUENCE,
        limit=_COUNT,
        types=_TYPES,
        descending=st.booleans(),
        skip_trimmed=st.booleans(),
    ),
    st.tuples(
        st.just("TailEvents"),
        st.builds(
            lambda session, start, types, skip: pb.TailEventsRequest(
                session_id=session, types=types, skip_trimmed=skip, no_follow=True, **start
            ),
            _SESSION,
            _TAIL_START,
            _TYPES,
            st.booleans(),
        ),
    ),
)

READS: st.SearchStrategy[DrawnCall] = st.one_of(
    _call("GetSession", session_id=_SESSION, omit_content=st.booleans(), include_secrets=st.booleans()),
    _call(
        "ListSessions",
        filter=_FILTER,
        order_by=st.integers(0, 3),
        ascending=st.booleans(),
        limit=_COUNT,
        offset=_COUNT,
        page_size=st.integers(0, 3),
    ),
    _call("GetMessages", session_id=_SESSION, after_sequence=st.none() | _SEQUENCE, limit=_COUNT),
    _call("ListMessages", session_id=_SESSION, page_size=st.integers(0, 2)),
    _call("GetPendingToolCalls", session_id=_SESSION, include_unfinished=st.booleans()),
    EVENT_READS,
    _call("ListArchives", page_size=st.integers(0, 2)),
)
