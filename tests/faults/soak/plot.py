"""Draws the samples of a run, one picture of four curves. matplotlib is of the group `figures`."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from tests.faults.soak.samples import Sample

__all__ = ["draw"]

CURVES = {
    "memory_mb": "memory, MB",
    "descriptors": "descriptors",
    "wal_mb": "log (WAL), MB",
    "lag_ms": "event loop, latest, ms",
}
COLOR = "#1f5fa8"

mpl.rcParams["svg.fonttype"] = "none"


def draw(samples: Sequence[Sample], picture: Path) -> None:
    """The ending of the file chooses the format."""
    figure = Figure(figsize=(9, 8), layout="constrained")
    minutes = [sample.seconds / 60 for sample in samples]
    plots = figure.subplots(len(CURVES), 1, sharex=True)
    for plot, (name, label) in zip(plots, CURVES.items(), strict=True):
        plot.plot(minutes, [getattr(sample, name) for sample in samples], color=COLOR, linewidth=1)
        plot.set_ylabel(label)
        plot.set_ylim(bottom=0)
        plot.grid(visible=True, alpha=0.3)
    plots[-1].set_xlabel("minutes")
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture)
