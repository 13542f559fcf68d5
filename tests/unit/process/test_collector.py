"""When a process that serves looks for cycles of garbage."""

import asyncio
import gc

import pytest

from sessiond.process import collector
from sessiond.process.collector import (
    FEW_COLLECTIONS,
    FEWER_COLLECTIONS,
    GROWN_BYTES,
    LONG_SECONDS,
    MANY_COLLECTIONS,
    CollectionRule,
    collected_when_quiet,
)

USED = 100_000_000


class Process:
    """What a process takes of a processor and of the memory."""

    def __init__(self) -> None:
        self.busy_seconds = 0.0
        self.memory_bytes: int | None = USED
        self.rule = CollectionRule(lambda: self.busy_seconds, lambda: self.memory_bytes)

    def is_due(self, young_collections: int, *, busy_seconds: float) -> bool:
        """After one more second."""
        self.busy_seconds += busy_seconds
        return self.rule.is_due(young_collections, 1.0)


@pytest.fixture
def process() -> Process:
    """One that was idle so far."""
    return Process()


def test_a_few_young_collections_are_not_worth_a_look_at_once(process: Process) -> None:
    """However little there is to do."""
    assert not process.is_due(FEW_COLLECTIONS - 1, busy_seconds=0)


def test_a_few_are_looked_at_after_a_while(process: Process) -> None:
    """When it is quiet: what little they left may hold much."""
    assert not any(process.is_due(1, busy_seconds=0) for _ in range(int(LONG_SECONDS) - 1))
    assert not process.is_due(1, busy_seconds=1)
    assert not process.is_due(0, busy_seconds=0)
    assert process.is_due(1, busy_seconds=0)
    process.rule.note_collection()
    assert not process.is_due(1, busy_seconds=0)


def test_a_few_are_looked_at_when_the_process_has_grown(process: Process) -> None:
    """But not for next to none: then it is no garbage that it has grown by."""
    process.memory_bytes = USED + GROWN_BYTES
    assert not process.is_due(FEWER_COLLECTIONS - 1, busy_seconds=1)
    assert process.is_due(FEWER_COLLECTIONS, busy_seconds=1)


def test_a_quiet_process_collects(process: Process) -> None:
    """By what it took of the processor since it was asked before."""
    assert not process.is_due(FEW_COLLECTIONS, busy_seconds=0.9)
    assert process.is_due(FEW_COLLECTIONS, busy_seconds=0.05)


def test_a_busy_process_that_does_not_grow_puts_it_off(process: Process) -> None:
    """For as long as its load lasts: a collection of everything holds up whoever calls then."""
    process.memory_bytes = USED + GROWN_BYTES - 1
    assert not process.is_due(1000 * MANY_COLLECTIONS, busy_seconds=1.5)


def test_a_process_that_has_grown_does_not_put_it_off(process: Process) -> None:
    """Since the last collection, or since it was smallest after that."""
    process.memory_bytes = USED + GROWN_BYTES
    assert process.is_due(FEW_COLLECTIONS, busy_seconds=1)
    process.rule.note_collection()
    assert not process.is_due(FEW_COLLECTIONS, busy_seconds=1)
    process.memory_bytes = USED - GROWN_BYTES
    assert not process.is_due(FEW_COLLECTIONS, busy_seconds=1)
    process.memory_bytes = USED
    assert process.is_due(FEW_COLLECTIONS, busy_seconds=1)


def test_where_the_memory_is_not_told_the_collections_decide(process: Process) -> None:
    """On systems other than Linux."""
    process.memory_bytes = None
    assert not process.is_due(MANY_COLLECTIONS - 1, busy_seconds=1)
    assert process.is_due(MANY_COLLECTIONS, busy_seconds=1)


async def test_everything_is_collected_by_this_rule_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own holds for young objects, and for the rest again after the block."""
    monkeypatch.setattr(collector, "INTERVAL_SECONDS", 0)
    monkeypatch.setattr(CollectionRule, "is_due", lambda *_: True)
    thresholds = gc.get_threshold()
    collected = asyncio.Event()

    class Ring:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            collected.set()

    async with collected_when_quiet():
        assert gc.isenabled()
        assert gc.get_threshold()[2] > 10**9
        Ring()
        async with asyncio.timeout(10):
            await collected.wait()
    assert (thresholds, 0) == (gc.get_threshold(), gc.get_freeze_count())
