"""How much a write puts into the log, which is what a disk has to sync before its answer."""

from pathlib import Path

import pytest

from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part, user_message

PAGE_BYTES = 24 + 4096
"""As it lies in the log, with its head."""


@pytest.mark.parametrize(
    ("write", "pages"),
    [(append(part()), 4), (pb.Mutation(append_message=user_message("m")), 6)],
    ids=["an event", "a message"],
)
async def test_a_write_changes_the_pages_that_it_has_to(
    store: SqliteStore, data_dir: Path, write: pb.Mutation, pages: int
) -> None:
    """The row, its place in the session, the session's row, and where that is in the order of updates.

    A message has an index by its id, and moves its session in the order of numbers of messages.
    """
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    await store.submit(commit("s", append(part())))
    log = data_dir / f"{DATABASE_NAME}-wal"
    before = log.stat().st_size
    await store.submit(commit("s", write))
    assert pages == (log.stat().st_size - before) / PAGE_BYTES
