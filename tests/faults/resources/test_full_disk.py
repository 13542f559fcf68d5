"""A disk that is full, and has room again: a file system of a few MiB that the daemon has for itself."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.builders import append, commit, part
from tests.faults.resources.caller import Caller, caller
from tests.faults.resources.failing_daemon import SmallDisk, may_mount

FULL = "RESOURCE_EXHAUSTED STORAGE_FULL"
TEXT = "x" * 100_000


pytestmark = pytest.mark.skipif(not may_mount(), reason="the kernel lets nobody mount a small file system here")


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[SmallDisk]:
    """A running daemon on a disk of 40 MiB."""
    with SmallDisk(tmp_path, "40m") as made, made.daemon:
        yield made


@pytest.fixture
async def client(disk: SmallDisk) -> AsyncIterator[Caller]:
    """A client of that daemon, and two sessions with an event each."""
    async with caller(disk.daemon.address) as connected:
        for session_id in ("kept", "deleted"):
            await connected.create(session_id)
            await connected.append(session_id, "first")
        yield connected


async def test_a_full_disk_refuses_writes_and_loses_nothing(disk: SmallDisk, client: Caller) -> None:
    """What was acknowledged is there, and reads go on."""
    acknowledged = [*await client.fill("kept", TEXT), *await client.fill("kept", "x")]
    await client.wait_for_health(serving=False)
    assert ["first", *acknowledged] == await client.event_ids("kept")
    assert FULL == await client.refusal(client.create("another"))


async def test_a_daemon_starts_on_a_full_disk(disk: SmallDisk, client: Caller) -> None:
    """After a crash on a full disk it reads, and deletes."""
    acknowledged = await client.fill("kept", TEXT)
    disk.fill()
    disk.daemon.stop(signal.SIGKILL)
    disk.daemon.start()
    async with caller(disk.daemon.address) as again:
        assert ["first", *acknowledged] == await again.event_ids("kept")
        await again.delete("kept")
        await again.create("kept")


async def test_deleting_makes_room_on_a_full_disk(disk: SmallDisk, client: Caller) -> None:
    """A deletion is not refused for want of the room that it would free, and what it freed can be written."""
    deleted = await client.fill("deleted", TEXT)
    await client.fill("deleted", "x")
    assert 0 == disk.free_bytes
    await client.wait_for_health(serving=False)
    assert FULL == await client.refusal(client.append("kept", "refused"))
    await client.delete("deleted")
    await client.wait_for_health(serving=True)
    written = await client.fill("kept", TEXT)
    assert len(written) > len(deleted) // 2
    assert ["first", *written] == await client.event_ids("kept")
    await client.delete("kept")


async def test_room_that_somebody_else_frees_is_used_without_being_told(disk: SmallDisk, client: Caller) -> None:
    """The daemon finds out by itself, and keeps room for deletions again."""
    disk.fill()
    assert FULL == await client.refusal(_append_large(client))
    await client.wait_for_health(serving=False)
    disk.free()
    await client.wait_for_health(serving=True)
    await _append_large(client)
    assert ["first", "large"] == await client.event_ids("kept")


async def _append_large(client: Caller) -> None:
    await client.append("kept", "large", "x" * 3_000_000)


async def test_a_copy_that_there_is_no_room_for_is_told(disk: SmallDisk, client: Caller) -> None:
    """Many tool calls wait in a file while they are answered; other reads go on."""
    calls = [f"c{number}" for number in range(5)]
    for name in calls:
        await client.create_tool_call("kept", name, 700_000)
    disk.fill()
    assert "UNAVAILABLE STORAGE_UNAVAILABLE" == await client.refusal(client.tool_call_ids("kept"))
    assert ["first"] == await client.event_ids("kept")
    disk.free()
    assert calls == await client.tool_call_ids("kept")


async def test_trimming_makes_room_on_a_full_disk(disk: SmallDisk, client: Caller) -> None:
    """As deleting does."""
    written = await client.fill("kept", TEXT)
    await client.trim("kept", len(written))
    await client.wait_for_health(serving=True)
    await client.append("kept", "last", TEXT)
    assert ["last"] == (await client.event_ids("kept"))[-1:]


async def test_a_deletion_that_changes_more_than_there_is_room_for_is_done(tmp_path: Path) -> None:
    """It goes in pieces, and there is room when it is answered."""
    with SmallDisk(tmp_path, "60m") as disk, disk.daemon:
        async with caller(disk.daemon.address) as client:
            # Their rows share pages, so that a deletion changes more of them.
            for session_id in ("one", "other"):
                await client.create(session_id)
            await _fill_in_turns(client)
            disk.fill()
            assert FULL == await client.refusal(client.append("other", "refused", TEXT * 30))
            await client.delete("one")
            await client.append("other", "last", TEXT * 30)
            assert ["last"] == (await client.event_ids("other"))[-1:]


async def _fill_in_turns(client: Caller) -> None:
    """Appends to both sessions until there is no room."""
    few = [append(part("x" * 1000)) for _ in range(3)]
    requests = [commit(session_id, *few) for session_id in ("one", "other")] * 50
    refused: set[str] = set()
    while refused <= {"nothing"}:
        refused = set(await asyncio.gather(*(client.refusal(client.stub.Commit(request)) for request in requests)))
    assert {"nothing", FULL} >= refused
