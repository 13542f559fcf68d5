"""The figures as a table to read, as one for a page, and as JSON to keep."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tests.benchmarks.figures import Kind, Metric, Report
from tests.benchmarks.sizes import Sizes

__all__ = ["as_json", "as_markdown", "as_table"]

Row = tuple[str, str, str, str, str, str, str]

_HEAD: Row = ("", "value", "unit", "ratio", "target", "met", "")


def as_table(reports: Sequence[Report], facts: Mapping[str, Any], sizes: Sizes) -> str:
    """All workloads, each with its candidates, absent ones included.

    The ratio is ours to theirs, the median of the rounds: above 1 we are faster where rates are compared, below 1 where
    times are.
    """
    machine = ", ".join(
        f"{name} {facts[name]}" for name in ("cores", "kernel", "file_system", "python", "sqlite", "date")
    )
    lines = [
        machine,
        ", ".join(f"{name} {value:,}" for name, value in asdict(sizes).items()),
        "ratio: ours to theirs, the median of the rounds' ratios",
    ]
    bodies = {report.workload: _body(report) for report in reports}
    everything = [_HEAD, *(row for body in bodies.values() for row in body)]
    widths = [max(len(row[column]) for row in everything) for column in range(len(_HEAD) - 1)]
    for report in reports:
        lines += ["", f"{report.workload}: {report.title}", _line(_HEAD, widths)]
        lines += [_line(row, widths) for row in bodies[report.workload]]
        lines += [f"  {name}: absent: {reason}" for name, reason in report.absent.items()]
    return "\n".join(lines) + "\n"


def as_markdown(reports: Iterable[Report]) -> str:
    """A table of all workloads, for a page of the documentation."""
    lines = ["| workload | | value | ratio | target | met |", "| --- | --- | --: | --: | --: | --- |"]
    for report in reports:
        for name, value, unit, ratio, target, met, _ in _body(report):
            metric, _, candidate = name.strip().partition("  ")
            lines.append(f"| {report.workload}, {metric} | {candidate} | {value} {unit} | {ratio} | {target} | {met} |")
    return "\n".join(lines) + "\n"


def as_json(
    reports: Iterable[Report], facts: Mapping[str, Any], sizes: Sizes, peers: Mapping[str, str]
) -> dict[str, Any]:
    """Everything, with all samples."""
    return {
        "machine": dict(facts),
        "sizes": asdict(sizes),
        "peers": dict(peers),
        "workloads": [_workload(report) for report in reports],
    }


def _body(report: Report) -> list[Row]:
    return [_row(report, metric, name) for metric in report.metrics for name in report.kinds]


def _row(report: Report, metric: Metric, name: str) -> Row:
    value, ratio = report.median(name, metric.name), report.ratio(name, metric.name)
    bound, met = report.bound(name, metric.name), report.is_met(name, metric)
    most = metric.lower_is_better or report.kinds[name] is Kind.OURS
    note = ""
    if name in report.failed:
        note = f"FAILED: {report.failed[name]}"
    elif metric == report.metrics[0]:
        note = report.notes[name]
    return (
        f"  {metric.name}  {name}",
        "-" if value is None else _number(value),
        metric.unit,
        "" if ratio is None else f"{ratio:.2f}",
        "" if bound is None else f"{'≤' if most else '≥'} {bound:g}",
        "" if met is None else ("yes" if met else "NO"),
        note,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _line(row: Row, widths: Sequence[int]) -> str:
    name, value, unit, ratio, target, met, note = row
    cells = (f"{name:<{widths[0]}}", f"{value:>{widths[1]}}", f"{unit:<{widths[2]}}")
    more = (f"{ratio:>{widths[3]}}", f"{target:>{widths[4]}}", f"{met:>{widths[5]}}")
    return "  ".join([*cells, *more, note]).rstrip()


def _workload(report: Report) -> dict[str, Any]:
    return {
        "workload": report.workload,
        "title": report.title,
        "candidates": [_candidate(report, name, kind) for name, kind in report.kinds.items()],
        "absent": report.absent,
        "failed": report.failed,
    }


def _candidate(report: Report, name: str, kind: Kind) -> dict[str, Any]:
    figures = [
        {
            **asdict(metric),
            "median": report.median(name, metric.name),
            "ratio": report.ratio(name, metric.name),
            "target": report.bound(name, metric.name),
            "met": report.is_met(name, metric),
            "samples": report.samples[name][metric.name],
        }
        for metric in report.metrics
    ]
    return {"name": name, "kind": kind.value, "note": report.notes[name], "figures": figures}
