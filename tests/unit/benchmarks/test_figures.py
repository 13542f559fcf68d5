"""Medians, ratios and targets say what the rounds said."""

import pytest

from tests.benchmarks.figures import RATE, Candidate, Kind, Limit, Metric, Report, Target, median_ratio, percentile

P50 = Metric("p50", "ms", lower_is_better=True)


async def nothing() -> dict[str, float]:
    """Does no work."""
    return {}


def report(metric: Metric, bound: float, ours: list[float], theirs: list[float]) -> Report:
    """A workload of us and one peer, with these samples."""
    made = Report("w", "a workload", (metric,), (Target("peer", metric.name, bound),))
    made.enter(Candidate("sessiond", Kind.OURS, nothing))
    made.enter(Candidate("peer", Kind.PEER, nothing))
    for value in ours:
        made.add("sessiond", {metric.name: value})
    for value in theirs:
        made.add("peer", {metric.name: value})
    return made


def test_the_ratio_is_the_median_of_the_rounds_and_not_of_all_samples() -> None:
    """A slow round slows both, and changes nothing."""
    made = report(RATE, 2.0, [30.0, 2.0, 20.0], [10.0, 1.0, 10.0])
    assert 20.0 == made.median("sessiond", RATE.name)
    assert 2.0 == made.ratio("peer", RATE.name)


@pytest.mark.parametrize(
    ("metric", "bound", "ours", "met"),
    [(RATE, 2.0, 20.0, True), (RATE, 2.0, 19.0, False), (P50, 1.4, 14.0, True), (P50, 1.4, 15.0, False)],
)
def test_a_rate_has_to_reach_its_target_and_a_time_must_not_exceed_it(
    metric: Metric, bound: float, ours: float, met: bool
) -> None:
    """The bound itself is good enough."""
    assert met is report(metric, bound, [ours], [10.0]).is_met("peer", metric)


def test_a_candidate_without_samples_has_no_ratio_and_meets_nothing() -> None:
    """A peer that broke in its first round is neither better nor worse."""
    made = report(RATE, 2.0, [1.0], [])
    assert made.median("peer", RATE.name) is None
    assert made.ratio("peer", RATE.name) is None
    assert made.is_met("peer", RATE) is None


def test_ours_is_not_compared_with_itself() -> None:
    """Neither is a second way of ours."""
    made = report(RATE, 2.0, [1.0], [1.0])
    made.enter(Candidate("sessiond, tail", Kind.OURS, nothing))
    made.add("sessiond, tail", {RATE.name: 2.0})
    assert "sessiond" == made.ours
    assert made.ratio("sessiond, tail", RATE.name) is None


@pytest.mark.parametrize(("mb", "met"), [(150.0, True), (151.0, False), (None, None)])
def test_a_limit_is_held_against_our_own_value(mb: float | None, met: bool | None) -> None:
    """The limit itself is good enough; what others do is neither here nor there."""
    peak = Metric("peak", "MB", lower_is_better=True)
    made = Report("w", "a workload", (peak,), (), limits=(Limit("peak", 150.0),))
    made.enter(Candidate("sessiond", Kind.OURS, nothing))
    made.enter(Candidate("peer", Kind.PEER, nothing))
    made.add("peer", {"peak": 1000.0})
    if mb is not None:
        made.add("sessiond", {"peak": mb})
    assert 150.0 == made.bound("sessiond", "peak")
    assert met is made.is_met("sessiond", peak)
    assert made.bound("peer", "peak") is None
    assert made.is_met("peer", peak) is None


def test_a_name_is_taken_once() -> None:
    """Two candidates cannot share their samples."""
    with pytest.raises(ValueError, match="two candidates"):
        report(RATE, 1.0, [], []).enter(Candidate("peer", Kind.FLOOR, nothing))


def test_a_round_lacks_no_metric() -> None:
    """What was not measured is an error, and not a gap."""
    with pytest.raises(KeyError):
        report(RATE, 1.0, [], []).add("peer", {"p50": 1.0})


def test_the_ratio_leaves_out_rounds_in_which_one_did_not_take_part() -> None:
    """A peer that broke after two of three rounds is compared over two."""
    assert 2.0 == median_ratio([2.0, 4.0, 100.0], [1.0, 2.0])
    assert median_ratio([], [1.0]) is None


@pytest.mark.parametrize(("percent", "expected"), [(1, 1.0), (50, 50.0), (99, 99.0), (100, 100.0)])
def test_a_percentile_is_a_sample_that_so_many_do_not_exceed(percent: float, expected: float) -> None:
    """Nothing is made up between two samples."""
    assert expected == percentile([float(n) for n in range(100, 0, -1)], percent)


def test_there_is_no_percentile_of_nothing() -> None:
    """An empty round is an error."""
    with pytest.raises(ValueError, match="no samples"):
        percentile([], 50)
