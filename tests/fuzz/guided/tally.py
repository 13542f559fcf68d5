"""What the fuzzing of one target comes to, as a child process tells it to the campaign."""

import gc
import json
import os
import resource
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Tally", "resident_bytes"]

GROWTH_BYTES = 96 * 1024 * 1024
"""What the fuzzer itself may come to need for the inputs that it keeps, and the allocators for their fragments."""

GROWTH_BLOCKS = 50_000
"""What may come to be kept in caches of the interpreter and the code, in blocks of memory."""

MAX_SAMPLES = 50


def resident_bytes() -> int:
    """The memory that the process has; where the system does not tell, the most that it had."""
    statistics = Path("/proc/self/statm")
    if statistics.exists():
        return int(statistics.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@dataclass
class Tally:
    """The counts of one target.

    Attributes:
        refusals: How often the input was refused in the ways of the house, by reason.
        violations: How often each kind of violation was seen.
        start_bytes: The memory when the target was warm.
    """

    inputs: int = 0
    accepted: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    start_bytes: int = 0
    end_bytes: int = 0
    start_blocks: int = 0
    end_blocks: int = 0

    def note_violation(self, what: str, sample: bytes, folder: Path) -> None:
        """Counts a violation, and keeps the input that showed it first."""
        if not self.violations[what] and len(self.violations) <= MAX_SAMPLES:
            folder.mkdir(parents=True, exist_ok=True)
            name = f"violation-{len(self.violations)}"
            (folder / f"{name}.input").write_bytes(sample)
            (folder / f"{name}.txt").write_text(what)
        self.violations[what] += 1

    def measure_start(self) -> None:
        """Notes what the process holds once it is warm."""
        gc.collect()
        self.start_bytes, self.start_blocks = resident_bytes(), sys.getallocatedblocks()

    def measure_end(self) -> None:
        """Notes what the process holds at the end, and that it has grown, if so."""
        gc.collect()
        self.end_bytes, self.end_blocks = resident_bytes(), sys.getallocatedblocks()
        if not self.start_bytes:
            return
        if self.end_bytes > self.start_bytes + GROWTH_BYTES:
            self.violations[f"memory grew from {self.start_bytes} to {self.end_bytes} bytes"] += 1
        if self.end_blocks > self.start_blocks + GROWTH_BLOCKS:
            self.violations[f"objects grew from {self.start_blocks} to {self.end_blocks} blocks"] += 1

    def write(self, path: Path) -> None:
        """Tells the campaign."""
        path.write_text(json.dumps(vars(self)))

    @classmethod
    def read(cls, path: Path) -> "Tally":
        """What a child told."""
        told = json.loads(path.read_text())
        return cls(**told | {"refusals": Counter(told["refusals"]), "violations": Counter(told["violations"])})
