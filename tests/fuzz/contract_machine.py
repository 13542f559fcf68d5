"""Draws calls, one after another, with restarts in between, and holds each answer of the store against the model's."""

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from sessiond.store.sqlite import transaction, writer_memory
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, complete, part, tool_call, user_message
from tests.fuzz.clock import STEP_US, Clock
from tests.fuzz.comparison import Comparison
from tests.fuzz.requests import ADMINISTRATION, EVENT_READS, GROUPS, OTHER, READS, WRITES, DrawnCall
from tests.fuzz.stack import Stack
from tests.fuzz.together import FAILURES

__all__ = ["ContractMachine"]

SMALL = (
    (transaction, "EVENTS_AT_ONCE", 3),
    (transaction, "POSITIONS_AT_ONCE", 5),
    (writer_memory, "MAX_ROWS", 2),
    (writer_memory, "MAX_SESSIONS_WITH_IDS", 1),
)
"""What is done some at a time, or remembered of some: with as few as a run has, each run comes to the next of them."""


def _is_nameless(call: DrawnCall) -> bool:
    name, request = call
    return name == "CreateSession" and not request.HasField("session_id")


class ContractMachine(RuleBasedStateMachine):
    """A store and the model, which are told the same."""

    comparison = Comparison
    """What makes the calls."""

    def __init__(self) -> None:
        super().__init__()
        self._ending = ExitStack()
        folder = Path(tempfile.mkdtemp(prefix="sessiond-fuzz-"))
        self._ending.callback(shutil.rmtree, folder)
        clock = Clock()
        self._ending.enter_context(clock.told())
        for owner, name, value in SMALL:
            self._ending.enter_context(patch.object(owner, name, value))
        self.both = self.comparison(Stack(folder / "data"), clock)
        self._ending.callback(self.both.close)

    @initialize()
    def begin(self) -> None:
        """Most calls are about a session that exists and has something in it."""
        for name in ("a", "ab", OTHER):
            self.both.call("CreateSession", pb.CreateSessionRequest(session_id=name))
        first = (
            pb.Mutation(append_message=user_message("m1")),
            pb.Mutation(create_tool_call=tool_call("c1")),
            append(part("x"), "e1"),
            append(complete("model")),
        )
        self.both.call("Commit", commit("a", *first))

    @rule(call=WRITES)
    def write(self, call: DrawnCall) -> None:
        """A call that changes something."""
        self.both.call(*call)

    @rule(call=WRITES)
    def write_twice(self, call: DrawnCall) -> None:
        """A call that is repeated, as clients do that have missed the answer."""
        self.both.call(*call)
        self.both.call(*call)

    @rule(calls=GROUPS)
    def write_together(self, calls: list[DrawnCall]) -> None:
        """Calls that are applied as one group, some of them more than once, come to what they do one by one."""
        self.both.together(calls)

    @rule(calls=GROUPS, failure=st.sampled_from(FAILURES))
    def fail_together(self, calls: list[DrawnCall], failure: str) -> None:
        """A group that fails as a whole is on the disk or not, and nothing of it is remembered wrongly."""
        # Of a session whose id the store has chosen, and could not tell, the model knows nothing.
        self.both.together([call for call in calls if not _is_nameless(call)], failure)

    @rule(call=READS)
    def read(self, call: DrawnCall) -> None:
        """A call that changes nothing."""
        self.both.call(*call)

    @rule(call=ADMINISTRATION)
    def administer(self, call: DrawnCall) -> None:
        """A call that removes or archives a session, or restores one."""
        self.both.call(*call)

    @rule(call=READS, write=WRITES)
    def put_away(self, call: DrawnCall, write: DrawnCall) -> None:
        """A session is archived, and comes back as it was."""
        self.both.call("ArchiveSession", admin_pb.ArchiveSessionRequest(session_id="a"))
        self.both.call(*call)
        self.both.call(*write)
        self.both.call("ListArchives", admin_pb.ListArchivesRequest(page_size=1))
        self.both.call("RestoreSession", admin_pb.RestoreSessionRequest(session_id="a"))
        self.both.call(*call)

    @rule(before=st.integers(0, 3), calls=st.lists(EVENT_READS, max_size=4))
    def trim(self, before: int, calls: list[DrawnCall]) -> None:
        """The oldest events go, and whoever reads on after them is told."""
        self.both.call("DeleteEventsBefore", pb.DeleteEventsBeforeRequest(session_id="a", before_sequence=before))
        for call in calls:
            self.both.call(*call)

    @rule(steps=st.sampled_from([1, 1, 1, 3, -1]))
    def time_passes(self, steps: int) -> None:
        """Between calls it may stand still, and it may be set back."""
        self.both.clock.now_us += steps * STEP_US

    @rule()
    def restart(self) -> None:
        """A daemon that stops and starts again has forgotten nothing."""
        self.both.restart()
        self.everything()

    def everything(self) -> None:
        """Reads all that there is."""
        self.both.call("ListSessions", pb.ListSessionsRequest())
        self.both.call("ListArchives", admin_pb.ListArchivesRequest())
        reads: tuple[tuple[str, Any], ...] = (
            ("GetSession", pb.GetSessionRequest),
            ("GetEvents", pb.GetEventsRequest),
        )
        for session_id in list(self.both.model.sessions):
            for name, request in reads:
                self.both.call(name, request(session_id=session_id))

    def teardown(self) -> None:
        """Everything is as in the model at the end."""
        try:
            self.everything()
        finally:
            self._ending.close()
