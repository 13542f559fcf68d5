"""The memory of a process as Linux tells it, and whether it grows."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression
from time import monotonic

from tests.benchmarks.sampling import sampling

__all__ = ["Sample", "growth_a_minute", "peak_mb", "resident_mb", "sampled"]

BYTES_A_MB = 1_000_000
SETTLING = 0.25
"""The part of the samples, from the first on, in which a process still gets what it is going to keep."""


@dataclass(frozen=True)
class Sample:
    """The memory at a time."""

    seconds: float
    mb: float


def resident_mb(pid: int) -> float:
    """What a process has in memory now, in megabytes."""
    return _status(pid, "VmRSS")


def peak_mb(pid: int) -> float:
    """The most that it ever had."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) * 1024 / BYTES_A_MB
    raise RuntimeError(f"process {pid} has no {name}; has it ended?")


@asynccontextmanager
async def sampled(pid: int, every_seconds: float) -> AsyncIterator[list[Sample]]:
    """The samples of a process, of which there are more and more while the block runs, and one at its end."""

    async def take() -> Sample:
        return Sample(monotonic(), resident_mb(pid))

    async with sampling(take, every_seconds) as samples:
        yield samples
    samples.append(await take())


def growth_a_minute(samples: Sequence[Sample]) -> float:
    """The slope of the line of least squares through the samples after the settling. Raises ValueError for too few."""
    settled = samples[int(len(samples) * SETTLING) :]
    if len(settled) < 2:
        raise ValueError(f"{len(samples)} samples tell of no growth")
    line = linear_regression([each.seconds for each in settled], [each.mb for each in settled])
    return line.slope * 60
