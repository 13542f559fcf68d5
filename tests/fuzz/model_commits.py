"""What a commit makes of a session of the model."""

from copy import deepcopy
from typing import cast

from google.protobuf.message import Message

from sessiond.contract.timestamps import from_us
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import StoredEvent
from sessionstore.v1.message_pb2 import StoredMessage
from sessionstore.v1.tool_pb2 import ToolCallState, ToolCallStatus
from tests.fuzz.model_configs import update_session
from tests.fuzz.model_sessions import ModelSession, Refused

__all__ = ["apply_commit"]

_PENDING, _APPROVED, _DENIED, _EXECUTING, _COMPLETED, _FAILED = range(1, 7)
_NEXT = {
    _PENDING: {_APPROVED, _DENIED, _EXECUTING, _COMPLETED, _FAILED},
    _APPROVED: {_EXECUTING, _DENIED, _COMPLETED, _FAILED},
    _EXECUTING: {_COMPLETED, _FAILED},
}
_MODELLED = {"message_complete", "tool_call_started", "tool_call_completed", "tool_call_failed"}


def apply_commit(session: ModelSession, commit: pb.CommitRequest, now_us: int) -> pb.CommitResponse:
    """Changes the session, and answers. Raises Refused, and the session is then to be thrown away."""
    repeated = _first_answer(session, commit)
    if repeated is not None:
        return repeated
    match commit.WhichOneof("expectation"):
        case "expected_last_sequence" if session.last_event != commit.expected_last_sequence:
            raise Refused("SEQUENCE_CONFLICT")
        case "expect_no_events" if session.last_event is not None:
            raise Refused("SEQUENCE_CONFLICT")
    return pb.CommitResponse(results=[_apply(session, mutation, now_us) for mutation in commit.mutations])


def _first_answer(session: ModelSession, commit: pb.CommitRequest) -> pb.CommitResponse | None:
    """The answer to a commit that was applied before: one in which all that carries an id is stored."""
    found: dict[int, pb.MutationResult] = {}
    for index, mutation in enumerate(commit.mutations):
        if mutation.WhichOneof("kind") in {"append_message", "create_tool_call", "append_event"}:
            result = _stored(session, mutation)
            if result is None:
                return None
            found[index] = result
    if not found:
        return None
    results = [found.get(index) or _current(session, mutation) for index, mutation in enumerate(commit.mutations)]
    return pb.CommitResponse(results=results, already_applied=True)


def _stored(session: ModelSession, mutation: pb.Mutation) -> pb.MutationResult | None:
    """The first answer to something that carries an id; None when it is not stored."""
    match mutation.WhichOneof("kind"):
        case "append_message":
            for message in session.messages:
                if message.message.id == mutation.append_message.id:
                    _require_same(message.message, mutation.append_message, "MESSAGE_ALREADY_EXISTS")
                    return _of_message(message, already_existed=True)
        case "create_tool_call":
            call = session.tool_calls.get(mutation.create_tool_call.id)
            if call is not None:
                _require_same(call.tool_call, mutation.create_tool_call, "TOOL_CALL_ALREADY_EXISTS")
                return _of_tool_call(call, already_existed=True)
        case _:
            append = mutation.append_event
            for event in session.events if append.HasField("event_id") else ():
                if event.HasField("event_id") and event.event_id == append.event_id:
                    _require_same(event.event, append.event, "EVENT_ALREADY_EXISTS")
                    return _of_event(event, already_existed=True)
    return None


def _require_same(stored: Message, sent: Message, reason: str) -> None:
    if stored != sent:
        raise Refused(reason)


def _current(session: ModelSession, mutation: pb.Mutation) -> pb.MutationResult:
    """What a change that carries no id would answer, if it were made of what is there."""
    match mutation.WhichOneof("kind"):
        case "update_tool_call":
            return _of_update(_tool_call(session, mutation.update_tool_call.tool_call_id))
        case "set_active_message":
            updated = pb.UpdateActiveMessageIdResponse(updated_at=from_us(session.updated_us))
            return pb.MutationResult(set_active_message=updated)
        case _:
            return pb.MutationResult(update_session=pb.UpdateSessionResponse(session=session.info()))


def _apply(session: ModelSession, mutation: pb.Mutation, now_us: int) -> pb.MutationResult:
    match mutation.WhichOneof("kind"):
        case "append_message" | "create_tool_call" | "append_event":
            return _stored(session, mutation) or _store(session, mutation, now_us)
        case "update_tool_call":
            update_tool_call(session, mutation.update_tool_call, now_us)
        case "set_active_message":
            update = mutation.set_active_message
            if update.HasField("message_id") and update.message_id not in {one.message.id for one in session.messages}:
                raise Refused("MESSAGE_NOT_FOUND")
            session.active_message_id = update.message_id if update.HasField("message_id") else None
            session.touch(now_us)
        case _:
            update_session(session, mutation.update_session)
            session.touch(now_us)
    return _current(session, mutation)


def _store(session: ModelSession, mutation: pb.Mutation, now_us: int) -> pb.MutationResult:
    session.touch(now_us)
    match mutation.WhichOneof("kind"):
        case "append_message":
            message = StoredMessage(
                sequence=len(session.messages), stored_at=from_us(now_us), message=mutation.append_message
            )
            session.messages.append(message)
            return _of_message(message, already_existed=False)
        case "create_tool_call":
            call = ToolCallState(
                tool_call=mutation.create_tool_call,
                status=cast("ToolCallStatus", _PENDING),
                kind="external",
                created_at=from_us(now_us),
            )
            session.tool_calls[call.tool_call.id] = call
            return _of_tool_call(call, already_existed=False)
    append = mutation.append_event
    event = StoredEvent(sequence=session.next_event, stored_at=from_us(now_us), event=append.event)
    if append.HasField("event_id"):
        event.event_id = append.event_id
    session.events.append(event)
    session.next_event += 1
    kind = append.event.WhichOneof("kind")
    if kind in _MODELLED and (model := getattr(append.event, kind).model):
        session.last_model = model
    return _of_event(event, already_existed=False)


def _tool_call(session: ModelSession, tool_call_id: str) -> ToolCallState:
    if tool_call_id not in session.tool_calls:
        raise Refused("TOOL_CALL_NOT_FOUND")
    return session.tool_calls[tool_call_id]


def update_tool_call(session: ModelSession, update: pb.ToolCallUpdate, now_us: int) -> None:
    """Changes a tool call."""
    call = _tool_call(session, update.tool_call_id)
    before = deepcopy(call)
    for name in ("status", "result", "error", "stats"):
        if update.HasField(name):
            value = getattr(update, name)
            if isinstance(value, Message):
                call.ClearField(name)
                getattr(call, name).SetInParent()
                getattr(call, name).CopyFrom(value)
            else:
                setattr(call, name, value)
    if call == before:
        return
    moves = call.status != before.status
    if before.status not in _NEXT or (moves and call.status not in _NEXT[before.status]):
        raise Refused("ILLEGAL_TRANSITION")
    changed_at = update.changed_at if update.HasField("changed_at") else from_us(now_us)
    if moves and call.status == _EXECUTING:
        call.started_at.CopyFrom(changed_at)
    if moves and call.status in (_COMPLETED, _FAILED):
        call.completed_at.CopyFrom(changed_at)
    if update.HasField("error"):
        call.kind = "error"
    elif update.HasField("result"):
        call.kind = update.result.WhichOneof("kind") or "external"
    session.touch(now_us)


def _of_message(message: StoredMessage, *, already_existed: bool) -> pb.MutationResult:
    return pb.MutationResult(
        append_message=pb.AppendMessageResponse(
            sequence=message.sequence, stored_at=message.stored_at, already_existed=already_existed
        )
    )


def _of_tool_call(call: ToolCallState, *, already_existed: bool) -> pb.MutationResult:
    response = pb.CreateToolCallResponse(created_at=call.created_at, already_existed=already_existed)
    return pb.MutationResult(create_tool_call=response)


def _of_event(event: StoredEvent, *, already_existed: bool) -> pb.MutationResult:
    return pb.MutationResult(
        append_event=pb.AppendEventResponse(
            sequence=event.sequence, stored_at=event.stored_at, already_existed=already_existed
        )
    )


def _of_update(call: ToolCallState) -> pb.MutationResult:
    response = pb.UpdateToolCallResponse(status=call.status, kind=call.kind)
    for name in ("started_at", "completed_at"):
        if call.HasField(name):
            getattr(response, name).CopyFrom(getattr(call, name))
    return pb.MutationResult(update_tool_call=response)
