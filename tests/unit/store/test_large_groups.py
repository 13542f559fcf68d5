"""A group of many writes, and what else the event loop comes to while it is answered."""

import asyncio
import weakref
from collections import Counter

import pytest

from sessiond.contract.limits import Limits
from sessiond.store.sqlite import engine
from sessiond.store.sqlite.commits import CommitOperation
from sessiond.store.sqlite.engine import SqliteStore
from sessiond.store.sqlite.publication import Publication
from sessiond.store.sqlite.writer import ANSWERS_A_TURN
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part

WRITES = 3 * ANSWERS_A_TURN + 1


class Turns:
    """Counts the turns of the event loop."""

    def __init__(self) -> None:
        self.count = 0
        self._count()

    def _count(self) -> None:
        self.count += 1
        self._next = asyncio.get_running_loop().call_soon(self._count)

    def end(self) -> None:
        """Lets the loop be idle again."""
        self._next.cancel()


async def test_a_large_group_is_answered_in_several_turns(store: SqliteStore) -> None:
    """All of it was on disk before the first; nobody else waits for the last."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    groups = store.metrics().groups
    turns = Turns()
    answered: Counter[int] = Counter()
    commits = [store.submit(commit("s", append(part(str(number))))) for number in range(WRITES)]
    for each in commits:
        each.add_done_callback(lambda _: answered.update([turns.count]))
    await asyncio.gather(*commits)
    turns.end()
    assert store.metrics().groups == groups + 1
    assert answered.total() == WRITES
    assert max(answered.values()) <= ANSWERS_A_TURN


async def test_tails_are_told_of_a_large_group_in_several_turns_before_its_answers(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has an answer finds what it answers in every tail."""
    sessions = [f"s{number}" for number in range(WRITES)]
    await asyncio.gather(*(store.create_session(pb.CreateSessionRequest(session_id=each)) for each in sessions))
    turns = Turns()
    told: Counter[int] = Counter()
    answers_before: list[int] = []
    answered = 0
    usual = store._writer._publish

    def publish(changes: dict[int, Publication]) -> None:
        told[turns.count] += len(changes)
        answers_before.append(answered)
        usual(changes)

    def note(_: object) -> None:
        nonlocal answered
        answered += 1

    monkeypatch.setattr(store._writer, "_publish", publish)
    commits = [store.submit(commit(session, append(part("x")))) for session in sessions]
    for each in commits:
        each.add_done_callback(note)
    await asyncio.gather(*commits)
    turns.end()
    assert told.total() == WRITES
    assert max(told.values()) <= ANSWERS_A_TURN
    assert set(answers_before) == {0}


async def test_a_large_group_is_freed_as_it_is_answered(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not all of it in one turn: that is as much work as to answer it."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    operations: list[weakref.ref[CommitOperation]] = []

    def make(request: pb.CommitRequest, limits: Limits) -> CommitOperation:
        operation = CommitOperation(request, limits)
        operations.append(weakref.ref(operation))
        return operation

    monkeypatch.setattr(engine, "CommitOperation", make)
    commits = [store.submit(commit("s", append(part(str(number))))) for number in range(WRITES)]
    left: list[int] = []
    commits[-1].add_done_callback(lambda _: left.append(sum(each() is not None for each in operations)))
    await asyncio.gather(*commits)
    assert len(operations) == WRITES
    assert left[0] <= ANSWERS_A_TURN
