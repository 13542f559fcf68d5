"""A run of the load, which is judged by what was seen until its end, however it ended."""

import asyncio
import signal
from pathlib import Path
from time import monotonic

from sessionstore import SessionStoreError
from tests.benchmarks.daemon import running_daemon
from tests.benchmarks.events import EVENT
from tests.faults.soak.load import run_load
from tests.faults.soak.samples import Sample, sampled, taken
from tests.faults.soak.verdict import violations

__all__ = ["run_soak"]

SAMPLES = 600
LEAST_INTERVAL_SECONDS = 0.25
PATIENCE_SECONDS = 60.0


async def run_soak(folder: Path, seconds: float) -> tuple[list[Sample], list[str]]:
    """The samples of a run of so many seconds, and what is wrong with them."""
    async with running_daemon(folder) as daemon:
        # With what the client that writes keeps open.
        await daemon.client.create_session(session_id="first")
        await daemon.client.append_event("first", EVENT)
        quiet = await taken(daemon.client, monotonic())
        interrupted = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, interrupted.set)
        end = monotonic() + seconds
        ended_by: list[str] = []
        samples: list[Sample] = []
        try:
            # What takes the samples fails with the daemon too, and says so at the end of its block.
            async with sampled(daemon.client, max(LEAST_INTERVAL_SECONDS, seconds / SAMPLES)) as samples:
                await run_load(daemon, lambda: interrupted.is_set() or monotonic() >= end)
        except* Exception as failed:  # noqa: BLE001 - whatever it is, the samples until then are kept
            ended_by = [f"the run was ended by {failure!r}" for failure in _single(failed)]
        finally:
            loop.remove_signal_handler(signal.SIGINT)
        found = ended_by + violations(samples)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (after := await taken(daemon.client, end - seconds)).tails or after.tasks > quiet.tasks + 1:
                    await asyncio.sleep(LEAST_INTERVAL_SECONDS)
        except SessionStoreError as error:
            found.append(f"the daemon did not tell what is left: {error}")
        except TimeoutError:
            found.append(f"{after.tails} tails and {after.tasks} tasks are left, {quiet.tasks} were there before")
        return samples, found


def _single(failed: BaseException) -> list[BaseException]:
    """What a group of exceptions consists of, however deep."""
    if isinstance(failed, BaseExceptionGroup):
        return [single for inner in failed.exceptions for single in _single(inner)]
    return [failed]
