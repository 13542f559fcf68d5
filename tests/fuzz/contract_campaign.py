"""Plays the contract against its model for long, from a seed, and counts what was tried.

    python -m tests.fuzz.contract_campaign --runs 2000
    python -m tests.fuzz.contract_campaign --runs 50 --seed 7

A run is a new store and up to 50 steps. Where the store and the model differ, the run is printed, to be played again.
"""

import argparse
import logging
import sys
import traceback
from collections import Counter
from collections.abc import Sequence

from google.protobuf.message import Message
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fuzz.comparison import Comparison
from tests.fuzz.contract_machine import ContractMachine

__all__ = ["play"]

STEPS = 50

RUNS_AT_ONCE = 100
"""After so many the next seed begins: what Hypothesis remembers of each run takes half a megabyte."""


def play(runs: int, number: int) -> Counter[tuple[str, str]]:
    """How often each call was made, by its name and the reason of its refusal. Raises where store and model differ."""
    tried: Counter[tuple[str, str]] = Counter()

    class Counting(Comparison):
        def call(self, name: str, request: Message) -> str:
            reason = super().call(name, request)
            tried[name, reason] += 1
            return reason

        def together(self, calls: Sequence[tuple[str, Message]], failure: str | None = None) -> list[str]:
            reasons = super().together(calls, failure)
            tried["together", failure or ""] += 1
            return reasons

        def restart(self) -> None:
            super().restart()
            tried["restart", ""] += 1

    class Machine(ContractMachine):
        comparison = Counting

    limits = settings(
        max_examples=runs,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(number)(Machine), settings=limits)
    return tried


def main() -> int:
    """Plays from the command line."""
    parser = argparse.ArgumentParser(description="Holds the store against a model of the contract.")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    # The failures that are played are no news.
    logging.getLogger("sessiond").setLevel(logging.CRITICAL)
    tried: Counter[tuple[str, str]] = Counter()
    left, number = arguments.runs, arguments.seed
    while left:
        runs = min(left, RUNS_AT_ONCE)
        try:
            tried += play(runs, number)
        except Exception:  # noqa: BLE001 - whatever it is, the store and the model are not at one
            traceback.print_exc()
            sys.stdout.write(f"the store and the model differ (seed {number})\n")
            return 1
        left, number = left - runs, number + 1
    for name in sorted({name for name, _ in tried}):
        told = ", ".join(
            f"{reason or 'done'} {count:,}" for (one, reason), count in sorted(tried.items()) if one == name
        )
        sys.stdout.write(f"{name}: {told}\n")
    sys.stdout.write(f"{arguments.runs:,} runs, {tried.total():,} calls, no difference (seed {arguments.seed})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
