"""Makes a call of a store and of the model, and holds the one's answers against the other's."""

import asyncio
from typing import Any

from google.protobuf.message import Message

from sessionstore.v1 import session_store_service_pb2 as pb
from tests.fuzz.clock import Clock
from tests.fuzz.model import Model, Refused
from tests.fuzz.stack import CALLS, Answered, Stack, reason_of

__all__ = ["Comparison"]

_LISTS = {"ListSessions": "sessions", "ListMessages": "messages", "ListArchives": "archives"}
_MERGED = {"GetSession", "GetMessages", "GetEvents", "GetPendingToolCalls"}
DEFAULT_PAGE_SIZE = 100


class Comparison:
    """A store beside the model; both are told the same."""

    def __init__(self, stack: Stack, clock: Clock) -> None:
        self.model = Model()
        self.clock = clock
        self._stack = stack
        self._loop = asyncio.new_event_loop()
        self._positions: dict[int, tuple[str, int]] = {}
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
        self.model.now_us = self.clock.now_us
        if name == "CreateSession" and actual:
            self.model.chosen_id = actual[0].session.id
        try:
            expected, expected_reason = self.model.call(name, request), ""
        except Refused as refused:
            expected, expected_reason = [], refused.reason
        assert (expected_reason, expected) == (reason, actual), (
            f"{name}({request})\nthe model answers {expected_reason or expected}\nthe store answers {reason or actual}"
        )
        return reason

    def _actual(self, name: str, request: Any) -> tuple[list[Any], str]:
        answered = self._pages(name, request) if name in _LISTS else self._send(name, request)
        if answered.reason:
            return [], answered.reason
        if name == "Write":
            outcomes = [outcome for answer in answered.answers for outcome in answer.outcomes]
            results = [
                reason_of(outcome.error) if outcome.HasField("error") else outcome.result for outcome in outcomes
            ]
            for commit, one in zip(request.commits, results, strict=True):
                self._take_positions(commit.session_id, one)
            return results, ""
        if name in _MERGED:
            merged = CALLS[name].response_type()
            for answer in answered.answers:
                merged.MergeFrom(answer)
            answered.answers = [merged]
        for answer in answered.answers:
            self._take_positions(getattr(request, "session_id", ""), answer)
        return answered.answers, ""

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

    def _take_positions(self, session_id: str, answer: Any) -> None:
        """Takes the positions of events out of an answer: each stands for one event, newer ones for newer events."""
        match answer:
            case pb.AppendEventResponse() | pb.CommitResponse():
                parts = [answer] if isinstance(answer, pb.AppendEventResponse) else []
                parts += [one.append_event for one in getattr(answer, "results", ()) if one.HasField("append_event")]
                for one in parts:
                    self._take_position(session_id, one, new=not one.already_existed)
            case pb.GetEventsResponse():
                for event in answer.events:
                    self._take_position(session_id, event, new=False)
            case pb.TailEventsResponse():
                for event in answer.events.events:
                    self._take_position(session_id, event, new=False)

    def _take_position(self, session_id: str, holder: Any, *, new: bool) -> None:
        event = (session_id, holder.sequence)
        if new and holder.position > max(self._positions, default=0):
            self._positions[holder.position] = event
        assert event == self._positions.get(holder.position), f"position {holder.position} does not stand for {event}"
        holder.position = 0
