"""Tails across the death of a daemon that archives their session: each ends, whoever was told of the archiving."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest

from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migrations import migrate
from sessionstore import AsyncSessionStore
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.admin_service_pb2_grpc import AdminServiceStub
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.builders import append, commit, part
from tests.faults.followers import follow, follow_by_library
from tests.faults.history import ARCHIVED, SessionHistory, TailHistory
from tests.faults.insisting import RECONNECTING, insist
from tests.integration.process import DaemonProcess

PATIENCE_SECONDS = 60

COMMITTED = ("commit-after", "publish-before", "wake-up-before", "wake-up-after", "archive-answer-after")
"""Where the archiving is on disk, and its caller does not know; at the first three no tail was told either."""

NOT_COMMITTED = ("archive-session-after", "commit-before")


async def prepare(data_dir: Path) -> None:
    """A database with a session of one event, so that the archiving is the first that a daemon writes."""
    data_dir.mkdir()
    migrate(data_dir / DATABASE_NAME)
    store = await SqliteStore.open(data_dir, durability="normal")
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    await store.submit(commit("s", append(part())))
    await store.close()


async def die_archiving(daemon: DaemonProcess, channel: grpc.aio.Channel) -> None:
    """Asks once, and sees the daemon die of it."""
    stub: Any = AdminServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as lost:
        await stub.ArchiveSession(admin_pb.ArchiveSessionRequest(session_id="s"), timeout=PATIENCE_SECONDS)
    assert grpc.StatusCode.UNAVAILABLE == lost.value.code()
    assert -signal.SIGKILL == await asyncio.to_thread(daemon.process.wait, PATIENCE_SECONDS)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("failpoint", [*COMMITTED, *NOT_COMMITTED])
async def test_tails_end_after_the_daemon_died_archiving(tmp_path: Path, failpoint: str) -> None:
    """Those that were not told find no session later; where nothing was stored they go on until there is an archive."""
    await prepare(tmp_path / "data")
    history = SessionHistory("s")
    with DaemonProcess(tmp_path, command=[sys.executable, "-m", "tests.faults.dying_daemon", failpoint, "1"]) as dying:
        async with (
            AsyncSessionStore(dying.address) as client,
            grpc.aio.insecure_channel(dying.address, options=RECONNECTING) as channel,
            asyncio.timeout(PATIENCE_SECONDS),
        ):
            by_stub = follow(SessionStoreServiceStub(channel), history, TailHistory())
            tails = [asyncio.create_task(tail) for tail in (by_stub, follow_by_library(client, history))]
            while [1, 1] != [len(tail.batches) for tail in history.tails]:
                await asyncio.sleep(0.01)
            history.send(ARCHIVED)
            await die_archiving(dying, channel)
            with DaemonProcess(tmp_path):
                archives = [archive.session.id async for archive in client.list_archives()]
                assert (["s"] if failpoint in COMMITTED else []) == archives
                # Whoever was not answered asks again.
                await insist(client.archive_session, "s")
                history.arrive(ARCHIVED)
                await asyncio.gather(*tails)
    assert ["", ""] == [tail.stayed_open for tail in history.tails]
    assert [True, True] == [ARCHIVED in look.seen for look in history.looks]
