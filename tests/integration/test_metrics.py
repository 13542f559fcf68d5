"""What the daemon tells of itself to those who look after it."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sessionstore import AsyncSessionStore, errors
from sessionstore.v1.admin_service_pb2 import GetServerMetricsResponse
from tests.builders import append, commit, part
from tests.integration.process import DaemonProcess, run_command


async def test_what_was_done_is_counted(client: AsyncSessionStore) -> None:
    """Writes, the transactions that they shared, events, frames and refusals, each since the start."""
    before = await client.get_server_metrics()
    assert (0, 0, 0, 0, {}) == (before.writes, before.groups, before.events, before.frames, dict(before.refusals))
    await client.create_session(session_id="s")
    async for _ in client.write([commit("s", append(part()), append(part()))] * 3):
        pass
    assert 6 == len([event async for event in client.tail("s", follow=False)])
    for _ in range(2):
        with pytest.raises(errors.SessionNotFoundError):
            await client.get_session("other")
    after = await client.get_server_metrics()
    assert (4, 6, {"SESSION_NOT_FOUND": 2}) == (after.writes, after.events, dict(after.refusals))
    assert 2 <= after.groups <= 4
    assert after.frames >= 2
    assert after.wal_bytes > 0


async def test_what_is_open_is_told_until_it_ends(client: AsyncSessionStore) -> None:
    """Tails, streams and calls; a daemon that has nothing to do has no transaction open, and nothing waits."""
    await client.create_session(session_id="s")
    await client.append_event("s", part())
    quiet = await client.get_server_metrics()
    assert (0, 1, 2) == (quiet.open_tails, quiet.open_write_streams, quiet.open_calls)
    async with client.tail("s") as tail:
        await anext(tail)
        busy = await client.get_server_metrics()
        assert (1, 1, 3) == (busy.open_tails, busy.open_write_streams, busy.open_calls)
        assert busy.tasks > quiet.tasks
    await until(client, lambda found: found.open_calls == 2 and found.tasks == quiet.tasks)
    last = await client.get_server_metrics()
    assert 0 == last.open_tails + last.waiting_writes + last.waiting_bytes + last.readers_busy
    assert 0 == last.read_transactions + last.write_transactions
    assert (True, True) == (last.resident_memory_bytes > 1_000_000, last.open_descriptors > 5)


async def until(client: AsyncSessionStore, reached: Callable[[GetServerMetricsResponse], bool]) -> None:
    """Waits for a condition of the metrics."""
    while not reached(await client.get_server_metrics()):
        pass


async def test_a_connection_that_ends_gives_its_descriptor_back(tmp_path: Path) -> None:
    """As the daemon itself counts them."""
    with DaemonProcess(tmp_path) as daemon:
        async with AsyncSessionStore(daemon.address) as client:
            first = (await client.get_server_metrics()).open_descriptors
            _, connection = await asyncio.open_unix_connection(daemon.address.removeprefix("unix:"))
            await until(client, lambda found: found.open_descriptors > first)
            connection.close()
            await connection.wait_closed()
            await until(client, lambda found: found.open_descriptors == first)


def test_the_command_prints_them(tmp_path: Path) -> None:
    """One line each for people, one object for scripts, with the figures that are 0."""
    with DaemonProcess(tmp_path) as daemon:
        shown = run_command("metrics", address=daemon.address)
        assert (0, "") == (shown.returncode, shown.stderr)
        lines = {line.rsplit("  ", 1)[0].strip(): line.split()[-2:] for line in shown.stdout.splitlines()}
        assert ["tails", "0"] == lines["open tails"]
        assert {"MB", "ms"} == {lines["resident memory"][1], lines["loop lag p99"][1]}
        run_command("show", "nothing", address=daemon.address)
        run_command("restore", "nothing", address=daemon.address)
        assert "refused: ARCHIVE_NOT_FOUND" in run_command("metrics", address=daemon.address).stdout
        scripted = json.loads(run_command("metrics", "--json", address=daemon.address).stdout)
        assert {field.name for field in GetServerMetricsResponse.DESCRIPTOR.fields} == set(scripted)
        assert {"ARCHIVE_NOT_FOUND": 1} == scripted["refusals"]
