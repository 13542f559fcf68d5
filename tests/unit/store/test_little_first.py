"""Who writes little beside somebody who writes much: the writer's thread ends what it is at."""

import asyncio

import pytest

from sessiond.store.sqlite.engine import SqliteStore
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
