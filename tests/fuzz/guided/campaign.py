"""Fuzzes every importer and every handler, each in a process of its own, and shows what came of it.

    python -m tests.fuzz.guided.campaign --inputs 1000000
    python -m tests.fuzz.guided.campaign --inputs 10000 --only handlers codex --seed 7

What shows a violation is kept in build/fuzz/TARGET, and is shown again by

    python -m tests.fuzz.guided.worker TARGET --replay FILE
"""

import argparse
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.guided.seeds import handler_seeds, transcript_seeds
from tests.fuzz.guided.tally import Tally
from tests.fuzz.guided.worker import HANDLERS, TALLY_NAME

__all__ = ["SHARES", "Finding", "judged", "shares"]

SHARES = {"claude-code": 40, "codex": 40, "swe-agent": 20, "mini-swe-agent": 20, "detection": 40, HANDLERS: 840}
"""How the inputs are divided, in thousandths: most of the code that is reached from outside is behind the handlers."""

PATIENCE_SECONDS = 120
SLOWEST_INPUT_SECONDS = 0.2
_COVERAGE = re.compile(r"^#\d+\s+\w+\s+cov: (\d+) ft: (\d+)", re.MULTILINE)
_COLUMNS = ("target", "inputs", "per second", "edges", "features", "accepted", "MB at start", "MB at end", "violations")


@dataclass
class Finding:
    """What the fuzzing of one target came to.

    Attributes:
        coverage: Edges and features of the code that were reached by the seeds, and by everything.
    """

    target: str
    tally: Tally
    seconds: float
    coverage: list[tuple[int, int]] = field(default_factory=list)

    def row(self) -> list[str]:
        """The row of the table."""
        (edges, features), (all_edges, all_features) = self.coverage[0], self.coverage[-1]
        tally = self.tally
        return [
            self.target, f"{tally.inputs:,}", f"{tally.inputs / self.seconds:,.0f}", f"{edges:,} → {all_edges:,}",
            f"{features:,} → {all_features:,}", f"{tally.accepted:,}", f"{tally.start_bytes / 1e6:.0f}",
            f"{tally.end_bytes / 1e6:.0f}", str(tally.violations.total()),
        ]  # fmt: skip


def shares(inputs: int, targets: Sequence[str]) -> dict[str, int]:
    """How many inputs each target gets; together so many, or a few more."""
    whole = sum(SHARES[target] for target in targets)
    return {target: -(-inputs * SHARES[target] // whole) for target in targets}


def judged(target: str, inputs: int, folder: Path, output: str, code: int | None, seconds: float) -> Finding:
    """What a process came to; one that did not end as it should is a violation itself.

    Args:
        target: The name of the target.
        inputs: How many inputs it was to take.
        folder: Where it left its tally.
        output: What it said.
        code: The code that it ended with; None when it had to be killed.
        seconds: How long it took.
    """
    path = folder / TALLY_NAME
    tally = Tally.read(path) if path.exists() else Tally()
    coverage = [(int(edges), int(features)) for edges, features in _COVERAGE.findall(output)] or [(0, 0)]
    if code != 0:
        how = "did not end" if code is None else f"ended with {code}"
        tally.violations[f"the process {how}: {_reason(output)}"] += 1
    elif tally.inputs < inputs:
        tally.violations[f"{tally.inputs} of {inputs} inputs were taken"] += 1
    elif not tally.accepted:
        tally.violations["no input was accepted, so nothing was tried"] += 1
    return Finding(target, tally, seconds, coverage)


def _reason(output: str) -> str:
    """What libFuzzer says of a hang or of too much memory, else the last line."""
    lines = [line for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "ERROR: " in line or "ALARM: " in line]
    return (telling or lines or ["no output"])[-1]


def _fuzz(target: str, inputs: int, seed: int, folder: Path) -> Finding:
    shutil.rmtree(folder, ignore_errors=True)
    seeds = folder / "seeds"
    seeds.mkdir(parents=True)
    _write_seeds(seeds, handler_seeds() if target == HANDLERS else transcript_seeds())
    command = [
        sys.executable, "-m", "tests.fuzz.guided.worker", target, "--inputs", str(inputs), "--seed", str(seed),
        "--folder", str(folder), "--seeds", str(seeds),
    ]  # fmt: skip
    began = time.monotonic()
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            code: int | None = process.wait(PATIENCE_SECONDS + inputs * SLOWEST_INPUT_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            process.kill()
            process.wait()
    return judged(target, inputs, folder, log.read_text(errors="replace"), code, time.monotonic() - began)


def _write_seeds(folder: Path, seeds: Iterable[bytes]) -> None:
    for number, seed in enumerate(seeds):
        (folder / f"{number:04}").write_bytes(seed)


def _table(findings: Sequence[Finding]) -> str:
    rows = [list(_COLUMNS), *(finding.row() for finding in findings)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines) + "\n"


def _details(finding: Finding) -> str:
    told = ", ".join(f"{reason} {count:,}" for reason, count in finding.tally.refusals.most_common(16))
    lines = [f"{finding.target} refused: {told or 'nothing'}"]
    lines += [f"  VIOLATION {count} times: {what}" for what, count in finding.tally.violations.items()]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Runs a campaign from the command line."""
    parser = argparse.ArgumentParser(description="Fuzzes the importers and the handlers, guided by coverage.")
    parser.add_argument("--inputs", type=int, default=10_000, help="over all targets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=SHARES, default=list(SHARES), metavar="TARGET")
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"))
    arguments = parser.parse_args()
    findings = []
    for target, inputs in shares(arguments.inputs, arguments.only).items():
        findings.append(_fuzz(target, inputs, arguments.seed, arguments.folder.resolve() / target))
        sys.stdout.write(_details(findings[-1]))
        sys.stdout.flush()
    sys.stdout.write("\n" + _table(findings))
    violations = sum(finding.tally.violations.total() for finding in findings)
    taken = sum(finding.tally.inputs for finding in findings)
    sys.stdout.write(f"{taken:,} inputs, {violations} violations (seed {arguments.seed})\n")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
