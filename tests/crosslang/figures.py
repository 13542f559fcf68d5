"""What appends and tails cost in each language, in one run."""

import json
import secrets
from collections.abc import Sequence
from pathlib import Path

from tests.crosslang.report import Report
from tests.crosslang.runners import Runner, RunnerError
from tests.crosslang.servers import Servers

__all__ = ["figures_table"]

FIGURES = {
    "append_p50_us": "one append, p50, us",
    "append_64_per_second": "64 appenders, events/s",
    "write_per_second": "write stream, events/s",
    "tail_per_second": "replay by a tail, events/s",
    "latency_p50_us": "append to tail, p50, us",
}


def figures_table(runners: Sequence[Runner], servers: Servers, folder: Path, report: Report) -> str:
    """Measures each language in turn, and shows each figure beside that of Python."""
    measured: dict[str, dict[str, float]] = {}
    for runner in runners:
        config = folder / f"bench-{runner.language}.json"
        run = f"{runner.language}-{secrets.token_hex(3)}"
        config.write_text(json.dumps(servers.config(run, "unix")), encoding="utf-8")
        try:
            measured[runner.language] = json.loads(runner.ask("bench", str(config)))
        except (RunnerError, ValueError) as error:
            report.problems.append(str(error))
            continue
        missing = [name for name in FIGURES if not measured[runner.language].get(name, 0) > 0]
        if missing:
            report.problems.append(f"{runner.language} measured no {', '.join(missing)}")
        else:
            report.passed += 1
    beside = measured.get("python", {})
    rows = [f"{'':28}" + "".join(f"{language:>20}" for language in measured)]
    for name, title in FIGURES.items():
        cells = (_cell(figures.get(name, 0), beside.get(name, 0)) for figures in measured.values())
        rows.append(f"{title:28}" + "".join(cells))
    return "\n".join([*rows, "in brackets: as a ratio to Python's in the same run\n"])


def _cell(value: float, beside: float) -> str:
    ratio = f" ({value / beside:.2f})" if beside else ""
    return f"{value:,.0f}{ratio}".rjust(20)
