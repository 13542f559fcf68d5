"""Runs one workload: its candidates in turn, round after round, so that noise hits all alike."""

from collections.abc import Callable

from tests.benchmarks.figures import Kind, Report
from tests.benchmarks.setting import Setting
from tests.benchmarks.workloads.workload import Workload

__all__ = ["measured"]


async def measured(workload: Workload, setting: Setting, say: Callable[[str], None]) -> Report:
    """All rounds of a workload. A peer that breaks is left out from then on; raises when we or a floor break."""
    report = Report(workload.name, workload.title, workload.metrics, workload.targets, workload.limits)
    if workload.peers is not None:
        report.absent.update(setting.absent_that(workload.peers))
    async with workload.opened(setting) as candidates:
        for candidate in candidates:
            report.enter(candidate)
        rounds = workload.rounds(setting.sizes)
        for number in range(rounds):
            # Every other round goes backwards: nobody always comes after the same one.
            for candidate in candidates[:: -1 if number % 2 else 1]:
                if candidate.name in report.failed:
                    continue
                say(f"{workload.name}: round {number + 1} of {rounds}: {candidate.name}")
                try:
                    report.add(candidate.name, await candidate.run())
                except Exception as error:
                    if candidate.kind is not Kind.PEER:
                        raise
                    report.failed[candidate.name] = _reason(error)
    return report


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}".strip().partition("\n")[0][:200]
