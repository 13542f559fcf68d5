"""What each step of the schema does to the data that it finds."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migration_files import load_migrations
from sessiond.store.sqlite.migrations import migrate
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig
from tests.unit.store.sessions import listed, submit

_SESSION = """
    INSERT INTO sessions (id, create_digest, config, status, created_at_us, updated_at_us, archived_at_us)
    VALUES (?, x'', ?, 1, ?, ?, ?)
"""


def first_schema(path: Path) -> None:
    """A database of the first schema, with three live sessions that were not created in the order of their keys."""
    migrate(path, load_migrations()[:1])
    with closing(sqlite3.connect(path)) as connection, connection:
        for name, created_at_us, archived_at_us in (("b", 20, None), ("a", 10, None), ("c", 30, None), ("z", 5, 99)):
            config = SessionConfig(metadata={"kind": "old", "name": name}).SerializeToString(deterministic=True)
            values = (name, config, created_at_us, 1000 - created_at_us, archived_at_us)
            key = connection.execute(_SESSION, values).lastrowid
            connection.executemany(
                "INSERT INTO session_metadata VALUES (?, ?, ?)", [(key, "kind", "old"), (key, "name", name)]
            )


async def test_labels_are_kept_and_get_the_time_of_creation(tmp_path: Path) -> None:
    """Sessions of the first schema are found by their labels, in the order of their creation, and can be changed."""
    first_schema(tmp_path / DATABASE_NAME)
    migrate(tmp_path / DATABASE_NAME)
    store = await SqliteStore.open(tmp_path, durability="normal")
    old = pb.SessionFilter(metadata={"kind": "old"})
    assert ["c", "b", "a"] == await listed(store, pb.ListSessionsRequest(filter=old))
    updated = pb.SessionOrder.SESSION_ORDER_UPDATED_AT
    assert ["a", "b", "c"] == await listed(store, pb.ListSessionsRequest(filter=old, order_by=updated))
    update = pb.SessionUpdate(set_metadata={"kind": "new"}, delete_metadata_keys=["name"])
    await submit(store, pb.Mutation(update_session=update), session_id="b")
    assert ["c", "a"] == await listed(store, pb.ListSessionsRequest(filter=old))
    new = pb.SessionFilter(metadata={"kind": "new"})
    assert ["b"] == await listed(store, pb.ListSessionsRequest(filter=new))
    await store.close()
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as connection:
        stored = connection.execute(
            "SELECT id, key, value, m.created_at_us = s.created_at_us FROM sessions s"
            " JOIN session_metadata m USING (session_key) ORDER BY id, key"
        ).fetchall()
    kept = [(name, key, value, 1) for name in "ac" for key, value in (("kind", "old"), ("name", name))]
    archived = [("z", "kind", "old", 1), ("z", "name", "z", 1)]
    assert sorted([*kept, ("b", "kind", "new", 1), *archived]) == stored


async def test_labels_go_with_their_session_still(tmp_path: Path) -> None:
    """The table that was made anew refers to the sessions as the old one did."""
    first_schema(tmp_path / DATABASE_NAME)
    migrate(tmp_path / DATABASE_NAME)
    store = await SqliteStore.open(tmp_path, durability="normal")
    await store.delete_session(pb.DeleteSessionRequest(session_id="a"))
    await store.close()
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as connection:
        assert (6,) == connection.execute("SELECT count(*) FROM session_metadata").fetchone()
