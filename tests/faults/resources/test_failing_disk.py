"""A disk that fails while the daemon runs: what it says, and that nothing acknowledged is lost."""

import errno
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sessionstore import AsyncSessionStore
from tests.faults.resources.caller import Caller, caller
from tests.faults.resources.failing_daemon import FailingDisk

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler (cc) for the failing disk")

UNAVAILABLE = "UNAVAILABLE STORAGE_UNAVAILABLE"
FULL = "RESOURCE_EXHAUSTED STORAGE_FULL"


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[FailingDisk]:
    """A running daemon on a disk that is well."""
    made = FailingDisk(tmp_path)
    with made.daemon:
        yield made


@pytest.fixture
async def client(disk: FailingDisk) -> AsyncIterator[Caller]:
    """A client of that daemon, and a session with one event."""
    async with caller(disk.daemon.address) as connected:
        await connected.create("s")
        await connected.append("s", "before")
        yield connected


@pytest.mark.parametrize(
    ("rule", "refusal"),
    [
        (f"sync {errno.EIO} -wal", UNAVAILABLE),
        (f"write {errno.EIO} -wal", UNAVAILABLE),
        (f"write {errno.EROFS} -wal", UNAVAILABLE),
        (f"write {errno.ENOSPC} -wal", FULL),
        (f"write {errno.EDQUOT} -wal", UNAVAILABLE),
    ],
)
async def test_a_disk_that_fails_refuses_writes_and_lets_reads_go_on(
    disk: FailingDisk, client: Caller, rule: str, refusal: str
) -> None:
    """A write that the disk does not take is refused, the health tells, reads go on, and all comes back by itself."""
    disk.fail(rule)
    assert refusal == await client.refusal(client.append("s", "refused"))
    await client.wait_for_health(serving=False)
    assert ["before"] == await client.event_ids("s")
    assert refusal == await client.refusal(client.create("another"))
    disk.heal()
    await client.wait_for_health(serving=True)
    assert [1, 2] == [await client.append("s", name) for name in ("refused", "after")]
    assert ["before", "refused", "after"] == await client.event_ids("s")


async def test_what_was_refused_can_be_repeated_with_its_id(disk: FailingDisk, client: Caller) -> None:
    """Whether or not the daemon dies in between, an id is stored once."""
    disk.fail(f"sync {errno.EIO} -wal")
    assert UNAVAILABLE == await client.refusal(client.append("s", "once"))
    disk.daemon.stop(signal.SIGKILL)
    disk.heal()
    disk.daemon.start()
    async with caller(disk.daemon.address) as again:
        await again.append("s", "once")
        assert ["before", "once"] == await again.event_ids("s")


async def test_a_tail_stays_open_while_the_disk_fails(disk: FailingDisk, client: Caller) -> None:
    """It gives each event once, those before and those after."""
    async with AsyncSessionStore(disk.daemon.address) as follower, follower.tail("s") as events:
        seen = [(await anext(events)).event_id]
        disk.fail(f"sync {errno.EIO} -wal")
        assert UNAVAILABLE == await client.refusal(client.append("s", "refused"))
        disk.heal()
        await client.wait_for_health(serving=True)
        await client.append("s", "after")
        seen.append((await anext(events)).event_id)
    assert ["before", "after"] == seen


async def test_a_checkpoint_that_fails_harms_nobody(tmp_path: Path) -> None:
    """The log grows until the database's file takes its content; nothing is refused, and nothing lost."""
    disk = FailingDisk(tmp_path)
    with disk.daemon:
        async with caller(disk.daemon.address) as client:
            await client.create("s")
            disk.fail(f"sync {errno.EIO} sessions.db", f"write {errno.ENOSPC} sessions.db")
            expected = [f"e-{number}" for number in range(30)]
            for name in expected:
                # Each fills some pages, so that checkpoints are due.
                await client.append("s", name, "x" * 600_000)
            await client.wait_for_health(serving=True)
            disk.heal()
            last = await client.append("s", "last", "x" * 600_000)
            assert 30 == last
            assert [*expected, "last"] == await client.event_ids("s")
        assert 0 == disk.daemon.stop()[0]


@pytest.mark.parametrize(("error", "refusal"), [(errno.EIO, "DATA_LOSS DATA_CORRUPTED"), (errno.ESTALE, UNAVAILABLE)])
async def test_what_cannot_be_read_is_told_and_can_be_read_later(
    disk: FailingDisk, client: Caller, error: int, refusal: str
) -> None:
    """A read that the disk refuses is never an empty answer; an input error stands for a damaged place of the disk."""
    await client.append("s", "large", "x" * 3_000_000)
    disk.daemon.stop()
    disk.daemon.start()
    async with caller(disk.daemon.address) as again:
        disk.fail(f"read {error} sessions.db", f"read {error} -wal")
        assert refusal == await again.refusal(again.event_ids("s"))
        await again.wait_for_health(serving=True)
        disk.heal()
        assert ["before", "large"] == await again.event_ids("s")


@pytest.mark.parametrize("seconds", [-86_400, 86_400])
async def test_a_clock_that_is_set_changes_no_order(disk: FailingDisk, client: Caller, seconds: int) -> None:
    """Sequences, tails and the order of updates do not depend on the time of day."""
    async with AsyncSessionStore(disk.daemon.address) as reader, reader.tail("s") as events:
        assert "before" == (await anext(events)).event_id
        updated_before = (await reader.get_session("s")).updated_at.ToMicroseconds()
        disk.fail(f"clock {seconds}")
        assert 1 == await client.append("s", "after")
        assert "after" == (await anext(events)).event_id
        updated_at = (await reader.get_session("s")).updated_at.ToMicroseconds()
        assert updated_at >= updated_before
        disk.heal()
        assert 2 == await client.append("s", "later")
        assert "later" == (await anext(events)).event_id
        assert (await reader.get_session("s")).updated_at.ToMicroseconds() >= updated_at
