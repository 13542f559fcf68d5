"""A filled database is one that the daemon could have written."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migrations import migrate
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.benchmarks.events import EVENT_BYTES
from tests.benchmarks.scale.contents import Contents
from tests.benchmarks.scale.filling import fill
from tests.builders import append
from tests.unit.store.sessions import create, submit

CONTENTS = Contents(sessions=130, events=4)

# All that is stored but for the times and the ids of events, which nobody can foretell.
STORED = {
    "sessions": "SELECT session_key, id, request_id, create_digest, config, status, archived_at_us, next_message,"
    " next_event, first_event, message_count, last_model, active_message_id, approvals, stored_bytes,"
    " config_checksum FROM sessions",
    "metadata": "SELECT session_key, key, value FROM session_metadata ORDER BY session_key, key",
    "messages": "SELECT session_key, sequence, id, payload FROM messages ORDER BY session_key, sequence",
    "tool calls": "SELECT * FROM tool_calls",
    "events": "SELECT position, session_key, sequence, commit_index, type, length(event_id), payload FROM events",
    "counters": "SELECT * FROM store_counters",
    "schema": "SELECT version, checksum FROM schema_migrations",
}


async def write(folder: Path, contents: Contents) -> None:
    """Has a store write the contents, in the order in which they are said to have come."""
    migrate(folder / DATABASE_NAME)
    store = await SqliteStore.open(folder, durability="normal")
    filled = [contents.session(number) for number in range(contents.sessions)]
    for session in filled:
        await create(store, session.id, session.config)
        mutations = [pb.Mutation(append_message=session.message(number)) for number in range(session.messages)]
        update = pb.Mutation(update_session=pb.SessionUpdate(status=session.status))
        await submit(store, *mutations, update, session_id=session.id)
    for number, sequence in contents.in_order_of_events():
        event_id = f"{number:018}{sequence:018}"
        await submit(store, append(filled[number].event(sequence), event_id), session_id=filled[number].id)
    await store.close()


@pytest.mark.parametrize("contents", [CONTENTS, Contents(sessions=3, events=1)])
async def test_the_rows_are_those_that_a_store_writes(tmp_path: Path, contents: Contents) -> None:
    """Else the figures on a filled database would tell of another database."""
    (tmp_path / "written").mkdir()
    await write(tmp_path / "written", contents)
    fill(tmp_path / "filled.db", contents)
    with (
        closing(sqlite3.connect(tmp_path / "written" / DATABASE_NAME)) as written,
        closing(sqlite3.connect(tmp_path / "filled.db")) as filled,
    ):
        for query in STORED.values():
            assert written.execute(query).fetchall() == filled.execute(query).fetchall()


def test_times_are_in_order(tmp_path: Path) -> None:
    """Nothing in a session is older than the session, nor newer than its newest change."""
    fill(tmp_path / "filled.db", CONTENTS)
    with closing(sqlite3.connect(tmp_path / "filled.db")) as filled:
        out_of_order = (
            "SELECT count(*) FROM sessions JOIN events USING (session_key)"
            " WHERE NOT created_at_us < stored_at_us OR NOT stored_at_us <= updated_at_us"
        )
        assert (0,) == filled.execute(out_of_order).fetchone()
        labels = "SELECT count(*) FROM sessions s JOIN session_metadata m USING (session_key)"
        assert (0,) == filled.execute(f"{labels} WHERE m.created_at_us <> s.created_at_us").fetchone()
        by_position = filled.execute("SELECT stored_at_us FROM events ORDER BY position").fetchall()
        by_key = filled.execute("SELECT created_at_us FROM sessions ORDER BY session_key").fetchall()
        by_update = filled.execute("SELECT updated_at_us FROM sessions ORDER BY session_key").fetchall()
    assert sorted(by_position) == by_position
    assert sorted(by_key) == by_key
    assert sorted(by_update) != by_update


def test_events_are_as_large_as_those_of_the_other_workloads() -> None:
    """But for the last one of each session, which names the model."""
    session = CONTENTS.session(7)
    assert [EVENT_BYTES] * 3 == [session.event(sequence).ByteSize() for sequence in range(3)]
    assert session.model == session.event(3).message_complete.model


def test_labels_are_held_by_as_many_as_their_names_say() -> None:
    """A hundred stay a hundred, however many sessions there are."""
    for sessions in (1000, 5000):
        contents = Contents(sessions, 1)
        held = [contents.metadata(number) for number in range(sessions)]
        assert sessions // 2 == sum(labels["team"] == "team-1" for labels in held)
        assert sessions // 10 == sum(labels["language"] == "language-3" for labels in held)
        assert 100 == sum(labels["ticket"] == "ticket-0" for labels in held)
        assert ["era-0"] * (sessions // 10) == [labels["era"] for labels in held[: sessions // 10]]


async def test_the_sums_are_those_of_the_rows(tmp_path: Path) -> None:
    """Else nothing that was filled in could be read."""
    fill(tmp_path / DATABASE_NAME, CONTENTS)
    store = await SqliteStore.open(tmp_path, durability="normal")
    (row,) = (await store.list_sessions(pb.ListSessionsRequest(page_size=1))).sessions
    assert [row.id] == [
        fragment.session.id
        async for fragment in store.get_session(pb.GetSessionRequest(session_id=row.id))
        if fragment.session.id
    ]
    fragments = [fragment async for fragment in store.get_events(pb.GetEventsRequest(session_id=row.id))]
    assert CONTENTS.events == sum(len(pb.GetEventsResponse.FromString(fragment).events) for fragment in fragments)
    await store.close()
