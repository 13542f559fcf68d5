"""What a soak finds in its samples."""

from dataclasses import replace

from tests.faults.soak.samples import Sample
from tests.faults.soak.verdict import violations

STEADY = [Sample(10.0 * number, 70, 30, 80, 10, 9, 4, 100 * number) for number in range(100)]


def changed(**slopes: float) -> list[Sample]:
    """The steady samples, with fields that grow by so much from each to the next."""
    return [
        replace(sample, **{name: getattr(sample, name) + slope * number for name, slope in slopes.items()})
        for number, sample in enumerate(STEADY)
    ]


def test_a_steady_daemon_is_well() -> None:
    """Nothing is found where nothing grows."""
    assert [] == violations(STEADY)


def test_what_grows_is_told() -> None:
    """Descriptors, tasks and memory, each by itself."""
    assert ["descriptors grew from 67 to 117"] == violations(changed(descriptors=1))
    assert ["tasks grew from 117 to 167"] == violations(changed(tasks=1))
    assert ["memory grows by 0.60 MB a minute"] == violations(changed(memory_mb=0.1))
    assert [] == violations(changed(memory_mb=0.05))


def test_the_log_is_bounded_while_tails_are_open() -> None:
    """And a run without tails proves nothing."""
    assert ["the log had 108 MB while tails were open, more than 64"] == violations(changed(wal_mb=1))
    (found,) = violations([replace(sample, tails=0) for sample in STEADY])
    assert "no tail was open" in found


def test_the_memory_of_a_short_run_is_not_judged() -> None:
    """A process that has just begun gets what it is going to keep."""
    assert [] == violations([replace(sample, seconds=sample.seconds / 10) for sample in changed(memory_mb=0.1)])


def test_a_run_that_ended_at_once_proves_nothing() -> None:
    """Which is told as a violation."""
    assert ["3 samples tell of nothing"] == violations(STEADY[:3])
