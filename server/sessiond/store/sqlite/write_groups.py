"""A group of writes: many operations in one transaction, of which each succeeds or fails alone."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sessiond.store.errors import CorruptedError, StorageUnavailableError, StoreError
from sessiond.store.sqlite.giving_way import GivingWay
from sessiond.store.sqlite.operations import Operation
from sessiond.store.sqlite.publication import Publication
from sessiond.store.sqlite.transaction import WriteTransaction
from sessiond.store.sqlite.upkeep import Upkeep
from sessiond.store.sqlite.writer_memory import WriterMemory

__all__ = ["AppliedGroup", "WriteGroups"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class AppliedGroup:
    """What a group came to, when it is on disk.

    Attributes:
        outcomes: What each operation returned, or the StoreError that it failed with, in their order; of those that
            were applied.
        publications: By session key: what to tell the tails.
        checkpoint_is_due: Whether the log has grown enough.
    """

    outcomes: list[Any]
    publications: dict[int, Publication]
    checkpoint_is_due: bool


class WriteGroups:
    """Applies groups, one after the other, in the thread of the writing connection."""

    def __init__(
        self, upkeep: Upkeep, memory: WriterMemory, giving_way: GivingWay, is_followed: Callable[[int], bool]
    ) -> None:
        """`is_followed` tells, in that thread, whether a session key has tails."""
        self._upkeep = upkeep
        self._memory = memory
        self._giving_way = giving_way
        self._is_followed = is_followed
        self._version: int | None = None
        """Changes when somebody else writes to the database."""

    def apply(
        self,
        connection: sqlite3.Connection,
        operations: Sequence[Operation[Any]],
        ends_after: Callable[[int], bool] = lambda _: False,
    ) -> AppliedGroup:
        """Applies them and commits. Raises what is no fault of one operation; then nothing was applied.

        `ends_after` is asked, with how many were applied, whether to commit now and leave the others.
        """
        self._giving_way.begin()
        try:
            self._upkeep.before_writing()
            connection.execute("BEGIN IMMEDIATE")
            self._notice_others(connection)
            transaction = WriteTransaction(connection, self._is_followed, self._memory, self._giving_way)
            outcomes: list[Any] = []
            for operation in operations:
                if ends_after(len(outcomes)):
                    break
                outcomes.append(_apply_one(transaction, operation))
            transaction.write_rows()
            connection.execute("COMMIT")
            self._confirm()
        except BaseException as error:
            self._memory.forget()
            self._upkeep.failed(error)
            # A full disk or a failed sync may have ended the transaction already.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if self._upkeep.is_damage(error):
                raise CorruptedError("the head of the database") from error
            raise
        self._memory.trim()
        return AppliedGroup(outcomes, transaction.publications, self._upkeep.checkpoint_is_due())

    def _confirm(self) -> None:
        """Raises StorageUnavailableError, whatever it is: a group that may be on disk must not be applied again."""
        try:
            self._upkeep.after_commit()
        except StorageUnavailableError:
            raise
        except Exception as error:
            raise StorageUnavailableError from error

    def _notice_others(self, connection: sqlite3.Connection) -> None:
        """Nobody else should write to the database. If somebody did, what is remembered of it may be wrong."""
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if self._version not in (None, version):
            _log.warning("another program wrote to the store's database")
            self._memory.forget()
        self._version = version


def _apply_one(transaction: WriteTransaction, operation: Operation[Any]) -> Any:
    transaction.give_way()
    if not operation.atomic:
        try:
            return operation.apply(transaction)
        except StoreError as error:
            return error.with_traceback(None)
    transaction.begin_atomic()
    try:
        result = operation.apply(transaction)
    except StoreError as error:
        transaction.undo_atomic()
        return error.with_traceback(None)
    transaction.end_atomic()
    return result
