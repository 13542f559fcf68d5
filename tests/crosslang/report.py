"""The table of steps and languages, and whether all is well."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.crosslang.runners import Line

__all__ = ["Report"]

MARKS = {"ok": "ok", "FAIL": "FAIL", "skip": "-"}


@dataclass
class Report:
    """What the runners said.

    Attributes:
        steps: All steps of the scenario, in order.
        lines: By language and endpoint, such as `go, tcp`, what was said of each step.
        problems: Whatever else went wrong.
        passed: The number of checks besides the steps that went well.
    """

    steps: Sequence[str]
    lines: dict[str, dict[str, Line]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    passed: int = 0

    def add(self, column: str, lines: Sequence[Line]) -> None:
        """Takes down what a runner said. What it kept quiet about, said twice or made up is a problem."""
        said: dict[str, Line] = {}
        for line in lines:
            if line.step in said or line.step not in self.steps:
                self.problems.append(f"{column}: {line.step} was said twice, or is no step")
            said[line.step] = line
        missing = [step for step in self.steps if step not in said]
        if missing:
            self.problems.append(f"{column}: {len(missing)} steps were not played, the first is {missing[0]}")
        self.lines[column] = said

    @property
    def counts(self) -> Mapping[str, int]:
        """How many steps passed, failed and were left out, over all columns; other checks included."""
        counts: dict[str, int] = defaultdict(int)
        for said in self.lines.values():
            for line in said.values():
                counts[line.verdict] += 1
        counts["ok"] += self.passed
        counts["FAIL"] += len(self.problems)
        return counts

    @property
    def is_good(self) -> bool:
        """Whether nothing failed, and something was played."""
        return self.counts["FAIL"] == 0 and self.counts["ok"] > 0

    def table(self) -> str:
        """The table, with the reasons below it."""
        columns = list(self.lines)
        width = max(map(len, self.steps), default=4)
        rows = [f"{'step':{width}}  {'  '.join(columns)}".rstrip()]
        for step in self.steps:
            cells = []
            for column in columns:
                line = self.lines[column].get(step)
                cells.append(f"{MARKS[line.verdict] if line else 'MISSING':{len(column)}}")
            rows.append(f"{step:{width}}  {'  '.join(cells)}".rstrip())
        return "\n".join([*rows, "", *self._reasons()])

    def _reasons(self) -> list[str]:
        """Why steps failed or were left out, each reason once with the columns and steps that it holds for."""
        where: dict[tuple[str, str], list[str]] = defaultdict(list)
        for column, said in self.lines.items():
            for line in said.values():
                if line.verdict != "ok":
                    where[line.verdict, line.why].append(f"{column}: {line.step}")
        reasons = []
        for (verdict, why), places in sorted(where.items()):
            more = f" and {len(places) - 3} more" if len(places) > 3 else ""
            reasons.append(f"{verdict}  {why}\n      {'; '.join(places[:3])}{more}")
        return [*reasons, *(f"FAIL  {problem}" for problem in self.problems)]
