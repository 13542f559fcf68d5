"""Draws the ratios of a run as one picture, from its JSON.

    python -m tests.benchmarks.plot figures.json performance.svg

The ending of the file chooses the format. matplotlib is of the group `figures`, and only this file knows it.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter

from tests.benchmarks.comparisons import Comparison, comparisons

__all__ = ["draw"]

COLORS = {True: "#1a7f37", False: "#c62828", None: "#616161"}
"""By whether a target is met."""

TIMES = "\N{MULTIPLICATION SIGN}"

LEAST_SPEEDS = (0.09, 11.0)
"""What the axis shows at least: enough of it that it has several numbers."""

WIDTH_INCHES = 9.5
LINE_INCHES = 0.21
EDGES_INCHES = 1.3

# The same run gives the same file, which keeps its history small.
mpl.rcParams["svg.hashsalt"] = "sessiond"
# As text, which can be searched, and makes the file half as large.
mpl.rcParams["svg.fonttype"] = "none"


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Draws all comparisons of a run. Raises ValueError when nothing was compared."""
    found = comparisons(result)
    if not found:
        raise ValueError("nothing of this run was compared with anything: there is nothing to draw")
    places = _places(found)
    height_inches = EDGES_INCHES + LINE_INCHES * max(places)
    figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    for place, each in zip(places, found, strict=True):
        axes.plot([1, each.speed], [place, place], color=COLORS[each.met], linewidth=1.2, alpha=0.5)
        axes.plot(each.speed, place, marker="s" if each.is_floor else "o", color=COLORS[each.met], markersize=5)
        if each.target is not None:
            axes.plot(each.target, place, marker="|", color="black", markersize=11, markeredgewidth=1.8)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, LEAST_SPEEDS[0]), max(high, LEAST_SPEEDS[1]))
    _label(axes, found, places)
    figure.legend(handles=_legend(), loc="outside upper center", ncols=5, fontsize=8, frameon=False)
    metadata = {"Date": None} if path.suffix == ".svg" else None
    figure.savefig(path, metadata=metadata, dpi=110)


def _places(found: Sequence[Comparison]) -> list[int]:
    """The line of each comparison, with one for the name of each workload before its first."""
    places: list[int] = []
    line = 0
    for number, each in enumerate(found):
        line += 2 if number == 0 or found[number - 1].workload != each.workload else 1
        places.append(line)
    return places


def _label(axes: Any, found: Sequence[Comparison], places: Sequence[int]) -> None:
    axes.set_ylim(max(places) + 0.8, 0.3)
    axes.set_yticks(places, [each.label for each in found], fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}{TIMES}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="x", which="major", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("how many times as fast sessiond is: to the right of 1 it is the faster one", fontsize=9)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    beside = axes.get_yaxis_transform()
    named: set[str] = set()
    for place, each in zip(places, found, strict=True):
        axes.text(
            1.01, place, f"{each.speed:.2f}{TIMES}", transform=beside, va="center", fontsize=8, color=COLORS[each.met]
        )
        if each.workload not in named:
            named.add(each.workload)
            axes.text(
                -0.01, place - 1, each.workload, transform=beside, va="center", ha="right", fontsize=9, weight="bold"
            )


def _legend() -> list[Line2D]:
    dot = {"linestyle": "none", "markersize": 6}
    return [
        Line2D([], [], marker="o", color="#616161", label="beside a peer", **dot),
        Line2D([], [], marker="s", color="#616161", label="beside a floor, or fewer data", **dot),
        Line2D([], [], marker="|", color="black", label="target", linestyle="none", markersize=11, markeredgewidth=1.8),
        Line2D([], [], marker="o", color=COLORS[True], label="target met", **dot),
        Line2D([], [], marker="o", color=COLORS[False], label="target missed", **dot),
    ]


def main() -> int:
    """Draws from the command line."""
    if len(sys.argv) != 3:
        sys.stderr.write("usage: python -m tests.benchmarks.plot FIGURES.json PICTURE.svg\n")
        return 2
    draw(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
