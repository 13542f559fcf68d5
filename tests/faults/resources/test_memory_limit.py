"""A daemon that may take no more memory: it refuses, or dies and is started again, and never answers wrongly."""

import asyncio
import resource
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path

import grpc
import pytest

from tests.faults.resources.caller import Caller, caller
from tests.integration.process import DaemonProcess

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of other processes need Linux")

MEBIBYTE = 1024 * 1024
WRONG = {grpc.StatusCode.DATA_LOSS, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}
"""What missing memory must not be taken for."""


def allow(daemon: DaemonProcess, more_bytes: int) -> None:
    """Lets the daemon take so much more address space than it has."""
    pages = int(Path(f"/proc/{daemon.process.pid}/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + more_bytes
    resource.prlimit(daemon.process.pid, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


async def outcome(call: Awaitable[object]) -> grpc.StatusCode:
    """The status of a call."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@pytest.mark.parametrize("mebibytes", [10, 40])
async def test_what_was_acknowledged_outlives_a_lack_of_memory(tmp_path: Path, mebibytes: int) -> None:
    """Large writes and large reads at once: each is done whole or refused, whatever becomes of the process."""
    stored = [f"e{number}" for number in range(10)]
    appended = [f"large{number}" for number in range(20)]
    reads: list[list[str]] = []
    with DaemonProcess(tmp_path) as daemon:
        async with caller(daemon.address) as client:
            await client.create("s")
            for name in stored:
                await client.append("s", name, "x" * 900_000)
            allow(daemon, mebibytes * MEBIBYTE)

            async def read() -> None:
                reads.append(await client.event_ids("s"))

            writes = [outcome(client.append("s", name, "y" * 3_500_000)) for name in appended]
            outcomes = await asyncio.gather(*writes, *(outcome(read()) for _ in range(10)))
            assert [] == [code for code in outcomes if code in WRONG]
            assert Counter(outcomes)[grpc.StatusCode.OK] < len(outcomes)
            acknowledged = {name for name, code in zip(appended, outcomes, strict=False) if code == grpc.StatusCode.OK}
        # It is dead, or about to be, or goes on; only its own answer tells that it goes on.
        if daemon.process.poll() is None:
            resource.prlimit(daemon.process.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        async with caller(daemon.address) as client:
            goes_on = await outcome(client.wait_for_health(serving=True)) == grpc.StatusCode.OK
        if not goes_on:
            daemon.process.communicate()
            daemon.start()
        async with caller(daemon.address) as client:
            await client.wait_for_health(serving=True)
            found = await client.event_ids("s")
            assert len(set(found)) == len(found)
            assert {*stored, *acknowledged} <= set(found)
            assert all(found[: len(seen)] == seen and seen[: len(stored)] == stored for seen in reads)
            # A repeat is recognized whatever was answered, and the rest is stored now.
            await _repeat(client, appended)
            assert sorted([*stored, *appended]) == sorted(await client.event_ids("s"))


async def _repeat(client: Caller, appended: list[str]) -> None:
    for name in appended:
        await client.append("s", name, "y" * 3_500_000)
