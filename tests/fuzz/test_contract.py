"""Every call, drawn at random and with restarts in between, answers what a small model of the contract answers."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from sessiond.store.sqlite import appends
from tests.fuzz.contract_machine import ContractMachine


def played(*phases: Phase) -> None:
    """The same runs each time."""
    run_state_machine_as_test(
        ContractMachine,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_store_answers_what_the_model_answers() -> None:
    """The answers and the reasons of refusals, whatever came before."""
    played(Phase.generate, Phase.shrink)


def test_a_store_that_is_wrong_does_not_get_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes the same id with other content for a repeat."""
    monkeypatch.setattr(appends, "_same", lambda *_: True)
    with pytest.raises(AssertionError, match="the store answers"):
        played(Phase.generate)
