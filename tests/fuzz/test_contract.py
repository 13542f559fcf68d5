"""Every call, drawn at random and with restarts in between, answers what a small model of the contract answers."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from sessiond.store.sqlite import appends
from sessiond.store.sqlite.session_rows import SessionRow
from sessiond.store.sqlite.transaction import WriteTransaction
from sessiond.store.sqlite.write_groups import WriteGroups
from sessiond.store.sqlite.writer_memory import WriterMemory
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


def repeats_are_not_compared(patch: pytest.MonkeyPatch) -> None:
    """The same id with other content is taken for a repeat."""
    patch.setattr(appends, "_same", lambda *_: True)


def the_index_is_not_asked_anew(patch: pytest.MonkeyPatch) -> None:
    """What it was asked for in a group is remembered for all of it, although an archiving has indexed more."""
    write_rows = WriteTransaction.write_rows

    def forgetful(self: WriteTransaction) -> None:
        asked = {key: dict(ids) for key, ids in self._indexed_ids.items()}
        write_rows(self)
        self._indexed_ids.update(asked)

    patch.setattr(WriteTransaction, "write_rows", forgetful)


def a_trim_leaves_what_was_asked_for(patch: pytest.MonkeyPatch) -> None:
    """What the index had before a trim is taken for what it has after it."""
    trim_events = WriteTransaction.trim_events

    def forgetful(self: WriteTransaction, row: SessionRow, before: int) -> None:
        asked = self._indexed_ids.get(row.session_key, {})
        trim_events(self, row, before)
        self._indexed_ids[row.session_key] = asked

    patch.setattr(WriteTransaction, "trim_events", forgetful)


def a_failed_group_is_remembered(patch: pytest.MonkeyPatch) -> None:
    """What the writer remembers of a group outlives its failure."""
    patch.setattr(WriterMemory, "forget", lambda _: None)


def an_unsure_group_is_applied_again(patch: pytest.MonkeyPatch) -> None:
    """What fails after the commit is taken for what fails before it."""
    patch.setattr(WriteGroups, "_confirm", lambda self: self._upkeep.after_commit())


@pytest.mark.parametrize(
    "wrong",
    [
        repeats_are_not_compared,
        the_index_is_not_asked_anew,
        a_trim_leaves_what_was_asked_for,
        a_failed_group_is_remembered,
        an_unsure_group_is_applied_again,
    ],
)
def test_a_store_that_is_wrong_does_not_get_through(
    monkeypatch: pytest.MonkeyPatch, wrong: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """One that takes for a repeat what is none, and those that remember of a group what holds no more."""
    wrong(monkeypatch)
    # What differs first is another thing in each run: an answer, a reason, or a position.
    with pytest.raises((AssertionError, ExceptionGroup)):
        played(Phase.generate)
