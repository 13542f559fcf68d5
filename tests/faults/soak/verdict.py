"""Decides from the samples of a run whether something grows."""

from collections.abc import Sequence
from statistics import median

from tests.benchmarks import process_memory
from tests.benchmarks.process_memory import SETTLING, growth_a_minute
from tests.faults.soak.samples import Sample

__all__ = ["JUDGED_SECONDS", "memory_growth", "violations"]

MOST_WAL_MB = 64.0
"""The log is begun anew long before, unless somebody keeps it from that."""

MOST_GROWTH_MB_A_MINUTE = 0.5
"""What counts as flat in the benchmark too."""

JUDGED_SECONDS = 300.0
"""In less, a process still settles, and its memory tells of nothing else."""

LEAST_SAMPLES = 4
"""One of each quarter."""

SLACK = 1.1
SLACK_COUNT = 5


def violations(samples: Sequence[Sample]) -> list[str]:
    """What grows, or is not bounded."""
    if len(samples) < LEAST_SAMPLES:
        return [f"{len(samples)} samples tell of nothing"]
    found = []
    followed = [sample for sample in samples if sample.tails]
    if not followed:
        found.append("no tail was open, so that nothing was seen of the log while there are some")
    elif (most := max(sample.wal_mb for sample in followed)) > MOST_WAL_MB:
        found.append(f"the log had {most:.0f} MB while tails were open, more than {MOST_WAL_MB:.0f}")
    for name in ("descriptors", "tasks"):
        early, late = _early_and_late([float(getattr(sample, name)) for sample in samples])
        if late > early * SLACK + SLACK_COUNT:
            found.append(f"{name} grew from {early:.0f} to {late:.0f}")
    growth = memory_growth(samples)
    if samples[-1].seconds >= JUDGED_SECONDS and growth > MOST_GROWTH_MB_A_MINUTE:
        found.append(f"memory grows by {growth:.2f} MB a minute")
    return found


def memory_growth(samples: Sequence[Sample]) -> float:
    """In megabytes a minute, after the settling; none where it ended before there was anything to compare."""
    if len(samples) < LEAST_SAMPLES:
        return 0.0
    return growth_a_minute([process_memory.Sample(sample.seconds, sample.memory_mb) for sample in samples])


def _early_and_late(values: Sequence[float]) -> tuple[float, float]:
    """The medians of the quarter after the settling, and of the last."""
    quarter = max(1, int(len(values) * SETTLING))
    return median(values[quarter : 2 * quarter] or values), median(values[-quarter:])
