"""Lists by label in the orders of updates and of messages, whether sessions are hot or cold."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.unit.store.label_machine import LabelMachine


@pytest.mark.parametrize("most_hot", [1000, 2])
def test_lists_by_label_are_those_of_a_plain_model(monkeypatch: pytest.MonkeyPatch, most_hot: int) -> None:
    """Whatever was written, at whatever times, and however far the horizon has come."""
    monkeypatch.setattr(LabelMachine, "most_hot", most_hot)
    run_state_machine_as_test(
        LabelMachine,
        settings=settings(
            max_examples=10,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
