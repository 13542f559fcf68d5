"""The table and the JSON hold what was measured, and who was not there."""

import json

from tests.benchmarks.figures import RATE, Candidate, Kind, Limit, Metric, Report, Target
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.table import as_json, as_markdown, as_table

FACTS = {"cores": 2, "kernel": "k", "file_system": "fs", "python": "3", "sqlite": "3", "date": "today"}


async def nothing() -> dict[str, float]:
    """Does no work."""
    return {}


def filled() -> Report:
    """A workload with everything in it."""
    made = Report("appends", "many at once", (RATE,), (Target("etcd", RATE.name, 2.0), Target("redis", RATE.name, 1.0)))
    for name, kind in (("sessiond", Kind.OURS), ("floor", Kind.FLOOR), ("etcd", Kind.PEER), ("redis", Kind.PEER)):
        made.enter(Candidate(name, kind, nothing, f"note of {name}"))
    for name, values in {"sessiond": [1000.0, 3000.0], "floor": [8000.0, 8000.0], "etcd": [500.0, 1000.0]}.items():
        for value in values:
            made.add(name, {RATE.name: value})
    made.failed["redis"] = "ConnectionError: gone"
    made.absent["nats"] = "nats-server is not installed"
    return made


def row(table: str, name: str) -> str:
    """The line of one candidate."""
    (found,) = (line for line in table.splitlines() if line.strip().startswith((f"rate  {name}", f"{name}: ")))
    return " ".join(found.split())


def test_the_table_has_a_row_for_everybody() -> None:
    """Also for those that broke and those that are not here, with the reason."""
    table = as_table([filled()], FACTS, Sizes())
    assert "rate sessiond 2,000 events/s note of sessiond" == row(table, "sessiond")
    assert "rate floor 8,000 events/s 0.25 note of floor" == row(table, "floor")
    assert "rate etcd 750 events/s 2.50 ≥ 2 yes note of etcd" == row(table, "etcd")
    assert "rate redis - events/s ≥ 1 FAILED: ConnectionError: gone" == row(table, "redis")
    assert "nats: absent: nats-server is not installed" == row(table, "nats")


def test_a_limit_stands_beside_our_own_value() -> None:
    """It is the most that is allowed, whatever the metric."""
    made = Report("memory", "how much", (Metric("peak", "MB", lower_is_better=True),), (), (Limit("peak", 150.0),))
    made.enter(Candidate("sessiond", Kind.OURS, nothing))
    made.add("sessiond", {"peak": 169.0})
    assert "| memory, peak | sessiond | 169 MB |  | ≤ 150 | NO |" in as_markdown([made]).splitlines()


def test_a_table_of_nothing_is_a_head() -> None:
    """No workload was asked for."""
    assert "ratio" in as_table([], FACTS, Sizes())


def test_the_page_has_the_same_figures() -> None:
    """One row for each candidate and metric."""
    assert "| appends, rate | etcd | 750 events/s | 2.50 | ≥ 2 | yes |" in as_markdown([filled()]).splitlines()


def test_the_json_keeps_all_samples() -> None:
    """Who doubts a median can look."""
    result = json.loads(json.dumps(as_json([filled()], FACTS, Sizes(), {"etcd": "3"})))
    (workload,) = result["workloads"]
    candidates = {candidate["name"]: candidate for candidate in workload["candidates"]}
    (figure,) = candidates["etcd"]["figures"]
    assert [500.0, 1000.0] == figure["samples"]
    assert (2.5, 2.0, True) == (figure["ratio"], figure["target"], figure["met"])
    assert {"nats": "nats-server is not installed"} == workload["absent"]
    assert 5 == result["sizes"]["rounds"]
