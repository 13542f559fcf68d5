"""A peer that is not here is absent, and takes nobody with it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.benchmarks.peers.absence import AbsentError, program
from tests.benchmarks.peers.registry import PEERS, Peer, open_peers
from tests.benchmarks.setting import Setting
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.stores import Role, Store
from tests.benchmarks.workloads.registry import WORKLOADS


class Memory(Store):
    """A store that counts."""

    name = "memory"

    def __init__(self) -> None:
        self.count = 0

    async def append(self, session: str) -> object:
        self.count += 1
        return self.count


@asynccontextmanager
async def here(folder: Path) -> AsyncIterator[Store]:
    """A peer that starts."""
    yield Memory()


def failing(error: Exception) -> Callable[[Path], AbstractAsyncContextManager[Store]]:
    """A peer that does not start."""

    @asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator[Store]:
        if folder.is_dir():
            raise error
        yield Memory()

    return opened


async def test_absent_peers_are_named_with_the_reason(tmp_path: Path) -> None:
    """One that is here runs all the same."""
    made = {
        "a": here,
        "b": failing(AbsentError("its server is not installed")),
        "c": failing(ModuleNotFoundError("No module named 'client'", name="client")),
        "d": failing(RuntimeError("out of order")),
    }
    peers = tuple(Peer(name, Role.APPEND, opened) for name, opened in made.items())
    async with open_peers(tmp_path / "peers", peers) as found:
        setting = Setting(tmp_path, Sizes.quick(), "", found.here, found.absent)
        assert ["memory"] == [store.name for store in setting.peers_that(Role.APPEND)]
        assert [] == setting.peers_that(Role.FOLLOW)
        assert {
            "b": "its server is not installed",
            "c": "its Python client is not installed (client)",
            "d": "RuntimeError: out of order",
        } == setting.absent_that(Role.APPEND)
        assert {} == setting.absent_that(Role.REPLAY)


def test_a_program_is_found_off_the_path_too(tmp_path: Path) -> None:
    """The newest version wins."""
    for version in ("14", "15"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "surely-no-such-server").touch()
    assert tmp_path / "15" / "bin" / "surely-no-such-server" == program("surely-no-such-server", f"{tmp_path}/*/bin")
    with pytest.raises(AbsentError):
        program("surely-no-such-server")


def test_targets_name_metrics_that_their_workload_has() -> None:
    """A target that nothing is compared with would never be missed."""
    for workload in WORKLOADS:
        assert {target.metric for target in workload.targets} <= {metric.name for metric in workload.metrics}


def test_names_are_unique() -> None:
    """The JSON and the command line go by them."""
    assert len({peer.name for peer in PEERS}) == len(PEERS)
    assert len({workload.name for workload in WORKLOADS}) == len(WORKLOADS)
