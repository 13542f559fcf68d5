"""When a process that serves looks for cycles of garbage."""

import asyncio
import gc
from collections.abc import Iterator

import pytest

from sessiond.process import collector
from sessiond.process.collector import (
    FEW_COLLECTIONS,
    FEWER_COLLECTIONS,
    GROWN_BYTES,
    LONG_SECONDS,
    MANY_COLLECTIONS,
    MUCH_GROWN_BYTES,
    CollectionRule,
    Scope,
    collected_when_quiet,
)

USED = 100_000_000


class Process:
    """What a process takes of a processor and of the memory."""

    def __init__(self) -> None:
        self.busy_seconds = 0.0
        self.memory_bytes: int | None = USED
        self.rule = CollectionRule(lambda: self.busy_seconds, lambda: self.memory_bytes)

    def due(self, young_collections: int, *, busy_seconds: float) -> Scope:
        """After one more second."""
        self.busy_seconds += busy_seconds
        return self.rule.due(young_collections, 1.0)

    def is_due(self, young_collections: int, *, busy_seconds: float) -> bool:
        """Whether anything is to be collected, after one more second."""
        return self.due(young_collections, busy_seconds=busy_seconds) is not Scope.NOTHING


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
    process.rule.note_collection(Scope.NEW)
    assert not process.is_due(1, busy_seconds=0)


def test_a_few_are_looked_at_when_the_process_has_grown(process: Process) -> None:
    """By much; but not for next to none: then it is no garbage that it has grown by."""
    process.memory_bytes = USED + MUCH_GROWN_BYTES
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


def test_a_busy_process_that_has_grown_a_little_puts_it_off_for_a_while(process: Process) -> None:
    """So that what its calls leave is looked through before it is much; at once it would be what is in use."""
    process.memory_bytes = USED + GROWN_BYTES
    young = 1000 * MANY_COLLECTIONS
    assert not any(process.is_due(young, busy_seconds=1) for _ in range(int(LONG_SECONDS) - 1))
    assert process.due(FEWER_COLLECTIONS - 1, busy_seconds=1) is Scope.NOTHING
    assert process.due(FEWER_COLLECTIONS, busy_seconds=1) is Scope.NEW
    process.rule.note_collection(Scope.NEW)
    assert not any(process.is_due(young, busy_seconds=1) for _ in range(int(2 * LONG_SECONDS)))


def test_a_process_that_has_grown_by_much_does_not_put_it_off(process: Process) -> None:
    """Since the last collection, or since it was smallest after that; what was in use then is left out."""
    process.memory_bytes = USED + MUCH_GROWN_BYTES
    assert process.due(FEW_COLLECTIONS, busy_seconds=1) is Scope.NEW
    process.rule.note_collection(Scope.NEW)
    assert not process.is_due(FEW_COLLECTIONS, busy_seconds=1)
    process.memory_bytes = USED - MUCH_GROWN_BYTES
    assert not process.is_due(FEW_COLLECTIONS, busy_seconds=1)
    process.memory_bytes = USED
    assert process.due(FEW_COLLECTIONS, busy_seconds=1) is Scope.NEW


def test_a_busy_process_that_has_grown_by_much_looks_through_everything_after_a_while(process: Process) -> None:
    """With a thousand tails that were just opened it would take a tenth of a second, and find nothing."""
    process.memory_bytes = USED + MUCH_GROWN_BYTES
    process.rule.note_collection(Scope.NEW)
    assert not any(process.is_due(FEW_COLLECTIONS, busy_seconds=1) for _ in range(int(LONG_SECONDS) - 1))
    assert process.due(FEWER_COLLECTIONS, busy_seconds=1) is Scope.EVERYTHING


def test_what_was_in_use_is_left_out_until_the_process_has_grown(process: Process) -> None:
    """With a thousand tails that do nothing, a look at what they have in use would hold up whoever calls."""
    assert process.due(FEW_COLLECTIONS, busy_seconds=0) is Scope.NEW
    process.memory_bytes = USED + MUCH_GROWN_BYTES
    assert process.due(FEW_COLLECTIONS, busy_seconds=0) is Scope.EVERYTHING


def test_what_a_process_grows_by_little_by_little_counts_until_everything_is_looked_through(process: Process) -> None:
    """Else what is garbage among that which was in use once would stay for good."""
    for grown in range(GROWN_BYTES, MUCH_GROWN_BYTES, GROWN_BYTES):
        process.memory_bytes = USED + grown
        assert process.due(FEW_COLLECTIONS, busy_seconds=0) is Scope.NEW
        process.rule.note_collection(Scope.NEW)
    process.memory_bytes = USED + MUCH_GROWN_BYTES
    assert process.due(FEW_COLLECTIONS, busy_seconds=0) is Scope.EVERYTHING
    process.rule.note_collection(Scope.EVERYTHING)
    process.memory_bytes += GROWN_BYTES
    assert process.due(FEW_COLLECTIONS, busy_seconds=0) is Scope.NEW


def test_where_the_memory_is_not_told_the_collections_decide(process: Process) -> None:
    """On systems other than Linux; and nothing is left out, since nothing would tell of it."""
    process.memory_bytes = None
    assert process.due(MANY_COLLECTIONS - 1, busy_seconds=1) is Scope.NOTHING
    assert process.due(MANY_COLLECTIONS, busy_seconds=1) is Scope.EVERYTHING
    assert process.due(FEW_COLLECTIONS, busy_seconds=0) is Scope.EVERYTHING


class Ring:
    """Garbage that only a collection finds."""

    def __init__(self, collected: asyncio.Event) -> None:
        self.itself: Ring | None = self
        self._collected = collected

    def __del__(self) -> None:
        self._collected.set()


async def _seen(event: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        await event.wait()


async def test_everything_is_collected_by_this_rule_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own holds for young objects, and for the rest again after the block."""
    monkeypatch.setattr(collector, "INTERVAL_SECONDS", 0)
    monkeypatch.setattr(CollectionRule, "due", lambda *_: Scope.NEW)
    thresholds = gc.get_threshold()
    collected = asyncio.Event()
    async with collected_when_quiet():
        assert gc.isenabled()
        assert gc.get_threshold()[2] > 10**9
        Ring(collected)
        await _seen(collected)
    assert (thresholds, 0) == (gc.get_threshold(), gc.get_freeze_count())


async def test_what_was_in_use_at_one_collection_is_collected_with_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is only left out: with the next of everything it is looked through like the rest."""
    scope = Scope.NEW

    def due(*_: object) -> Scope:
        return scope

    monkeypatch.setattr(collector, "INTERVAL_SECONDS", 0)
    monkeypatch.setattr(CollectionRule, "due", due)
    early, late = asyncio.Event(), asyncio.Event()
    rings = [Ring(early)]
    async with collected_when_quiet():
        rings.clear()
        Ring(late)
        await _seen(late)
        assert not early.is_set()
        scope = Scope.EVERYTHING
        await _seen(early)


async def test_a_look_that_failed_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one for which there was no memory: nothing but these looks collects what is old."""
    scopes: Iterator[MemoryError | Scope] = iter([MemoryError(), Scope.NEW])

    def due(*_: object) -> Scope:
        scope = next(scopes, Scope.NEW)
        if isinstance(scope, MemoryError):
            raise scope
        return scope

    monkeypatch.setattr(collector, "INTERVAL_SECONDS", 0)
    monkeypatch.setattr(CollectionRule, "due", due)
    collected = asyncio.Event()
    async with collected_when_quiet():
        Ring(collected)
        await _seen(collected)
