"""What waits for the writer: how much, and how who has more of it waits for room."""

import asyncio
from pathlib import Path

from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migrations import migrate
from sessiond.store.sqlite.waiting_writes import MAX_GROUP_BYTES
from sessiond.store.sqlite.writer import CROWDED_BYTES
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part, tool_call, user_message


async def test_who_waits_for_room_waits_for_the_next_group(tmp_path: Path) -> None:
    """Also when a group was taken and too much is left: waiting gives way to the writer, and does not go in circles."""
    migrate(tmp_path / DATABASE_NAME)
    store = await SqliteStore.open(tmp_path, durability="normal")
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    large = append(part("x" * CROWDED_BYTES))
    commits = [store.submit(commit("s", large)) for _ in range(3 * MAX_GROUP_BYTES // CROWDED_BYTES)]
    waited = 0
    while store.is_crowded:
        await asyncio.wait_for(store.wait_for_room(), 60)
        waited += 1
    # Each of the commits is a little larger than a quarter of a group, so that there are three.
    assert 1 <= waited <= 3
    await asyncio.gather(*commits)
    await store.close()


async def test_a_commit_counts_with_all_that_it_writes(tmp_path: Path) -> None:
    """Messages, tool calls and events alike: the bound on what waits is one on memory."""
    migrate(tmp_path / DATABASE_NAME)
    store = await SqliteStore.open(tmp_path, durability="normal")
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    text = "x" * (CROWDED_BYTES // 3)
    called = pb.Mutation(create_tool_call=tool_call("c", text))
    said = pb.Mutation(append_message=user_message("m", text))
    written = store.submit(commit("s", append(part(text)), said, called))
    crowded = [store.is_crowded]
    await written
    crowded.append(store.is_crowded)
    assert [True, False] == crowded
    await store.close()
