"""A soak that ends before its time: what it has seen until then is judged and kept."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from sessionstore import AsyncSessionStore, SessionStoreError
from tests.benchmarks.daemon import Daemon
from tests.faults.soak import running
from tests.faults.soak import samples as samples_module
from tests.faults.soak.load import Over, run_load
from tests.faults.soak.samples import Sample


async def test_an_interrupt_ends_it_with_what_was_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The load goes on until then, and nothing is left of it."""
    begun = asyncio.Event()

    async def noted(daemon: Daemon, over: Over) -> None:
        begun.set()
        await run_load(daemon, over)

    monkeypatch.setattr(running, "run_load", noted)
    soak = asyncio.create_task(running.run_soak(tmp_path, 3600))
    await begun.wait()
    os.kill(os.getpid(), signal.SIGINT)
    samples, found = await soak
    assert samples
    assert not any("are left" in each for each in found)


async def test_a_call_that_fails_is_a_violation_and_keeps_the_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each failure is told once, however deep in the groups of tasks."""

    async def failing(_daemon: Daemon, _over: Over) -> None:
        raise ExceptionGroup("outer", [OSError("one"), ExceptionGroup("inner", [ValueError("two")])])

    monkeypatch.setattr(running, "run_load", failing)
    samples, found = await running.run_soak(tmp_path, 1)
    assert ["the run was ended by OSError('one')", "the run was ended by ValueError('two')"] == found[:2]
    assert samples


async def test_a_daemon_that_died_keeps_the_samples_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is there to be asked for the next sample, nor to tell what is left open."""
    unanswered = asyncio.Event()
    original = samples_module.taken

    async def noted(client: AsyncSessionStore, began: float) -> Sample:
        try:
            return await original(client, began)
        except SessionStoreError:
            unanswered.set()
            raise

    async def killing(daemon: Daemon, _over: Over) -> None:
        os.kill(daemon.pid, signal.SIGKILL)
        await unanswered.wait()

    monkeypatch.setattr(samples_module, "taken", noted)
    monkeypatch.setattr(running, "run_load", killing)
    samples, found = await running.run_soak(tmp_path, 1)
    assert samples
    assert found[0].startswith("the run was ended by ServerUnavailableError")
    assert found[-1].startswith("the daemon did not tell what is left: ")
