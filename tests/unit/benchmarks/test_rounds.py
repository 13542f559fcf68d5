"""The rounds treat all candidates alike."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.benchmarks.figures import RATE, Candidate, Kind
from tests.benchmarks.rounds import measured
from tests.benchmarks.setting import Setting
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.stores import Role
from tests.benchmarks.workloads.workload import Workload


def workload(order: list[str], broken: Kind | None = None) -> Workload:
    """A workload of one candidate of each kind, of which one may break in its second round."""

    def candidate(name: str, kind: Kind) -> Candidate:
        async def run() -> Mapping[str, float]:
            order.append(name)
            if kind is broken and order.count(name) == 2:
                raise RuntimeError("out of order")
            return {RATE.name: 1.0}

        return Candidate(name, kind, run)

    @asynccontextmanager
    async def opened(setting: Setting) -> AsyncIterator[list[Candidate]]:
        yield [candidate("o", Kind.OURS), candidate("f", Kind.FLOOR), candidate("p", Kind.PEER)]

    return Workload("w", "a workload", (RATE,), (), opened, Role.APPEND, lambda sizes: 3)


def setting(folder: Path) -> Setting:
    """Nothing but an absent peer."""
    return Setting(folder, Sizes.quick(), "", {}, {"a": (Role.APPEND, "not here"), "r": (Role.REPLAY, "nor here")})


def silent(text: str) -> None:
    """Says nothing."""


async def test_candidates_take_turns_and_change_their_order(tmp_path: Path) -> None:
    """Nobody always comes after the same one; those absent from this kind of work are named."""
    order: list[str] = []
    report = await measured(workload(order), setting(tmp_path), silent)
    assert "ofppfoofp" == "".join(order)
    assert [1.0, 1.0, 1.0] == report.samples["f"][RATE.name]
    assert {"a": "not here"} == report.absent


async def test_a_peer_that_breaks_is_left_out_from_then_on(tmp_path: Path) -> None:
    """What it had done counts."""
    report = await measured(workload([], Kind.PEER), setting(tmp_path), silent)
    assert {"p": "RuntimeError: out of order"} == report.failed
    assert [1.0] == report.samples["p"][RATE.name]
    assert [1.0, 1.0, 1.0] == report.samples["o"][RATE.name]


@pytest.mark.parametrize("broken", [Kind.OURS, Kind.FLOOR])
async def test_we_and_the_floors_must_not_break(tmp_path: Path, broken: Kind) -> None:
    """A benchmark without them says nothing."""
    with pytest.raises(RuntimeError, match="out of order"):
        await measured(workload([], broken), setting(tmp_path), silent)
