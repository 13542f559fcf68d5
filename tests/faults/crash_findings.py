"""What a campaign of crashes came to, and how it is told."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["CHANCE", "STOPPED", "Findings"]

CHANCE = "a moment of chance"
STOPPED = "a moment of chance, in good order"

TRIES = 3
"""After so many lives that did not come to a failpoint the load is no test of it; short campaigns have fewer."""


@dataclass
class Findings:
    """What a campaign came to.

    Attributes:
        deaths: How often the daemon died, by where; one that did not reach its failpoint in time died by chance.
        armed: How often the daemon was to die at each failpoint.
        acknowledged: How many events and messages were acknowledged, and checked.
        tailed: How many events were delivered by tails, and checked.
        archived: How many sessions were archived, and restored or deleted after it.
        imported: How many transcripts were imported, each until it succeeded.
        violations: The promises that were broken.
    """

    deaths: Counter[str] = field(default_factory=Counter)
    armed: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    tailed: int = 0
    archived: int = 0
    imported: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, other: "Findings") -> None:
        """Takes in what another round came to."""
        self.deaths += other.deaths
        self.armed += other.armed
        self.acknowledged += other.acknowledged
        self.tailed += other.tailed
        self.archived += other.archived
        self.imported += other.imported
        self.violations += other.violations

    @property
    def never_reached(self) -> list[str]:
        """The failpoints that were armed often enough, and never met."""
        return sorted(point for point, armed in self.armed.items() if armed >= TRIES and not self.deaths[point])

    @property
    def are_good(self) -> bool:
        """Whether everything was tried, and nothing was broken."""
        return not self.violations and not self.never_reached and self.acknowledged > 0 and self.tailed > 0

    def progress(self) -> str:
        """What is told while there is more to come."""
        return (
            f"{self.deaths.total()} kills, {self.acknowledged} acknowledged events and messages and"
            f" {self.tailed} deliveries checked, {len(self.violations)} violations"
        )

    def lines(self) -> Iterator[str]:
        """What is told in the end."""
        yield f"{self.deaths[CHANCE]:4} at {CHANCE}"
        yield f"{self.deaths[STOPPED]:4} at {STOPPED}"
        for point, armed in sorted(self.armed.items()):
            yield f"{self.deaths[point]:4} at {point}, which was armed {armed} times"
        for point in self.never_reached:
            yield f"  {point} was never reached"
        for violation in self.violations:
            yield f"  {violation}"
        reached = sum(self.deaths[point] > 0 for point in self.armed)
        yield f"{reached} of {len(self.armed)} failpoints that were armed were reached"
        yield f"{self.archived} sessions were archived, {self.imported} transcripts imported"
