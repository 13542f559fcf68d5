"""Numbers of messages and events, and positions among all sessions: each is given once and never again."""

import asyncio
import random
import sqlite3
from itertools import pairwise
from pathlib import Path

import pytest

from sessiond.store.errors import AlreadyExistsError, StoreError
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, collect, commit, complete, event_fragments, part, user_message
from tests.unit.store.sessions import create, info, merged, submit


async def position(store: SqliteStore, session_id: str = "s") -> int:
    (answer,) = await submit(store, append(part()), session_id=session_id)
    return answer.append_event.position


async def test_positions_grow_over_all_sessions_and_outlive_them(data_dir: Path) -> None:
    """Neither deleting events or sessions nor a restart gives a position again; a restart may leave a gap."""
    store = await SqliteStore.open(data_dir)
    await create(store, "a")
    await create(store, "b")
    seen = [await position(store, "a"), await position(store, "b"), await position(store, "a")]
    await store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="a", before_sequence=9))
    await store.delete_session(pb.DeleteSessionRequest(session_id="b"))
    seen.append(await position(store, "a"))
    await store.delete_session(pb.DeleteSessionRequest(session_id="a"))
    await store.close()
    store = await SqliteStore.open(data_dir)
    await create(store, "a")
    seen.append(await position(store, "a"))
    await store.close()
    assert [1, 2, 3, 4] == seen[:4]
    assert seen[4] > 4


async def test_a_new_session_of_an_old_id_starts_anew(store: SqliteStore) -> None:
    """Nothing of a deleted session is left: content, counters, metadata, ids."""
    await create(store)
    await submit(store, pb.Mutation(append_message=user_message("m")), append(complete("opus"), "e"))
    answer = await store.delete_session(pb.DeleteSessionRequest(session_id="s"))
    assert (answer.deleted_messages, answer.deleted_tool_calls, answer.deleted_events) == (1, 0, 1)
    await create(store)
    shown = await info(store)
    assert (shown.message_count, shown.HasField("last_model"), shown.HasField("last_event_sequence")) == (
        0,
        False,
        False,
    )
    first = await submit(store, pb.Mutation(append_message=user_message("m", "other")), append(part(), "e"))
    assert (first[0].append_message.sequence, first[1].append_event.sequence) == (0, 0)


async def test_the_first_available_sequence_is_that_of_the_next_event_when_all_are_deleted(store: SqliteStore) -> None:
    """The last sequence is kept when its event is deleted."""
    await create(store)
    await submit(store, append(part()), append(part()))
    await store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=2))
    state = (await merged(store)).state
    assert (state.last_event_sequence, state.first_available_sequence) == (1, 2)
    assert (await info(store)).last_event_sequence == 1


async def test_the_last_model_outlives_its_event(store: SqliteStore) -> None:
    """Deleting the event that named the model does not take the name back, an empty name neither."""
    await create(store)
    await submit(store, append(complete("opus")))
    await store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=1))
    await submit(store, append(complete("")))
    assert (await info(store)).last_model == "opus"


async def test_a_repeated_event_takes_no_number(store: SqliteStore) -> None:
    """Repeats and refusals leave no gap in sequences or positions."""
    await create(store)
    await submit(store, append(part("a"), "a"))
    await submit(store, append(part("a"), "a"))
    with pytest.raises(AlreadyExistsError):
        await submit(store, append(part("b")), append(part("other"), "a"))
    (answer,) = await submit(store, append(part("b"), "b"))
    assert (answer.append_event.sequence, answer.append_event.position) == (1, 2)


def random_commit(chance: random.Random, number: int) -> pb.CommitRequest:
    """A commit of some mutations, of which about one in three is refused."""
    mutations = []
    for index in range(chance.randint(1, 4)):
        match chance.randint(0, 3):
            case 0:
                mutations.append(pb.Mutation(append_message=user_message(f"m{chance.randint(0, 60)}", "same")))
            case 1:
                mutations.append(append(part(f"{number}.{index}")))
            case 2:
                mutations.append(append(complete(f"model {number}"), f"e{number}.{index}"))
            case _:
                mutations.append(append(part("one"), f"e{chance.randint(0, 20)}"))
    if chance.random() < 0.3:
        mutations.append(pb.Mutation(set_active_message=pb.ActiveMessageUpdate(message_id="missing")))
    return commit(chance.choice(["a", "b", "missing"]), *mutations)


@pytest.mark.parametrize("seed", range(5))
async def test_counters_agree_with_the_rows_whatever_is_refused(store: SqliteStore, data_dir: Path, seed: int) -> None:
    """After many commits at once, among them refused ones and deletions, each number is there once and in order."""
    chance = random.Random(seed)
    for name in ("a", "b"):
        await create(store, name)
    outcomes: list[pb.CommitResponse | BaseException] = []
    for batch in range(5):
        waiting = [store.submit(random_commit(chance, batch * 100 + index)) for index in range(60)]
        trim = pb.DeleteEventsBeforeRequest(session_id=chance.choice("ab"), before_sequence=chance.randint(0, 60))
        answered = await asyncio.gather(*waiting, return_exceptions=True)
        outcomes += answered
        await store.delete_events_before(trim)
    assert {True, False} == {isinstance(outcome, StoreError) for outcome in outcomes}
    assert not [
        outcome for outcome in outcomes if isinstance(outcome, Exception) and not isinstance(outcome, StoreError)
    ]
    given = [
        item.append_event.position
        for outcome in outcomes
        if isinstance(outcome, pb.CommitResponse)
        for item in outcome.results
        if item.HasField("append_event") and not item.append_event.already_existed
    ]
    assert list(range(1, len(given) + 1)) == given
    for name in ("a", "b"):
        stored = await collect(event_fragments(store.get_events(pb.GetEventsRequest(session_id=name))), "events")
        session = await merged(store, name)
        assert list(range(len(session.state.messages))) == [item.sequence for item in session.state.messages]
        assert session.state.message_count == len(session.state.messages)
        assert list(range(session.state.first_available_sequence, session.state.last_event_sequence + 1)) == [
            item.sequence for item in stored
        ]
        assert all(first.position < second.position for first, second in pairwise(stored))
    connection = sqlite3.connect(data_dir / DATABASE_NAME)
    (following,) = connection.execute("SELECT value FROM store_counters WHERE name = 'next_position'").fetchone()
    assert [] == connection.execute("PRAGMA foreign_key_check").fetchall()
    assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    assert following > max(given)
