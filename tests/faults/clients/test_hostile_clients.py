"""The campaign of hostile clients at its smallest: what they leave behind is nothing, and what was promised is kept."""

from pathlib import Path

import pytest

from tests.faults.clients.attacked_daemon import Rest
from tests.faults.clients.campaign import CUT_OFF, SCENARIOS, SMALLEST, run_attack
from tests.faults.clients.networks import available

CHOSEN = ("tails-unread", "reset", "largest-calls", "cancellations", "slow-headers", "unread-pages")
"""One of each kind; `make hostile-quick` has all of them."""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", CHOSEN)
async def test_an_attack_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    """Tasks, descriptors, tails, streams and transactions are as before, and all that was acknowledged is stored."""
    finding = await run_attack(tmp_path, name, SMALLEST)
    assert [] == finding.violations
    assert finding.counts


@pytest.mark.timeout(120)
async def test_clients_whose_network_is_gone_are_let_go(tmp_path: Path) -> None:
    """By the question whether they are there, which they do not answer."""
    if why := available():
        pytest.skip(f"no network namespaces: {why}")
    finding = await run_attack(tmp_path, CUT_OFF, SMALLEST)
    assert [] == finding.violations


def test_what_is_left_behind_is_told() -> None:
    """The comparison can fail, and what is less than before is no leak."""
    before, after = Rest(1, 1, 10, 0, 0, 0, 0, 0), Rest(2, 1, 9, 0, 0, 0, 0, 1)
    assert ["tasks 2, was 1", "transactions 1, was 0"] == before.exceeded_by(after)


def test_all_attacks_are_of_the_campaign() -> None:
    """Those that are chosen here exist."""
    assert set(CHOSEN) < set(SCENARIOS)
