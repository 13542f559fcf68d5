"""What is compared on a filled database, and by which targets."""

import pytest

from tests.benchmarks.sizes import Sizes
from tests.benchmarks.workloads import fan_out, single_append, tail_latency
from tests.benchmarks.workloads.registry import WORKLOADS
from tests.benchmarks.workloads.scale import EMPTY, PREFIX, SCALED, targets


def test_every_workload_is_compared() -> None:
    """One that is added must not be forgotten here."""
    measured = {workload.name for workload in WORKLOADS if workload.targets}
    others = {"scale-listing", "scale-start-up"}
    assert {workload.name for workload, _ in SCALED} == {name for name in measured if not name.startswith(PREFIX)}
    assert {name for name in measured if name.startswith(PREFIX)} == others | {
        f"{PREFIX}{workload.name}" for workload, _ in SCALED
    }


def test_a_time_may_grow_by_a_quarter_and_a_rate_may_shrink_as_much() -> None:
    """What has a target beside others has one here; how many events come in a frame is nobody's merit."""
    assert [("p50", 1.25)] == [(target.metric, target.bound) for target in targets(single_append.WORKLOAD)]
    assert ["p50", "p99"] == [target.metric for target in targets(tail_latency.WORKLOAD)]
    (target,) = targets(fan_out.ONE_SESSION)
    assert (EMPTY, "deliveries", 0.8) == (target.against, target.metric, target.bound)


@pytest.mark.parametrize(("sessions", "events"), [(999, 5000), (2000, 1999)])
def test_a_filled_database_is_large_enough_for_full_pages(sessions: int, events: int) -> None:
    """A page that is not full would be compared with one that is."""
    with pytest.raises(ValueError, match="1,000 sessions at least"):
        Sizes(scale_sessions=sessions, scale_events=events)
