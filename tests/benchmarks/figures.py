"""What is measured, and what the figures say: samples, medians, ratios and targets. Measures nothing itself."""

import math
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

__all__ = ["RATE", "Candidate", "Kind", "Limit", "Metric", "Report", "Run", "Target", "median_ratio", "percentile"]

Run = Callable[[], Awaitable[Mapping[str, float]]]
"""Does a piece of work once, and gives the value of each metric."""


class Kind(Enum):
    """What a candidate is to the others."""

    OURS = "ours"
    FLOOR = "floor"
    PEER = "peer"


@dataclass(frozen=True)
class Metric:
    """One number of a workload.

    Attributes:
        name: What it is, such as `p50`.
        unit: Its unit, as it is shown.
        lower_is_better: Whether it is a time; else it is a rate.
    """

    name: str
    unit: str
    lower_is_better: bool = False


RATE = Metric("rate", "events/s")


@dataclass(frozen=True)
class Target:
    """What the ratio of ours to another candidate is to reach.

    Attributes:
        against: The name of the other candidate.
        metric: The name of the metric.
        bound: The largest ratio where lower is better, else the smallest.
    """

    against: str
    metric: str
    bound: float


@dataclass(frozen=True)
class Limit:
    """What a value of ours is not to exceed, whatever others do.

    Attributes:
        metric: The name of the metric.
        bound: The largest value.
    """

    metric: str
    bound: float


@dataclass(frozen=True)
class Candidate:
    """One that does the work of a workload.

    Attributes:
        name: Who it is, as the table names it; the first one of ours is what the others are compared to.
        kind: Ours, a floor or a peer.
        run: Does the work once, and gives the value of each metric.
        note: What a reader has to know, such as a weaker durability.
    """

    name: str
    kind: Kind
    run: Run
    note: str = ""


@dataclass
class Report:
    """The figures of one workload.

    Attributes:
        targets: What the ratios of ours to others are to reach.
        limits: What the values of all of ours are not to exceed.
        samples: For each candidate and metric one value a round, in the order of the rounds.
        absent: The peers that did not take part, with the reason.
        failed: The peers that broke off, with the reason; what they had done before counts.
    """

    workload: str
    title: str
    metrics: Sequence[Metric]
    targets: Sequence[Target]
    limits: Sequence[Limit] = ()
    ours: str = ""
    kinds: dict[str, Kind] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def enter(self, candidate: Candidate) -> None:
        """Takes in a candidate. Raises ValueError when the name is taken."""
        if candidate.name in self.kinds:
            raise ValueError(f"two candidates are called {candidate.name!r}")
        if candidate.kind is Kind.OURS and not self.ours:
            self.ours = candidate.name
        self.kinds[candidate.name] = candidate.kind
        self.notes[candidate.name] = candidate.note
        self.samples[candidate.name] = {metric.name: [] for metric in self.metrics}

    def add(self, name: str, values: Mapping[str, float]) -> None:
        """Takes in what a candidate did in one round. Raises KeyError when a metric is missing."""
        for metric, samples in self.samples[name].items():
            samples.append(values[metric])

    def median(self, name: str, metric: str) -> float | None:
        """The median over the rounds; None when there is none."""
        samples = self.samples[name][metric]
        return statistics.median(samples) if samples else None

    def ratio(self, name: str, metric: str) -> float | None:
        """Ours to another, the median of the rounds' ratios; None where there is nothing to compare."""
        if not self.ours or self.kinds[name] is Kind.OURS:
            return None
        return median_ratio(self.samples[self.ours][metric], self.samples[name][metric])

    def bound(self, name: str, metric: str) -> float | None:
        """What the value of one of ours, or the ratio of ours to another, is held to, if anything."""
        if self.kinds[name] is Kind.OURS:
            return next((limit.bound for limit in self.limits if limit.metric == metric), None)
        return next((each.bound for each in self.targets if (each.against, each.metric) == (name, metric)), None)

    def is_met(self, name: str, metric: Metric) -> bool | None:
        """Whether the bound is kept; None without one, or without anything to hold to it."""
        bound = self.bound(name, metric.name)
        ours = self.kinds[name] is Kind.OURS
        figure = self.median(name, metric.name) if ours else self.ratio(name, metric.name)
        if bound is None or figure is None:
            return None
        return figure <= bound if ours or metric.lower_is_better else figure >= bound


def median_ratio(ours: Sequence[float], others: Sequence[float]) -> float | None:
    """The median of the ratios of those rounds in which both took part; None when there is none."""
    ratios = [one / other for one, other in zip(ours, others, strict=False) if other > 0]
    return statistics.median(ratios) if ratios else None


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that so many percent of all do not exceed. Raises ValueError when there is none."""
    if not samples:
        raise ValueError("no samples")
    return sorted(samples)[max(0, math.ceil(len(samples) * percent / 100) - 1)]
