"""What the JSON of a run says of us and the others, as lines of a picture: how many times as fast we are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

__all__ = ["Comparison", "comparisons"]


@dataclass(frozen=True)
class Comparison:
    """Us beside another at one metric.

    Attributes:
        workload: What was done.
        label: The metric and the other.
        is_floor: Whether the other is a floor, and not a peer.
        speed: How many times as fast we are.
        target: How many times as fast we are to be, if anything.
        met: Whether we are; None without a target.
    """

    workload: str
    label: str
    is_floor: bool
    speed: float
    target: float | None
    met: bool | None


def comparisons(result: Mapping[str, Any]) -> list[Comparison]:
    """All that was compared, by workload; a metric that is neither the first nor has a target is left out."""
    return [each for workload in result["workloads"] for each in _of(workload)]


def _of(workload: Mapping[str, Any]) -> Iterator[Comparison]:
    others = [candidate for candidate in workload["candidates"] if candidate["kind"] != "ours"]
    figures = [(number, figure, other) for other in others for number, figure in enumerate(other["figures"])]
    figures.sort(key=lambda each: each[0])
    for number, group in groupby(figures, key=lambda each: each[0]):
        of_metric = [(figure, other) for _, figure, other in group]
        if number and not any(figure["target"] for figure, _ in of_metric):
            continue
        for figure, other in of_metric:
            if figure["ratio"]:
                yield _comparison(workload["workload"], figure, other)


def _comparison(workload: str, figure: Mapping[str, Any], other: Mapping[str, Any]) -> Comparison:
    # The ratio of two times is the other way round than that of two rates.
    power = -1 if figure["lower_is_better"] else 1
    return Comparison(
        workload=workload,
        label=f"{other['name']}, {figure['name']}",
        is_floor=other["kind"] == "floor",
        speed=figure["ratio"] ** power,
        target=None if figure["target"] is None else figure["target"] ** power,
        met=figure["met"],
    )
