"""The one writer: takes everything that waits, applies it in one transaction, and answers after the commit.

Under load a group is hundreds of operations and one sync of the disk. Each operation succeeds or fails alone, but for
a disk that takes no writes: then all fail that do not free room, and the writer tries by itself until it does again.

Neither the writing of a large group nor its answers keep the event loop from everything else.
"""

import asyncio
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Any, TypeVar

from sessiond.store.errors import (
    CorruptedError,
    DrainingError,
    StorageFullError,
    StorageUnavailableError,
    StoreError,
)
from sessiond.store.sqlite.chores import Chore
from sessiond.store.sqlite.connection import PATIENCE_SECONDS, EngineConnection
from sessiond.store.sqlite.gathering import Gathering
from sessiond.store.sqlite.giving_way import GivingWay
from sessiond.store.sqlite.horizon_advance import HorizonChore
from sessiond.store.sqlite.operations import Operation
from sessiond.store.sqlite.overdue_work import Patience
from sessiond.store.sqlite.probes import PROBE, Probe
from sessiond.store.sqlite.publication import Publication
from sessiond.store.sqlite.removals import RemovalChore
from sessiond.store.sqlite.upkeep import Upkeep
from sessiond.store.sqlite.waiting_writes import Group, WaitingWrite, WaitingWrites
from sessiond.store.sqlite.write_groups import AppliedGroup, WriteGroups
from sessiond.store.sqlite.writer_memory import WriterMemory
from sessiond.store.sqlite.writing_state import WritingState

__all__ = ["Writer"]

T = TypeVar("T")

_log = logging.getLogger(__name__)

CROWDED_BYTES = 1024 * 1024
PROBE_SECONDS = 1.0
OPERATION_PATIENCE_SECONDS = 0.0001
"""How much longer a group may take for each of its operations."""
ANSWERS_A_TURN = 64
"""So many sessions are told of, and so many operations answered, in a turn of the loop: about half a millisecond."""

_STORAGE_ERRORS = (StorageFullError, StorageUnavailableError, CorruptedError)


class Writer:
    """Owns the writing connection. Must be used from one event loop."""

    def __init__(
        self,
        connection: EngineConnection,
        upkeep: Upkeep,
        memory: WriterMemory,
        *,
        is_followed: Callable[[int], bool],
        publish: Callable[[dict[int, Publication]], None],
    ) -> None:
        """Starts the writer.

        `is_followed` tells, in the writer's thread, whether a session key has tails; `publish` is called in the event
        loop with what a transaction changed, when it is on disk and before its operations are answered.
        """
        self.state = WritingState()
        self.writes = 0
        """How many operations were applied so far."""
        self.groups = 0
        """In how many transactions they were."""
        self._taken = asyncio.Event()
        """Set for a moment, whenever some of what waits is taken."""
        self._connection = connection
        self._upkeep = upkeep
        self._publish = publish
        self._groups = WriteGroups(upkeep, memory, GivingWay(), is_followed)
        self._removal = RemovalChore(memory)
        self._chores: tuple[Chore, ...] = (HorizonChore(memory), self._removal)
        self._chore_done = asyncio.Event()
        """Set for a moment, whenever a little of one is done, or failed."""
        self._is_full = False
        """Whether the disk was full when it was last written to, as far as that is known."""
        self._waiting = WaitingWrites()
        self._is_one_first = False
        """Whether something that goes first waits for a group to end."""
        self._is_checkpoint_late = False
        """Whether one is due, and waits for what goes first."""
        self._patience = Patience(0)
        """With the group that is being applied, or was the last."""
        self._wake = asyncio.Event()
        """Set when it is time to look whether something is to be done."""
        self._gathering = Gathering(self._wake.set, self._waiting.__len__, lambda: self.is_crowded)
        self._closing = False
        self._closed = False
        self._task = asyncio.create_task(self._run(), name="sessiond writer")

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.in_transaction

    @property
    def waiting_writes(self) -> int:
        """How many operations wait."""
        return len(self._waiting)

    @property
    def waiting_bytes(self) -> int:
        """How much the operations that wait are to write."""
        return self._waiting.size_bytes

    @property
    def is_crowded(self) -> bool:
        """Whether so much waits that those who can wait with more should."""
        return self.waiting_bytes >= CROWDED_BYTES

    async def wait_for_room(self) -> None:
        """Returns when some of what waits is taken; for who finds it crowded."""
        await self._taken.wait()

    async def wait_for_removals_when_full(self) -> None:
        """Returns, where the disk is full, when what deletions have left is removed, or could not be; else at once.

        For who deletes there to make room.
        """
        if not self._is_full:
            return
        while self._removal.is_due() and not self._removal.is_failing and not self._closing:
            await self._chore_done.wait()

    def submit(self, operation: Operation[T], source: object = None) -> "asyncio.Future[T]":
        """Queues an operation; those of a source submitted one after another are applied in that order.

        `source` is its stream.

        The future is done when the write is on disk and visible to reads. Cancelling it before the writer took the
        operation drops it; after that the outcome is unknown to the caller.
        """
        if self._closing:
            raise DrainingError
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        write = WaitingWrite(operation, future, source)
        self._waiting.put(write, is_little=not self._gathering.waits(source))
        if write.goes_first:
            self._is_one_first = True
            self._patience.run_out()
        self._gathering.came(source)
        return future

    async def drain(self) -> None:
        """Refuses what comes from now on, and applies what was submitted."""
        self._closing = True
        self._chore_done.set()
        self._wake.set()
        await self._task

    async def close(self) -> None:
        """Drains the queue and closes the connection; a second time does nothing."""
        await self.drain()
        if self._closed:
            return
        self._closed = True
        if await self._connection.run(self._upkeep.prepare_to_close):
            await self._connection.close()
            self._upkeep.close()

    async def _run(self) -> None:
        while True:
            try:
                if not self._closing:
                    await self._wait()
                    self._wake.clear()
                self._gathering.taken()
                for chore in self._due_chores():
                    if chore.seconds_left() == 0:
                        await self._do(chore)
                group = self._take_group()
                if group.writes:
                    await self._apply_whatever_happens(group)
                elif self._closing:
                    return
                self._gathering.written(self._waiting.written(), self._waiting.sources())
            except Exception:  # noqa: BLE001
                # Nobody foresaw it, and nobody would see that the task is over, for which all writes wait.
                _log.exception("the writer begins again")
                await asyncio.sleep(PROBE_SECONDS)
                self._wake.set()

    async def _wait(self) -> None:
        """Waits for operations; while writing is not possible, tries it from time to time."""
        while not self.state.possible and not self._closing:
            try:
                async with asyncio.timeout(min([PROBE_SECONDS, *self._seconds_to_chores()])):
                    await self._wake.wait()
            except TimeoutError:
                if 0 in self._seconds_to_chores():
                    return
                await self._probe()
            else:
                return
        with suppress(TimeoutError):
            async with asyncio.timeout(min(self._seconds_to_chores(), default=None)):
                await self._wake.wait()

    def _due_chores(self) -> list[Chore]:
        """What there is to do, sooner or later, and may be done."""
        possible = self.state.possible
        return [
            chore
            for chore in self._chores
            if chore.is_due() and not self._closing and (possible or chore.operation.frees_room)
        ]

    def _seconds_to_chores(self) -> list[float]:
        """How long it is until a little is to be done of each."""
        return [chore.seconds_left() for chore in self._due_chores()]

    async def _do(self, chore: Chore) -> None:
        """Does a little of a chore."""
        began = time.monotonic()
        try:
            applied = await self._write_whatever_room_there_is(chore.operation)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody waits for this
            failure: Exception | None = error
        else:
            (failure,) = applied.outcomes
        if failure is None:
            chore.took(time.monotonic() - began)
            if applied.checkpoint_is_due:
                await self._checkpoint()
        else:
            chore.failed(failure)
        if isinstance(failure, _STORAGE_ERRORS) or not self.state.possible:
            await self._probe()
        self._chore_done.set()
        self._chore_done.clear()

    async def _write_whatever_room_there_is(self, operation: Operation[None]) -> AppliedGroup:
        try:
            return await self._write([operation])
        except StorageFullError:
            if not operation.frees_room:
                raise
            return await self._write_with_reserve(operation)

    def _take_group(self) -> Group:
        self._is_one_first = False
        group = self._waiting.take()
        self._taken.set()
        # What is left may be too much still: who comes now waits for the next group.
        self._taken.clear()
        return group

    async def _apply_whatever_happens(self, group: Group) -> None:
        """Applies a group; what nobody foresaw is the answer of those that have none, and does not end the writer."""
        try:
            await self._apply(group)
        except Exception as error:  # noqa: BLE001 - nobody foresaw it
            _log.exception("a group of writes could not be answered")
            while group.writes:
                _fail(group.writes.popleft().future, error)

    async def _apply(self, group: Group) -> None:
        writes = group.writes
        operations = [write.operation for write in writes]
        try:
            applied = await self._write(operations, lambda count: self._is_one_first and count >= group.least)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer of those who wait
            await self._answer_failure(writes, error)
            return
        # The thread keeps what it did last until there is something else to do.
        operations.clear()
        if len(applied.outcomes) < len(writes):
            self._waiting.put_back(writes, len(applied.outcomes))
        await self._answer(writes, applied)
        if applied.checkpoint_is_due:
            await self._checkpoint()
        if not self.state.possible:
            await self._probe()

    async def _checkpoint(self) -> None:
        """After the answers: nobody has to wait for it but who writes next; who goes first has not to, once."""
        self._is_checkpoint_late = self._is_one_first and not self._is_checkpoint_late
        if not self._is_checkpoint_late:
            await self._look_after(self._upkeep.checkpoint)

    async def _look_after(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Does something about the files for which nobody waits, and which is due again when it fails."""
        try:
            await self._connection.run(work)
        except Exception as error:  # noqa: BLE001 - whatever it is, the writes go on
            _log.warning("the files of the store could not be looked after: %s", error)

    async def _write(
        self, operations: list[Operation[Any]], ends_after: Callable[[int], bool] = lambda _: False
    ) -> AppliedGroup:
        self._patience = Patience(PATIENCE_SECONDS + OPERATION_PATIENCE_SECONDS * len(operations))
        return await self._connection.run(
            lambda connection: self._groups.apply(connection, operations, ends_after), self._patience
        )

    async def _answer_failure(self, writes: deque[WaitingWrite], error: Exception) -> None:
        if len(writes) > 1 and not isinstance(error, StorageFullError | StorageUnavailableError):
            # One operation spoils the group, in a way that nobody foresaw or by what is damaged in its session: each
            # gets a transaction of its own.
            while writes:
                await self._apply(Group(deque([writes.popleft()]), 1))
            return
        _log.warning("a group of %d writes failed: %s", len(writes), type(error).__name__)
        self._is_full = isinstance(error, StorageFullError)
        while writes:
            write = writes.popleft()
            if write.operation.frees_room and self._is_full:
                await self._apply_with_reserve(write)
            else:
                _fail(write.future, error)
        if isinstance(error, _STORAGE_ERRORS):
            await self._probe()

    async def _apply_with_reserve(self, write: WaitingWrite) -> None:
        """Applies what frees room, on a full disk."""
        try:
            applied = await self._write_with_reserve(write.operation)
        except Exception as error:  # noqa: BLE001 - as in _apply
            _fail(write.future, error)
            return
        await self._answer(deque([write]), applied)

    async def _write_with_reserve(self, operation: Operation[Any]) -> AppliedGroup:
        return await self._connection.run(
            lambda connection: self._upkeep.with_reserve(
                connection, lambda: self._groups.apply(connection, [operation])
            )
        )

    async def _answer(self, writes: deque[WaitingWrite], applied: AppliedGroup) -> None:
        """Tells all of them, and empties both: what a large group was made of is freed a little at a time, too."""
        self.writes += len(writes)
        self.groups += 1
        changes = applied.publications
        while changes:
            self._publish({key: changes.pop(key) for key in tuple(islice(changes, ANSWERS_A_TURN))})
            if changes:
                await asyncio.sleep(0)
        outcomes = deque(applied.outcomes)
        applied.outcomes.clear()
        while writes:
            write, outcome = writes.popleft(), outcomes.popleft()
            if isinstance(outcome, StoreError):
                _fail(write.future, outcome)
            elif not write.future.done():
                write.future.set_result(outcome)
            if writes and not len(writes) % ANSWERS_A_TURN:
                await asyncio.sleep(0)

    async def _probe(self) -> None:
        """Looks whether writing is possible."""
        try:
            for statement in PROBE:
                await self._write([Probe(statement)])
        except Exception as error:  # noqa: BLE001 - whatever it is, writing is not possible
            if self.state.possible:
                _log.error("writing is not possible: %s", error)
            self.state.note(possible=False)
            self._is_full = isinstance(error, StorageFullError)
            return
        self._is_full = False
        if not self.state.possible:
            _log.warning("writing is possible again")
            await self._look_after(lambda _: self._upkeep.refill())
        self.state.note(possible=True)


def _fail(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        # A caller that left does not look at its future; that is no reason to complain.
        future.exception()
