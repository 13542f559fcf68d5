"""Makes calls whose writes the writer finds waiting together, so that they are applied as one group.

What a group comes to depends on the order of its writes, and that is the writer's own: it is told, write by write.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple
from unittest.mock import patch

from google.protobuf.message import Message

from sessiond.store.errors import StorageUnavailableError
from sessiond.store.sqlite.transaction import WriteTransaction
from sessiond.store.sqlite.upkeep import Upkeep
from sessiond.store.sqlite.write_groups import WriteGroups
from sessiond.store.sqlite.writer import Writer
from tests.fuzz.stack import Answered, Stack
from tests.unit.store.held_writes import HeldWrite

__all__ = ["FAILURES", "LOST", "NO_MEMORY", "UNSURE", "MadeTogether", "make_together"]

LOST, UNSURE, NO_MEMORY = "the disk fails", "the memory is short after the commit", "the memory is short"
FAILURES = (LOST, UNSURE, NO_MEMORY)
"""How a group may fail as a whole, once. After the last its writes are applied one by one."""

TURNS = 32
"""After so many turns of the loop each call has come to the writer; one that has not is in a later group."""

_call: ContextVar[int] = ContextVar("the number of the call that is being made")


class MadeTogether(NamedTuple):
    """What became of the calls.

    Attributes:
        answered: Of each call, in their order.
        order: The writes as they were applied: the number of the call, and of the write among those of the call.
    """

    answered: list[Answered]
    order: list[tuple[int, int]]


async def make_together(stack: Stack, calls: Sequence[tuple[str, Message]], failure: str | None = None) -> MadeTogether:
    """Makes the calls at once, while the writer is held up; `failure` is what befalls the first group."""
    order: list[tuple[int, int]] = []

    async def make(number: int, name: str, request: Message) -> Answered:
        _call.set(number)
        return await stack.call(name, request)

    held = HeldWrite()
    submitted = stack.store._writer.submit(held)
    await asyncio.to_thread(held.begun.wait)
    with _noted(order, failure):
        tasks = [asyncio.create_task(make(number, *call)) for number, call in enumerate(calls)]
        for _ in range(TURNS):
            await asyncio.sleep(0)
        held.go_on.set()
        await submitted
        # What is patched now is met by the group that waits, and not by the write that held it up.
        with ExitStack() as failing:
            if failure is not None:
                failing.enter_context(_failing(failure))
            answered = await asyncio.gather(*tasks)
    return MadeTogether(answered, order)


@contextmanager
def _noted(order: list[tuple[int, int]], failure: str | None) -> Iterator[None]:
    """Notes the order in which the writes of calls are applied; of a group of which nobody knows, that it is."""
    numbers: dict[int, int] = {}
    writes: dict[int, tuple[int, int]] = {}
    submit, apply = Writer.submit, WriteGroups.apply

    def noted_submit(self: Writer, operation: Any, source: object = None) -> Any:
        call = _call.get()
        writes[id(operation)] = call, numbers.setdefault(call, 0)
        numbers[call] += 1
        return submit(self, operation, source)

    def noted_apply(self: WriteGroups, connection: Any, operations: Any, *more: Any) -> Any:
        known = [writes[id(operation)] for operation in operations if id(operation) in writes]
        try:
            applied = apply(self, connection, operations, *more)
        except StorageUnavailableError:
            if failure == UNSURE:
                order.extend(known)
            raise
        order.extend(known[: len(applied.outcomes)])
        return applied

    with patch.object(Writer, "submit", noted_submit), patch.object(WriteGroups, "apply", noted_apply):
        yield


def _failing(failure: str) -> Any:
    """Has the next group fail."""
    failures = iter([failure])
    if failure == UNSURE:
        after_commit = Upkeep.after_commit

        def unsure(self: Upkeep) -> None:
            for _ in failures:
                raise MemoryError
            after_commit(self)

        return patch.object(Upkeep, "after_commit", unsure)
    write_rows = WriteTransaction.write_rows

    def failing(self: WriteTransaction) -> None:
        write_rows(self)
        for _ in failures:
            if failure == NO_MEMORY:
                raise MemoryError
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_IOERR, "SQLITE_IOERR"
            raise error

    return patch.object(WriteTransaction, "write_rows", failing)
