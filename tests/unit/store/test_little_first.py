"""Who writes little beside somebody who writes much: the writer's thread ends what it is at, or puts it off."""

import asyncio
import sqlite3

import pytest

from sessiond.store.sqlite.engine import SqliteStore
from sessiond.store.sqlite.upkeep import Upkeep
from sessiond.store.sqlite.waiting_writes import LEAST_OPERATIONS
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part
from tests.unit.store.held_writes import HeldWrite

WRITES = 3 * LEAST_OPERATIONS


async def test_a_group_of_many_ends_for_who_writes_little(store: SqliteStore) -> None:
    """What is left of it is applied afterwards, in order, and each is answered once."""
    writer, noted = store._writer, list[object]()
    await asyncio.gather(*(writer.submit(HeldWrite(number, noted, held=False), "much") for number in range(WRITES)))
    noted.clear()
    groups = store.metrics().groups
    many = [HeldWrite(number, noted, held=False) for number in range(WRITES)]
    many[0].go_on.clear()
    answers = [writer.submit(each, "much") for each in many]
    assert await asyncio.to_thread(many[0].begun.wait, 60)
    little = writer.submit(HeldWrite("little", noted, held=False), "little")
    many[0].go_on.set()
    assert [*range(WRITES), "little"] == await asyncio.gather(*answers, little)
    assert [*range(LEAST_OPERATIONS), "little", *range(LEAST_OPERATIONS, WRITES)] == noted
    assert groups + 3 == store.metrics().groups
    assert (0, 0) == (store.metrics().waiting_writes, store.metrics().waiting_bytes)


async def test_a_group_goes_on_where_nobody_else_waits(store: SqliteStore) -> None:
    """More from the same source is no reason to end."""
    writer, noted = store._writer, list[object]()
    await asyncio.gather(*(writer.submit(HeldWrite(number, noted, held=False), "much") for number in range(WRITES)))
    groups = store.metrics().groups
    many = [HeldWrite(number, noted, held=False) for number in range(WRITES)]
    many[0].go_on.clear()
    answers = [writer.submit(each, "much") for each in many]
    assert await asyncio.to_thread(many[0].begun.wait, 60)
    more = [writer.submit(HeldWrite(number, noted, held=False), "much") for number in range(WRITES, 2 * WRITES)]
    many[0].go_on.set()
    await asyncio.gather(*answers, *more)
    assert [*range(WRITES), *range(2 * WRITES)] == noted
    assert groups + 2 == store.metrics().groups


@pytest.mark.parametrize("ends_early", [False, True])
async def test_sequences_are_as_the_commits_of_a_stream_came(store: SqliteStore, ends_early: bool) -> None:
    """Whether or not others went before some of them, into the same session."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    writer = store._writer
    await asyncio.gather(*(store.submit(commit("s", append(part())), "much") for _ in range(WRITES)))
    blocking = HeldWrite()
    blocked = writer.submit(blocking, "much")
    many = [store.submit(commit("s", append(part(), f"e{number}")), "much") for number in range(WRITES)]
    assert await asyncio.to_thread(blocking.begun.wait, 60)
    if ends_early:
        little = store.submit(commit("s", append(part(), "little")), "little")
    blocking.go_on.set()
    await blocked
    sequences = [(await each).results[0].append_event.sequence for each in many]
    assert sorted(sequences) == sequences
    if ends_early:
        assert (await little).results[0].append_event.sequence == sequences[LEAST_OPERATIONS - 2] + 1
        assert sequences[LEAST_OPERATIONS - 1] == sequences[LEAST_OPERATIONS - 2] + 2


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the writer's thread does, where a checkpoint is due after each group."""
    original, done = Upkeep.checkpoint, list[object]()

    def checkpoint(self: Upkeep, connection: sqlite3.Connection) -> None:
        original(self, connection)
        done.append("checkpoint")

    monkeypatch.setattr(Upkeep, "checkpoint", checkpoint)
    monkeypatch.setattr(Upkeep, "checkpoint_is_due", lambda _: True)
    return done


async def test_a_checkpoint_waits_for_who_writes_little_but_once(store: SqliteStore, noted: list[object]) -> None:
    """However many of them come: the log is not to grow on and on."""
    writer = store._writer
    writes = [HeldWrite(number, noted) for number in range(4)]
    answers = [writer.submit(writes[0], "0")]
    for number, write in enumerate(writes):
        assert await asyncio.to_thread(write.begun.wait, 60)
        if number < len(writes) - 1:
            answers.append(writer.submit(writes[number + 1], f"{number + 1}"))
        write.go_on.set()
    await asyncio.gather(*answers)
    await store.close()
    assert [0, 1, "checkpoint", 2, 3, "checkpoint"] == noted


async def test_a_checkpoint_waits_for_nobody_who_writes_much(store: SqliteStore, noted: list[object]) -> None:
    """What they write makes the log longer still."""
    writer = store._writer
    await asyncio.gather(*(writer.submit(HeldWrite(number, noted, held=False), "much") for number in range(WRITES)))
    noted.clear()
    blocking = HeldWrite("blocking", noted)
    answers = [writer.submit(blocking, "much")]
    assert await asyncio.to_thread(blocking.begun.wait, 60)
    answers.append(writer.submit(HeldWrite("more", noted, held=False), "much"))
    blocking.go_on.set()
    await asyncio.gather(*answers)
    await store.close()
    assert ["blocking", "checkpoint", "more", "checkpoint"] == noted[-4:]
