"""What a workload is."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from tests.benchmarks.daemon import Daemon
from tests.benchmarks.figures import Candidate, Limit, Metric, Run, Target
from tests.benchmarks.setting import Setting
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.stores import Role

__all__ = ["Driver", "Workload"]

Driver = Callable[[Daemon, Setting], AbstractAsyncContextManager[Run]]
"""The part of a workload that we do, on any daemon: makes its sessions ready, and gives what does the work."""


def _usual_rounds(sizes: Sizes) -> int:
    return sizes.rounds


@dataclass(frozen=True)
class Workload:
    """A piece of work that several candidates do in turn.

    Attributes:
        name: Its name on the command line and in the JSON.
        title: What it is, in a line.
        metrics: What is measured.
        targets: What the ratios are to reach.
        opened: Makes everything ready, and gives the candidates; the time that it takes does not count.
        peers: What a peer has to be able to do; None when no peer takes part.
        rounds: How often each candidate does its work.
        limits: What our own values are not to exceed.
    """

    name: str
    title: str
    metrics: Sequence[Metric]
    targets: Sequence[Target]
    opened: Callable[[Setting], AbstractAsyncContextManager[list[Candidate]]]
    peers: Role | None = None
    rounds: Callable[[Sizes], int] = field(default=_usual_rounds)
    limits: Sequence[Limit] = ()
