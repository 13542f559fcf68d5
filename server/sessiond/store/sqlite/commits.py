"""Commits: several mutations of one session, applied all at once or not at all."""

from typing import Protocol

from sessiond.contract.limits import Limits
from sessiond.store.errors import SequenceConflictError
from sessiond.store.sqlite.appends import AppendEvent, AppendMessage, CreateToolCall, IdentifiedMutation
from sessiond.store.sqlite.operations import Operation
from sessiond.store.sqlite.session_rows import SessionRow
from sessiond.store.sqlite.session_updates import SetActiveMessage, UpdateSession
from sessiond.store.sqlite.tool_call_updates import UpdateToolCall
from sessiond.store.sqlite.transaction import WriteTransaction
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["CommitOperation"]


class UpdateMutation(Protocol):
    """A mutation that carries no id of its own: a repeat writes the same values again."""

    def current(self, transaction: WriteTransaction, row: SessionRow) -> pb.MutationResult:
        """The result as of now, for a commit that was applied before."""
        ...

    def apply(self, transaction: WriteTransaction, row: SessionRow) -> pb.MutationResult:
        """Makes the change."""
        ...


class CommitOperation(Operation[pb.CommitResponse]):
    """Applies a commit that `sessiond.contract` has checked.

    A commit in which everything that carries an id is stored already, with the same content, was applied before: since
    commits are atomic, the rest of it was applied with it, and applying that again could undo what came later.
    """

    def __init__(self, commit: pb.CommitRequest, limits: Limits) -> None:
        self._commit = commit
        self._identified: dict[int, IdentifiedMutation] = {}
        self._updates: dict[int, UpdateMutation] = {}
        for index, mutation in enumerate(commit.mutations):
            match mutation.WhichOneof("kind"):
                case "append_message":
                    self._identified[index] = AppendMessage(mutation.append_message)
                case "create_tool_call":
                    self._identified[index] = CreateToolCall(mutation.create_tool_call)
                case "append_event":
                    self._identified[index] = AppendEvent(mutation.append_event, limits)
                case "update_tool_call":
                    self._updates[index] = UpdateToolCall(mutation.update_tool_call, limits)
                case "set_active_message":
                    self._updates[index] = SetActiveMessage(mutation.set_active_message)
                case "update_session":
                    self._updates[index] = UpdateSession(mutation.update_session, limits)
                case other:
                    raise AssertionError(f"a mutation that was not checked: {other}")
        self.atomic = len(commit.mutations) > 1
        self.size_bytes = commit.ByteSize()

    def apply(self, transaction: WriteTransaction) -> pb.CommitResponse:
        """See Operation. Raises NotFoundError, AlreadyExistsError, SequenceConflictError and those of the mutations."""
        row = transaction.session(self._commit.session_id)
        expected_holds = self._expectation_holds(row)
        # Without updates and with the expectation met, each append finds out by itself whether it is a repeat.
        if self._updates or not expected_holds:
            repeated = self._first_results(transaction, row)
            if repeated is not None:
                return repeated
        if not expected_holds:
            raise SequenceConflictError(self._expected_last(), row.last_event)
        return self._apply(transaction, row)

    def _apply(self, transaction: WriteTransaction, row: SessionRow) -> pb.CommitResponse:
        first_event = row.next_event
        results = []
        for index in range(len(self._commit.mutations)):
            update = self._updates.get(index)
            if update is None:
                appended = self._identified[index].apply(transaction, row, row.next_event - first_event)
                results.append(appended)
            else:
                results.append(update.apply(transaction, row))
        repeated = not self._updates and all(_already_existed(result) for result in results)
        return pb.CommitResponse(results=results, already_applied=repeated)

    def _first_results(self, transaction: WriteTransaction, row: SessionRow) -> pb.CommitResponse | None:
        """The answer of the first time, or None when something that carries an id is not stored."""
        identified: dict[int, pb.MutationResult] = {}
        for index, mutation in self._identified.items():
            found = mutation.find(transaction, row)
            if found is None:
                return None
            identified[index] = found
        if not identified:
            return None
        results = [
            identified[index] if index in identified else self._updates[index].current(transaction, row)
            for index in range(len(self._commit.mutations))
        ]
        return pb.CommitResponse(results=results, already_applied=True)

    def _expectation_holds(self, row: SessionRow) -> bool:
        match self._commit.WhichOneof("expectation"):
            case None:
                return True
            case "expect_no_events":
                return row.last_event is None
            case _:
                return row.last_event == self._commit.expected_last_sequence

    def _expected_last(self) -> int | None:
        if self._commit.WhichOneof("expectation") == "expect_no_events":
            return None
        return self._commit.expected_last_sequence


def _already_existed(result: pb.MutationResult) -> bool:
    kind = result.WhichOneof("kind")
    return kind is not None and bool(getattr(result, kind).already_existed)
