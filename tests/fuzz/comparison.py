"""Makes a call of a store and of the model, and holds the one's answers against the other's."""

import asyncio
from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message

from sessionstore.v1 import session_store_service_pb2 as pb
from tests.fuzz.clock import Clock
from tests.fuzz.model import Model, Refused
from tests.fuzz.stack import CALLS, Answered, Stack, reason_of
from tests.fuzz.together import make_together

__all__ = ["Comparison"]

_LISTS = {"ListSessions": "sessions", "ListMessages": "messages", "ListArchives": "archives"}
_MERGED = {"GetSession", "GetMessages", "GetEvents", "GetPendingToolCalls"}
DEFAULT_PAGE_SIZE = 100

STORAGE_REASONS = {"STORAGE_UNAVAILABLE", "OUT_OF_MEMORY"}
"""Why a write may be refused whose group has failed."""


class Comparison:
    """A store beside the model; both are told the same."""

    def __init__(self, stack: Stack, clock: Clock) -> None:
        self.model = Model()
        self.clock = clock
        self._stack = stack
        self._loop = asyncio.new_event_loop()
        self._positions: dict[int, tuple[str, int]] = {}
        self._answers_are_lost = False
        """Whether there may be events of whose position nobody was told."""
        self._loop.run_until_complete(stack.open())

    def restart(self) -> None:
        """Closes the store and opens it again, which changes nothing."""
        self._loop.run_until_complete(self._stack.restart())

    def close(self) -> None:
        """Closes the store."""
        self._loop.run_until_complete(self._stack.close())
        self._loop.close()

    def call(self, name: str, request: Message) -> str:
        """Makes a call of both; the reason for which it was refused, or nothing.

        Raises AssertionError where they differ.
        """
        actual, reason = self._actual(name, request)
        self._hold(name, request, actual, reason)
        return reason

    def together(self, calls: Sequence[tuple[str, Message]], failure: str | None = None) -> list[str]:
        """Makes calls that write, as one group, and then of the model in the order in which they were applied.

        `failure` is what befalls the group, see `make_together`. The reasons for which writes were refused, or nothing.
        Raises AssertionError where the store and the model differ.
        """
        answered, order = self._loop.run_until_complete(make_together(self._stack, calls, failure))
        answers = [
            self._outcomes(one) if name == "Write" else [(one.answers, one.reason)]
            for (name, _), one in zip(calls, answered, strict=True)
        ]
        self.model.now_us = self.clock.now_us
        lost = {(call, number) for call, each in enumerate(answers) for number in range(len(each))} - {*order}
        for call, number in lost:
            reason = answers[call][number][1]
            is_told = failure is not None and reason in STORAGE_REASONS
            assert is_told, f"not applied, and answered {reason or 'as if it were'}"
        for call, number in order:
            name, request = calls[call]
            actual, reason = answers[call][number]
            write: Any = request
            if isinstance(request, pb.WriteRequest):
                name, write = "Commit", request.commits[number]
            if failure and reason in STORAGE_REASONS:
                # It is applied, whatever is answered.
                self._answers_are_lost = True
                self._expected(name, write, actual)
            else:
                self._take_positions(write.session_id, *actual)
                self._hold(name, write, actual, reason)
        return [reason for each in answers for _, reason in each]

    def _hold(self, name: str, request: Message, actual: list[Any], reason: str) -> None:
        expected, expected_reason = self._expected(name, request, actual)
        assert (expected_reason, expected) == (reason, actual), (
            f"{name}({request})\nthe model answers {expected_reason or expected}\nthe store answers {reason or actual}"
        )

    def _expected(self, name: str, request: Message, actual: list[Any]) -> tuple[list[Any], str]:
        """What the model answers, and the reason for which it refuses."""
        self.model.now_us = self.clock.now_us
        if name == "CreateSession" and actual:
            self.model.chosen_id = actual[0].session.id
        try:
            return self.model.call(name, request), ""
        except Refused as refused:
            return [], refused.reason

    def _actual(self, name: str, request: Any) -> tuple[list[Any], str]:
        answered = self._pages(name, request) if name in _LISTS else self._send(name, request)
        if answered.reason:
            return [], answered.reason
        if name == "Write":
            outcomes = self._outcomes(answered)
            for commit, (answers, _) in zip(request.commits, outcomes, strict=True):
                self._take_positions(commit.session_id, *answers)
            return [reason or answers[0] for answers, reason in outcomes], ""
        if name in _MERGED:
            merged = CALLS[name].response_type()
            for answer in answered.answers:
                merged.MergeFrom(answer)
            answered.answers = [merged]
        self._take_positions(getattr(request, "session_id", ""), *answered.answers)
        return answered.answers, ""

    def _outcomes(self, answered: Answered) -> list[tuple[list[Any], str]]:
        """Of each commit of a stream: the answer, or the reason of its refusal."""
        if answered.reason:
            return [([], answered.reason)]
        outcomes = [outcome for answer in answered.answers for outcome in answer.outcomes]
        return [([], reason_of(one.error)) if one.HasField("error") else ([one.result], "") for one in outcomes]

    def _send(self, name: str, request: Message) -> Answered:
        return self._loop.run_until_complete(self._stack.call(name, request))

    def _pages(self, name: str, request: Any) -> Answered:
        """All pages of a list as one answer."""
        whole = Answered([CALLS[name].response_type()])
        token = ""
        while True:
            request.page_token = token
            answered = self._send(name, request)
            if answered.reason:
                return answered
            (page,) = answered.answers
            assert len(getattr(page, _LISTS[name])) <= (request.page_size or DEFAULT_PAGE_SIZE)
            token = page.next_page_token
            page.ClearField("next_page_token")
            whole.answers[0].MergeFrom(page)
            if not token:
                request.page_token = ""
                return whole

    def _take_positions(self, session_id: str, *answers: Any) -> None:
        """Takes the positions of events out of answers: each stands for one event, newer ones for newer events."""
        for answer in answers:
            match answer:
                case pb.AppendEventResponse():
                    self._take_position(session_id, answer, new=not answer.already_existed)
                case pb.CommitResponse():
                    for one in answer.results:
                        if one.HasField("append_event"):
                            new = not one.append_event.already_existed
                            self._take_position(session_id, one.append_event, new=new)
                case pb.GetEventsResponse():
                    for event in answer.events:
                        self._take_position(session_id, event, new=False)
                case pb.TailEventsResponse():
                    for event in answer.events.events:
                        self._take_position(session_id, event, new=False)

    def _take_position(self, session_id: str, holder: Any, *, new: bool) -> None:
        event = (session_id, holder.sequence)
        is_first = new and holder.position > max(self._positions, default=0)
        if is_first or (self._answers_are_lost and holder.position not in self._positions):
            self._positions[holder.position] = event
        assert event == self._positions.get(holder.position), f"position {holder.position} does not stand for {event}"
        holder.position = 0
