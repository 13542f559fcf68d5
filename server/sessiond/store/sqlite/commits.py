"""Commits: several mutations of one session, applied all at once or not at all."""

from sessiond.contract.limits import Limits
from sessiond.store.errors import SequenceConflictError
from sessiond.store.sqlite.appends import AppendEvent, AppendMessage, CreateToolCall, IdentifiedMutation
from sessiond.store.sqlite.operations import Operation
from sessiond.store.sqlite.session_rows import SessionRow
from sessiond.store.sqlite.session_updates import SetActiveMessage, UpdateSession
from sessiond.store.sqlite.tool_call_updates import UpdateToolCall
from sessiond.store.sqlite.transaction import WriteTransaction
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["AppendOneEvent", "CommitOperation"]


UpdateMutation = SetActiveMessage | UpdateSession | UpdateToolCall
"""The mutations that carry no id of their own: a repeat writes the same values again.

Each has `apply`, which makes the change, and `current`, the result as of now, for a commit that was applied before.
"""


class CommitOperation(Operation[pb.CommitResponse]):
    """Applies a commit that `sessiond.contract` has checked.

    A commit in which everything that carries an id is stored already, with the same content, was applied before: since
    commits are atomic, the rest of it was applied with it, and applying that again could undo what came later.
    """

    def __init__(self, commit: pb.CommitRequest, limits: Limits) -> None:
        self._commit = commit
        self._mutations: list[IdentifiedMutation | UpdateMutation] = []
        self._has_updates = False
        self._event_ids: list[str] = []
        self.size_bytes = 0
        for mutation in commit.mutations:
            match mutation.WhichOneof("kind"):
                case "append_event":
                    append = AppendEvent(mutation.append_event, limits)
                    self._append(append)
                    if append.event_id is not None:
                        self._event_ids.append(append.event_id)
                case "append_message":
                    self._append(AppendMessage(mutation.append_message, limits))
                case "create_tool_call":
                    self._append(CreateToolCall(mutation.create_tool_call, limits))
                case "update_tool_call":
                    self._update(UpdateToolCall(mutation.update_tool_call, limits), mutation)
                case "set_active_message":
                    self._update(SetActiveMessage(mutation.set_active_message), mutation)
                case "update_session":
                    self._update(UpdateSession(mutation.update_session, limits), mutation)
                case other:
                    raise AssertionError(f"a mutation that was not checked: {other}")
        self.atomic = len(self._mutations) > 1

    def _append(self, mutation: IdentifiedMutation) -> None:
        self.size_bytes += mutation.size_bytes
        self._mutations.append(mutation)

    def _update(self, update: UpdateMutation, mutation: pb.Mutation) -> None:
        self._has_updates = True
        self.size_bytes += mutation.ByteSize()
        self._mutations.append(update)

    def apply(self, transaction: WriteTransaction) -> pb.CommitResponse:
        """See Operation. Raises NotFoundError, AlreadyExistsError, SequenceConflictError and those of the mutations."""
        row = transaction.session(self._commit.session_id)
        if len(self._event_ids) > 1:
            transaction.look_up_events(row, self._event_ids)
        expected_holds = _expectation_holds(self._commit, row)
        # Without updates and with the expectation met, each append finds out by itself whether it is a repeat.
        if self._has_updates or not expected_holds:
            repeated = self._first_results(transaction, row)
            if repeated is not None:
                return repeated
        if not expected_holds:
            raise SequenceConflictError(_expected_last(self._commit), row.last_event)
        return self._apply(transaction, row)

    def _apply(self, transaction: WriteTransaction, row: SessionRow) -> pb.CommitResponse:
        first_event = row.next_event
        response = pb.CommitResponse()
        repeated = True
        for mutation in self._mutations:
            transaction.give_way()
            if isinstance(mutation, UpdateMutation):
                response.results.append(mutation.apply(transaction, row))
                repeated = False
            else:
                result = response.results.add()
                if not mutation.apply(transaction, row, result, row.next_event - first_event):
                    repeated = False
        response.already_applied = repeated
        return response

    def _first_results(self, transaction: WriteTransaction, row: SessionRow) -> pb.CommitResponse | None:
        """The answer of the first time, or None when something that carries an id is not stored."""
        response = pb.CommitResponse(already_applied=True)
        updates: dict[int, UpdateMutation] = {}
        for index, mutation in enumerate(self._mutations):
            result = response.results.add()
            if isinstance(mutation, UpdateMutation):
                updates[index] = mutation
            elif not mutation.find(transaction, row, result):
                return None
        if len(updates) == len(self._mutations):
            return None
        for index, update in updates.items():
            response.results[index].CopyFrom(update.current(transaction, row))
        return response


class AppendOneEvent(Operation[pb.AppendEventResponse]):
    """Applies what a commit of one event would do, without making a commit of the request: most calls are this one."""

    def __init__(self, request: pb.AppendEventRequest, limits: Limits) -> None:
        self._request = request
        self._append = AppendEvent(request, limits)
        self.size_bytes = self._append.size_bytes

    def apply(self, transaction: WriteTransaction) -> pb.AppendEventResponse:
        """See Operation. Raises NotFoundError, AlreadyExistsError, SequenceConflictError and LimitReachedError."""
        row = transaction.session(self._request.session_id)
        result = pb.MutationResult()
        if _expectation_holds(self._request, row):
            self._append.apply(transaction, row, result, 0)
        elif not self._append.find(transaction, row, result):
            raise SequenceConflictError(_expected_last(self._request), row.last_event)
        return result.append_event


def _expectation_holds(request: pb.CommitRequest | pb.AppendEventRequest, row: SessionRow) -> bool:
    match request.WhichOneof("expectation"):
        case None:
            return True
        case "expect_no_events":
            return row.last_event is None
        case _:
            return row.last_event == request.expected_last_sequence


def _expected_last(request: pb.CommitRequest | pb.AppendEventRequest) -> int | None:
    return None if request.WhichOneof("expectation") == "expect_no_events" else request.expected_last_sequence
