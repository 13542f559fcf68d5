"""Commits of the crash campaign that are sent together, some of them more than once, and what is known of each then."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
from google.rpc import code_pb2

from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import commit
from tests.faults.history import SessionHistory, Write
from tests.faults.insisting import is_a_fault

__all__ = ["Sent", "send", "send_alone"]

COMMITS_OF_A_REQUEST = 32
FAULTS = (code_pb2.INTERNAL, code_pb2.UNKNOWN, code_pb2.DATA_LOSS)
UNAVAILABLE = (code_pb2.UNAVAILABLE, code_pb2.DEADLINE_EXCEEDED, code_pb2.CANCELLED)


@dataclass(eq=False)
class Sent:
    """A commit, and the answers that it has got since it was last settled.

    Attributes:
        must_fail: Whether it is refused in any case.
        is_unsure: Whether nobody knows whether it is stored.
        is_new_result: Whether it was acknowledged now, for the first time.
    """

    mutations: Sequence[pb.Mutation]
    write: Write
    must_fail: bool = False
    is_unsure: bool = False
    is_new_result: bool = False
    _times: int = 0
    _outcomes: list[pb.CommitOutcome] = field(default_factory=list)

    @classmethod
    def noted(cls, history: SessionHistory, mutations: Sequence[pb.Mutation], expected_last: int | None = None) -> Self:
        """One that is about to be sent."""
        return cls(mutations, history.note(mutations, expected_last))

    def request(self, session_id: str) -> pb.CommitRequest:
        """It, to be sent once more."""
        self._times += 1
        request = commit(session_id, *self.mutations)
        if self.write.expected_last == -1:
            request.expect_no_events = True
        elif self.write.expected_last is not None:
            request.expected_last_sequence = self.write.expected_last
        return request

    def take(self, outcome: pb.CommitOutcome) -> None:
        """Notes an answer."""
        self._outcomes.append(outcome)

    def settle(self, *, was_unsure: bool) -> None:
        """Draws from the answers what is known now."""
        times, outcomes = self._times, self._outcomes
        self._times, self._outcomes = 0, []
        results = [outcome.result for outcome in outcomes if outcome.HasField("result")]
        codes = [outcome.error.code for outcome in outcomes if outcome.HasField("error")]
        self.is_new_result = bool(results) and self.write.sequences is None
        self.is_unsure = False
        if self.must_fail:
            if results:
                self.write.unlike = "a result, and was to be refused"
            return
        # The one that is new, if there is one, was answered first, wherever it was sent.
        for result in sorted(results, key=lambda result: result.already_applied):
            self.write.acknowledge(result)
        if results or self.write.sequences is not None:
            return
        told = len(codes) == times and not any(code in UNAVAILABLE for code in codes)
        # While the session was archived nobody looked whether an earlier try had been stored.
        if told and not (was_unsure and code_pb2.NOT_FOUND in codes):
            self.write.refused = True
        else:
            self.is_unsure = True


async def send_alone(stub: Any, session_id: str, sent: Sent) -> None:
    """Sends a commit by a call of its own, and takes its answer, if one comes. Raises faults."""
    outcome = pb.CommitOutcome()
    try:
        outcome.result.CopyFrom(await stub.Commit(sent.request(session_id)))
    except grpc.aio.AioRpcError as error:
        if is_a_fault(error):
            raise
        outcome.error.code = error.code().value[0]
    sent.take(outcome)


async def send(stub: Any, session_id: str, commits: Sequence[Sent]) -> None:
    """Sends commits by one stream, and takes their answers, as far as they come. Raises faults."""
    requests = [sent.request(session_id) for sent in commits]

    async def each() -> AsyncIterator[pb.WriteRequest]:
        for first in range(0, len(requests), COMMITS_OF_A_REQUEST):
            yield pb.WriteRequest(commits=requests[first : first + COMMITS_OF_A_REQUEST])

    unanswered = iter(commits)
    try:
        async for response in stub.Write(each()):
            for outcome in response.outcomes:
                if outcome.error.code in FAULTS:
                    raise AssertionError(f"a commit was answered with {outcome.error.message}")
                next(unanswered).take(outcome)
    except grpc.aio.AioRpcError as error:
        if is_a_fault(error):
            raise
