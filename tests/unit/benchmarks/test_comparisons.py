"""The picture shows what was compared, and says faster where the table does."""

from collections.abc import Mapping

import pytest

from tests.benchmarks.comparisons import comparisons
from tests.benchmarks.figures import RATE, Candidate, Kind, Metric, Report, Target
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.table import as_json

P50 = Metric("p50", "ms", lower_is_better=True)
P99 = Metric("p99", "ms", lower_is_better=True)


async def nothing() -> Mapping[str, float]:
    """Does no work."""
    return {}


def report(*targets: Target, metrics: tuple[Metric, ...] = (P50, P99)) -> Report:
    """A workload in which we take two milliseconds, a floor one and a peer four; a second peer broke at once."""
    made = Report("w", "a workload", metrics, targets)
    for name, kind in (("o", Kind.OURS), ("f", Kind.FLOOR), ("p", Kind.PEER), ("broken", Kind.PEER)):
        made.enter(Candidate(name, kind, nothing))
    for name, value in (("o", 2.0), ("f", 1.0), ("p", 4.0)):
        made.add(name, {metric.name: value for metric in metrics})
    return made


def shown(made: Report) -> list[tuple[str, float, float | None, bool | None]]:
    """The lines of the picture."""
    result = as_json([made], {}, Sizes(), {})
    return [(each.label, each.speed, each.target, each.met) for each in comparisons(result)]


def test_half_the_time_is_twice_as_fast() -> None:
    """Times and rates point in one direction; who has no figures is not shown."""
    assert [("f, p50", 0.5, None, None), ("p, p50", 2.0, None, None)] == shown(report())
    assert [("f, rate", 2.0, None, None), ("p, rate", 0.5, None, None)] == shown(report(metrics=(RATE,)))


def test_a_target_is_turned_with_its_ratio() -> None:
    """A quarter more time is four fifths of the speed."""
    label, speed, target, met = shown(report(Target("p", "p50", 1.25)))[1]
    assert ("p, p50", 2.0, True) == (label, speed, met)
    assert 0.8 == pytest.approx(target)
    assert ("f, p50", 0.5, 1.0, False) == shown(report(Target("f", "p50", 1.0)))[0]


def test_a_further_metric_is_shown_where_it_has_a_target() -> None:
    """Then with all that it was measured beside; else the picture would be of details."""
    lines = shown(report(Target("p", "p99", 1.0)))
    assert ["f, p50", "p, p50", "f, p99", "p, p99"] == [label for label, *_ in lines]


def test_kinds_and_workloads_are_told() -> None:
    """The picture has a mark for each kind and a name for each workload."""
    found = comparisons(as_json([report()], {}, Sizes(), {}))
    assert [("w", True), ("w", False)] == [(each.workload, each.is_floor) for each in found]


def test_what_was_not_compared_is_not_shown() -> None:
    """The memory has limits, and nobody beside it."""
    made = Report("memory", "how much", (P50,), ())
    made.enter(Candidate("o", Kind.OURS, nothing))
    made.add("o", {"p50": 1.0})
    assert [] == shown(made)
