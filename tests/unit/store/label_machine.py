"""Draws writes to sessions with labels, one transaction after another, and holds the lists by label against a model."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sessiond.contract.limits import Limits
from sessiond.store.errors import StoreError
from sessiond.store.sqlite import index_copies, label_horizon, label_walks, session_listing
from sessiond.store.sqlite.commits import CommitOperation
from sessiond.store.sqlite.engine import DATABASE_NAME
from sessiond.store.sqlite.giving_way import GivingWay
from sessiond.store.sqlite.horizon_advance import AdvanceHorizon
from sessiond.store.sqlite.inspection import find_faults
from sessiond.store.sqlite.migrations import migrate
from sessiond.store.sqlite.operations import Operation
from sessiond.store.sqlite.reserve import Reserve
from sessiond.store.sqlite.session_operations import (
    ArchiveSession,
    CreateSession,
    DeleteArchive,
    DeleteSession,
    RestoreSession,
)
from sessiond.store.sqlite.transaction import WriteTransaction
from sessiond.store.sqlite.trims import DeleteEventsBefore
from sessiond.store.sqlite.upkeep import Upkeep
from sessiond.store.sqlite.write_groups import WriteGroups
from sessiond.store.sqlite.writer_memory import WriterMemory
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.message_pb2 import StoredMessage
from sessionstore.v1.session_pb2 import SessionConfig, SessionInfo
from tests.builders import append, commit, part, user_message
from tests.fuzz.clock import Clock
from tests.fuzz.model_listing import listed
from tests.fuzz.model_sessions import ModelSession

__all__ = ["LabelMachine"]

NAMES = st.sampled_from("abcdefgh")
ENDING = st.sampled_from("efgh")
"""Those that are archived and deleted."""
LABELS = st.sampled_from([{"k": "1"}, {"l": "1"}, {"k": "1", "l": "1"}, {"k": "2"}, {"k": "1", "l": "2"}, {}])
ORDERS = (pb.SessionOrder.SESSION_ORDER_UPDATED_AT, pb.SessionOrder.SESSION_ORDER_MESSAGE_COUNT)
STEPS = st.sampled_from([0, 0, 1, 1, 3, -1, -7])
"""Of the clock, in microseconds, before a transaction."""


@contextmanager
def everything_is_many(*, most_hot: int) -> Iterator[None]:
    """So few sessions are taken for many, and turn cold one or two at a time."""
    with ExitStack() as patches:
        for module, name, value in (
            (session_listing, "SELECTIVE_MATCHES", 0),
            (index_copies, "COUNTED_SESSIONS", 0),
            (label_horizon, "HOT_SESSIONS", 1),
            (label_horizon, "AT_ONCE", 2),
            (label_horizon, "MOST_AT_ONCE", 3),
            (label_horizon, "LABELS_AT_ONCE", 4),
            (label_walks, "MOST_HOT", most_hot),
        ):
            patches.enter_context(patch.object(module, name, value))
        yield


class BrokenError(Exception):
    """What nobody foresaw."""


class Break(Operation[None]):
    """Ends its transaction."""

    def apply(self, transaction: WriteTransaction) -> None:
        """See Operation."""
        raise BrokenError


class LabelMachine(RuleBasedStateMachine):
    """A database, and what should be listed of it."""

    most_hot = 1000
    """Up to so many hot sessions, lists by messages are walked by the horizon."""

    def __init__(self) -> None:
        super().__init__()
        self._ending = ExitStack()
        folder = Path(tempfile.mkdtemp(prefix="sessiond-labels-"))
        self._ending.callback(shutil.rmtree, folder)
        self._path = folder / DATABASE_NAME
        self._clock = Clock()
        self._ending.enter_context(self._clock.told())
        self._ending.enter_context(everything_is_many(most_hot=self.most_hot))
        migrate(self._path)
        self._model: dict[str, ModelSession] = {}
        self._archived: dict[str, ModelSession] = {}
        self._made = 0
        self._open()

    @initialize()
    def begin(self) -> None:
        """Most of what is written is about sessions that exist and have labels, and some of those are cold."""
        for name in "abcdefgh":
            self.create(name, {"k": "1", "l": "12"[name > "e"]}, 1)
            self.append_messages(name, 1, 1 + ord(name) % 3)
        self.advance(2)

    def teardown(self) -> None:
        """The database has no faults at the end; it is removed."""
        try:
            assert list(find_faults(self._connection)) == []
        finally:
            self._ending.close()

    @rule()
    def restart(self) -> None:
        """The writer forgets all that it remembered; the database has no faults."""
        assert list(find_faults(self._connection)) == []
        self._connection.close()
        self._open()

    def _open(self) -> None:
        self._connection = sqlite3.connect(self._path, isolation_level=None)
        self._ending.callback(self._connection.close)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.execute("BEGIN IMMEDIATE").execute("COMMIT")
        upkeep = Upkeep(self._path, Reserve(self._path.parent, 0))
        self._ending.callback(upkeep.close)
        self._groups = WriteGroups(upkeep, WriterMemory(), GivingWay(lambda: False), lambda _: False)

    def _apply(self, step: int, *operations: Operation[Any]) -> list[bool]:
        """Applies a group in one transaction; for each operation, whether it was not refused."""
        self._clock.now_us += step
        applied = self._groups.apply(self._connection, operations)
        return [not isinstance(outcome, StoreError) for outcome in applied.outcomes]

    def _commit(self, step: int, name: str, *mutations: pb.Mutation) -> ModelSession | None:
        """Applies a commit; the session in the model, which was touched, unless it was refused."""
        (done,) = self._apply(step, CommitOperation(commit(name, *mutations), Limits()))
        assert done == (name in self._model)
        if not done:
            return None
        self._model[name].touch(self._clock.now_us)
        return self._model[name]

    @rule(name=ENDING, labels=LABELS, step=STEPS)
    def create(self, name: str, labels: dict[str, str], step: int) -> None:
        """A new session, also at a time before the newest change."""
        config = SessionConfig(metadata=labels)
        request = pb.CreateSessionRequest(session_id=name, config=config)
        (done,) = self._apply(step, CreateSession(request, Limits()))
        if name not in self._model and name not in self._archived:
            assert done
            self._model[name] = ModelSession(name, None, config, self._clock.now_us)

    @rule(name=NAMES, step=STEPS)
    def append_event(self, name: str, step: int) -> None:
        """What happens most."""
        self._commit(step, name, append(part()))

    @rule(name=NAMES, step=STEPS, count=st.integers(1, 3))
    def append_messages(self, name: str, step: int, count: int) -> None:
        """They change both orders."""
        messages = [user_message(f"m{self._made + number}") for number in range(count)]
        self._made += count
        session = self._commit(step, name, *(pb.Mutation(append_message=message) for message in messages))
        if session is not None:
            session.messages += [StoredMessage(message=message) for message in messages]

    @rule(first=NAMES, second=NAMES, step=STEPS)
    def append_to_two(self, first: str, second: str, step: int) -> None:
        """In one transaction, one of them refused in its middle."""
        missing = pb.Mutation(set_active_message=pb.ActiveMessageUpdate(message_id="missing"))
        refused = CommitOperation(commit(first, append(part()), missing), Limits())
        kept = CommitOperation(commit(second, append(part())), Limits())
        assert self._apply(step, refused, kept, refused) == [False, second in self._model, False]
        if second in self._model:
            self._model[second].touch(self._clock.now_us)

    @rule(name=NAMES, labels=LABELS, removed=st.sampled_from([[], ["k"], ["k", "l"]]), step=STEPS)
    def change_labels(self, name: str, labels: dict[str, str], removed: list[str], step: int) -> None:
        """Some are new, some have another value, some are gone."""
        update = pb.SessionUpdate(set_metadata=labels, delete_metadata_keys=removed)
        session = self._commit(step, name, pb.Mutation(update_session=update))
        if session is not None:
            session.config.metadata.update(labels)
            for key in removed:
                session.config.metadata.pop(key, None)

    @rule(name=NAMES, status=st.sampled_from([1, 2]), step=STEPS)
    def change_status(self, name: str, status: Any, step: int) -> None:
        """It is asked for beside the labels."""
        session = self._commit(step, name, pb.Mutation(update_session=pb.SessionUpdate(status=status)))
        if session is not None:
            session.status = status

    @rule(name=NAMES, step=STEPS)
    def trim(self, name: str, step: int) -> None:
        """A write that is not a commit."""
        self._commit(step, name, append(part()))
        (done,) = self._apply(
            step, DeleteEventsBefore(pb.DeleteEventsBeforeRequest(session_id=name, before_sequence=2**62))
        )
        if done:
            self._model[name].touch(self._clock.now_us)

    @rule(name=ENDING, step=STEPS)
    def archive(self, name: str, step: int) -> None:
        """Out of all lists; a write to it in the same transaction comes first."""
        append_first = CommitOperation(commit(name, append(part())), Limits())
        self._apply(step, append_first, ArchiveSession(name))
        if name in self._model:
            self._archived[name] = self._model.pop(name)
            self._archived[name].touch(self._clock.now_us)

    @rule(name=ENDING, step=STEPS)
    def restore(self, name: str, step: int) -> None:
        """Back to where it was, which may be cold by now; in the order of creation too."""
        if self._apply(step, RestoreSession(name)) == [True]:
            self._model[name] = self._archived.pop(name)

    @rule(name=ENDING, others=st.lists(NAMES, min_size=3, max_size=5), step=STEPS)
    def put_away(self, name: str, others: list[str], step: int) -> None:
        """Others are written to while a session is archived, so that it comes back cold."""
        self.archive(name, step)
        for other in others:
            self.append_event(other, 1)
        self.advance(2)
        self.restore(name, step)

    @rule(name=ENDING, others=st.lists(NAMES, min_size=3, max_size=5), labels=LABELS, step=STEPS)
    def replace(self, name: str, others: list[str], labels: dict[str, str], step: int) -> None:
        """A session begins when others are cold already, at the same time as they, or before."""
        self.delete(name)
        for other in others:
            self.append_event(other, 0)
        self.advance(3)
        self.create(name, labels, step)
        self.append_messages(others[0], 0, 1)

    @rule(name=NAMES, step=STEPS)
    def lose_a_transaction(self, name: str, step: int) -> None:
        """It had moved the horizon, and written to a session."""
        with pytest.raises(BrokenError):
            self._apply(step, CommitOperation(commit(name, append(part())), Limits()), AdvanceHorizon(), Break())

    @rule(name=ENDING)
    def delete(self, name: str) -> None:
        """With its labels, wherever it is."""
        self._apply(0, DeleteSession(name), DeleteArchive(name))
        self._model.pop(name, None)
        self._archived.pop(name, None)

    @rule(times=st.integers(1, 3))
    def advance(self, times: int) -> None:
        """Some sessions turn cold."""
        for _ in range(times):
            assert self._apply(0, AdvanceHorizon()) == [True]

    @rule(
        labels=LABELS,
        order=st.sampled_from(ORDERS),
        ascending=st.booleans(),
        size=st.integers(1, 3),
        offset=st.none() | st.integers(0, 4),
        limit=st.none() | st.integers(0, 4),
        status=st.none() | st.sampled_from([1, 2]),
        bounds=st.tuples(*[st.none() | st.integers(0, 20)] * 2),
    )
    def read_pages(
        self,
        labels: dict[str, str],
        order: Any,
        ascending: bool,
        size: int,
        offset: int | None,
        limit: int | None,
        status: Any,
        bounds: tuple[int | None, int | None],
    ) -> None:
        """All pages, whatever else the filter asks for."""
        request = pb.ListSessionsRequest(order_by=order, ascending=ascending, page_size=size)
        request.filter.metadata.update(labels)
        if offset is not None:
            request.offset = offset
        if limit is not None:
            request.limit = limit
        if status is not None:
            request.filter.status = status
        for name, bound in zip(("updated_after", "updated_before"), bounds, strict=True):
            if bound is not None:
                getattr(request.filter, name).FromMicroseconds(self._clock.now_us - bound)
        self._compare(request)

    @invariant()
    def lists_are_those_of_the_model(self) -> None:
        """By each label, in both orders and directions."""
        for order, ascending, keys in product(ORDERS, (False, True), ("k", "l", "kl")):
            request = pb.ListSessionsRequest(order_by=order, ascending=ascending, page_size=3)
            request.filter.metadata.update(dict.fromkeys(keys, "1"))
            self._compare(request)

    def _compare(self, request: pb.ListSessionsRequest) -> None:
        expected = [session.info() for session in listed(self._sorted(), request)]
        found: list[SessionInfo] = []
        while True:
            page = session_listing.list_sessions(self._connection, request)
            found += page.sessions
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        names = [session.id for session in found]
        assert names == [session.id for session in expected]
        for session, model in zip(found, expected, strict=True):
            assert (session.updated_at, session.message_count) == (model.updated_at, model.message_count)
            assert session.metadata == model.metadata

    def _sorted(self) -> list[ModelSession]:
        """In the order of their keys."""
        keys = dict(self._connection.execute("SELECT id, session_key FROM sessions"))
        return sorted(self._model.values(), key=lambda session: int(keys[session.id]))
