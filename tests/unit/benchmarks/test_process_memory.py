"""The memory of a process, and what counts as growth."""

import os
from pathlib import Path

import pytest

from tests.benchmarks.process_memory import Sample, growth_a_minute, peak_mb, resident_mb, sampled


def test_growth_is_the_slope_after_the_settling() -> None:
    """What a process takes once, at its start, is no growth."""
    settling = [Sample(float(second), 60.0 + second) for second in range(10)]
    steady = [Sample(float(second), 80.0 + second * 0.1) for second in range(10, 40)]
    assert 6.0 == pytest.approx(growth_a_minute(settling + steady))


def test_what_goes_up_and_down_does_not_grow() -> None:
    """Memory that is given back was not kept."""
    samples = [Sample(float(second), 80.0 + second % 2) for second in range(102)]
    assert 0.0 == pytest.approx(growth_a_minute(samples), abs=1e-6)


def test_two_samples_are_needed_after_the_settling() -> None:
    """One tells of no growth."""
    with pytest.raises(ValueError, match="1 samples"):
        growth_a_minute([Sample(0.0, 1.0)])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells it so")
async def test_a_process_has_memory_now_and_had_as_much_at_least_once() -> None:
    """The last sample is taken when the block ends."""
    async with sampled(os.getpid(), 10.0) as samples:
        assert 0 < resident_mb(os.getpid()) <= peak_mb(os.getpid())
        before = len(samples)
    assert before + 1 == len(samples)
