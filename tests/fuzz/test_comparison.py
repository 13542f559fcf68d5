"""The model can fail: a store that is wrong in one thing answers something else."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from sessiond.interceptors import statuses
from sessiond.store import errors
from sessiond.store.sqlite import (
    appends,
    commits,
    event_walks,
    session_listing,
    session_operations,
    session_updates,
    tool_call_updates,
    transaction,
)
from sessiond.store.sqlite.event_filters import EventFilter
from sessiond.store.sqlite.trims import DeleteEventsBefore
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.error_reason_pb2 import ErrorReason
from sessionstore.v1.session_pb2 import SessionConfig
from sessionstore.v1.tool_pb2 import ToolCallStatus
from tests.builders import append, commit, custom, part, tool_call, user_message
from tests.fuzz.clock import STEP_US, Clock
from tests.fuzz.comparison import Comparison
from tests.fuzz.stack import Stack


def calls() -> Iterator[tuple[str, Message]]:
    """Calls among which each of the wrong stores meets one that it answers wrongly."""
    one: dict[str, Any] = {"session_id": "a"}
    config = SessionConfig()
    config.tool_config.approval_policy.mixed.ask_for_others = True
    yield "CreateSession", pb.CreateSessionRequest(**one, config=config)
    yield "CreateSession", pb.CreateSessionRequest(session_id="b")
    mask = FieldMask(paths=["tool_config.approval_policy"])
    update = pb.SessionUpdate(config=SessionConfig(), update_mask=mask)
    yield "UpdateSession", pb.UpdateSessionRequest(**one, update=update)
    yield "GetSession", pb.GetSessionRequest(**one)
    yield "AppendMessage", pb.AppendMessageRequest(**one, message=user_message("m"))
    yield "AppendMessage", pb.AppendMessageRequest(**one, message=user_message("m", "other"))
    yield "ListSessions", pb.ListSessionsRequest(order_by=pb.SessionOrder.SESSION_ORDER_UPDATED_AT)
    yield "CreateToolCall", pb.CreateToolCallRequest(**one, tool_call=tool_call("c"))
    for status in (ToolCallStatus.TOOL_CALL_STATUS_DENIED, ToolCallStatus.TOOL_CALL_STATUS_EXECUTING):
        update_call = pb.ToolCallUpdate(tool_call_id="c", status=status)
        yield "UpdateToolCall", pb.UpdateToolCallRequest(**one, update=update_call)
    for event in (part(), custom("k"), part("y")):
        yield "AppendEvent", pb.AppendEventRequest(**one, event=event)
    yield "AppendEvent", pb.AppendEventRequest(**one, event=part(), expected_last_sequence=1)
    missing = pb.Mutation(set_active_message=pb.ActiveMessageUpdate(message_id="none"))
    yield "Commit", commit("a", append(part()), missing)
    yield "GetEvents", pb.GetEventsRequest(**one, types=["custom"])
    yield "DeleteEventsBefore", pb.DeleteEventsBeforeRequest(**one, before_sequence=1)
    yield "GetEvents", pb.GetEventsRequest(**one)
    yield "DeleteEventsBefore", pb.DeleteEventsBeforeRequest(**one, before_sequence=2)
    yield "GetEvents", pb.GetEventsRequest(**one, after_sequence=0)
    yield "ArchiveSession", admin_pb.ArchiveSessionRequest(**one)
    yield "RestoreSession", admin_pb.RestoreSessionRequest(**one)
    yield "GetSession", pb.GetSessionRequest(**one)
    yield "GetSession", pb.GetSessionRequest(session_id="none")


def played(folder: Path) -> None:
    """Makes the calls of a new store and of the model."""
    clock = Clock()
    with clock.told():
        both = Comparison(Stack(folder / "data"), clock)
        try:
            for name, request in calls():
                clock.now_us += STEP_US
                both.call(name, request)
        finally:
            both.close()


def test_the_store_passes(tmp_path: Path) -> None:
    """What the wrong ones fail at."""
    played(tmp_path)


def wrong_reason(patch: pytest.MonkeyPatch) -> None:
    """A refusal for another reason."""
    taken = ErrorReason.ERROR_REASON_MESSAGE_NOT_FOUND
    patch.setattr(errors.NotFoundError, "session", lambda name: errors.NotFoundError("session", name, taken))


def masks_clear_too_little(patch: pytest.MonkeyPatch) -> None:
    """A mask that names a field below a message that is not set leaves the old value."""

    def merged(config: SessionConfig, given: SessionConfig, mask: FieldMask) -> None:
        mask.MergeMessage(given, config, True, True)

    patch.setattr(session_updates, "replace_masked", merged)


def content_is_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    """The same id with other content is taken for a repeat."""
    patch.setattr(appends, "_same", lambda *_: True)


def every_move_is_legal(patch: pytest.MonkeyPatch) -> None:
    """A tool call may go from any status to any other."""
    patch.setattr(tool_call_updates, "check_transition", lambda _, old, new: old != new)


def expectations_hold(patch: pytest.MonkeyPatch) -> None:
    """What the writer expects of the newest event is not looked at."""
    patch.setattr(commits, "_expectation_holds", lambda *_: True)


def commits_are_torn(patch: pytest.MonkeyPatch) -> None:
    """What a commit did before it was refused is kept."""
    patch.setattr(transaction.WriteTransaction, "undo_atomic", transaction.WriteTransaction.end_atomic)


def custom_stands_for_nothing(patch: pytest.MonkeyPatch) -> None:
    """The filter `custom` lets no custom event through."""
    patch.setattr(EventFilter, "passes", lambda self, event_type: not self.types or event_type in self.types)


def trims_go_one_too_far(patch: pytest.MonkeyPatch) -> None:
    """The event at the sequence is deleted as well."""
    applied = DeleteEventsBefore.apply

    def apply(self: Any, transaction: Any) -> Any:
        self._before += 1
        return applied(self, transaction)

    patch.setattr(DeleteEventsBefore, "apply", apply)


def trimmed_history_is_skipped(patch: pytest.MonkeyPatch) -> None:
    """A cursor before deleted events is taken."""
    patch.setattr(event_walks, "check_cursor", lambda *_, **__: None)


def lists_begin_at_the_wrong_end(patch: pytest.MonkeyPatch) -> None:
    """Every order is that of creation."""
    patch.setattr(session_listing, "_ORDER_COLUMNS", dict.fromkeys(range(4), "created_at_us"))


def restored_sessions_stay_away(patch: pytest.MonkeyPatch) -> None:
    """A session that was restored is not there."""
    patch.setattr(session_operations.RestoreSession, "apply", lambda *_: admin_pb.RestoreSessionResponse())


def details_are_lost(patch: pytest.MonkeyPatch) -> None:
    """An error does not say its reason."""
    patch.setattr(statuses, "_details", lambda _: [])


WRONG: list[Callable[[pytest.MonkeyPatch], None]] = [
    wrong_reason,
    masks_clear_too_little,
    content_is_not_looked_at,
    every_move_is_legal,
    expectations_hold,
    commits_are_torn,
    custom_stands_for_nothing,
    trims_go_one_too_far,
    trimmed_history_is_skipped,
    lists_begin_at_the_wrong_end,
    restored_sessions_stay_away,
    details_are_lost,
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_a_store_that_is_wrong_is_found_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wrong: Any) -> None:
    """Each slip is told."""
    wrong(monkeypatch)
    with pytest.raises(AssertionError):
        played(tmp_path)
