"""Where a daemon of the campaigns may be made to die.

The daemon itself knows nothing of this: the functions at these points are wrapped in the process that is to die, so
that they cost nothing anywhere else.
"""

import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Mapping
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import Any
from unittest.mock import patch

from sessiond.services.admin import AdminService
from sessiond.services.single_mutations import SingleMutations
from sessiond.services.write_stream import WriteStream
from sessiond.store.sqlite import (
    appends,
    commits,
    horizon_advance,
    label_horizon,
    removals,
    session_operations,
    session_updates,
    tool_call_updates,
    transaction,
    trims,
)
from sessiond.store.sqlite.feeds import FeedHub
from sessiond.store.sqlite.transaction import WriteTransaction
from sessiond.store.sqlite.trims import DeleteEventsBefore
from sessiond.store.sqlite.waiting_writes import WaitingWrites
from sessiond.store.sqlite.wakeups import Wakeups
from sessiond.store.sqlite.write_groups import WriteGroups
from sessiond.tailing import Tail

__all__ = ["FAILPOINTS", "WRAPPED", "arm"]

WRAPPED: Mapping[str, tuple[object, str]] = {
    "group": (WriteGroups, "apply"),
    "commit-operation": (commits.CommitOperation, "apply"),
    "one-event": (commits.AppendOneEvent, "apply"),
    "append-event": (appends.AppendEvent, "apply"),
    "append-message": (appends.AppendMessage, "apply"),
    "create-tool-call": (appends.CreateToolCall, "apply"),
    "update-tool-call": (tool_call_updates.UpdateToolCall, "apply"),
    "update-session": (session_updates.UpdateSession, "apply"),
    "set-active-message": (session_updates.SetActiveMessage, "apply"),
    "create-session": (session_operations.CreateSession, "apply"),
    "delete-session": (session_operations.DeleteSession, "apply"),
    "archive-session": (session_operations.ArchiveSession, "apply"),
    "restore-session": (session_operations.RestoreSession, "apply"),
    "delete-archive": (session_operations.DeleteArchive, "apply"),
    "removal": (removals.RemovePiece, "apply"),
    "trim": (DeleteEventsBefore, "apply"),
    "rows": (WriteTransaction, "write_rows"),
    "advance": (WriteTransaction, "advance_horizon"),
    "put-back": (WaitingWrites, "put_back"),
    "publish": (FeedHub, "publish"),
    "wake-up": (Wakeups, "wake"),
    "tail-frame": (Tail, "_batch"),
    "tail-pin": (Tail, "_caught_up"),
    "stream-answer": (WriteStream, "_next_response"),
    "call-answer": (SingleMutations, "Commit"),
    "event-answer": (SingleMutations, "AppendEvent"),
    "archive-answer": (AdminService, "ArchiveSession"),
    "restore-answer": (AdminService, "RestoreSession"),
}
"""By point: the owner and the name of the function that is wrapped."""

_SOONER = (
    (label_horizon, "HOT_SESSIONS"),
    (label_horizon, "AT_ONCE"),
    (horizon_advance, "HOT_SESSIONS"),
    (horizon_advance, "AT_ONCE"),
    (transaction, "EVENTS_AT_ONCE"),
    (removals, "REMOVED_AT_ONCE"),
    (trims, "TRIMMED_AT_ONCE"),
)
"""What is done some at a time: hundreds of sessions would have to be written to for the horizon of the labels to
advance, a commit of few events would seldom be the one that indexes, and no session is so large that it is removed in
pieces."""

_STATEMENTS = {"begin": "BEGIN IMMEDIATE", "commit": "COMMIT"}
_CHECKPOINT = "checkpoint"

FAILPOINTS: tuple[str, ...] = (
    *(f"{point}-{when}" for point in (*WRAPPED, *_STATEMENTS, _CHECKPOINT) for when in ("before", "after")),
    f"{_CHECKPOINT}-during",
)
"""Before and after each of the points; and in the middle of a checkpoint of the log."""

CHECKPOINT_SECONDS = 0.0003
"""About how long after the begin of a checkpoint its middle is."""


class _Death:
    """Comes when its point is passed for the n-th time."""

    def __init__(self, failpoint: str, passes: int) -> None:
        self._failpoint = failpoint
        self._left = passes

    def pass_by(self, failpoint: str) -> bool:
        """Dies here, if it is time to. Returns whether it is time to die at a point that cannot be met exactly."""
        if failpoint != self._failpoint:
            return False
        self._left -= 1
        if self._left:
            return False
        if failpoint == f"{_CHECKPOINT}-during":
            return True
        die()
        return False


def die() -> None:
    """Ends this process as a crash does."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(failpoint: str, passes: int) -> None:
    """Lets this process die when it passes the point for the n-th time. Raises KeyError for a point that is none."""
    if failpoint not in FAILPOINTS:
        raise KeyError(failpoint)
    death = _Death(failpoint, passes)
    for module, name in _SOONER:
        patch.object(module, name, 2).start()
    point = failpoint.rpartition("-")[0]
    if point in WRAPPED:
        owner, name = WRAPPED[point]
        patch.object(owner, name, _around(getattr(owner, name), point, death)).start()
    else:
        patch.object(sqlite3, "connect", partial(sqlite3.connect, factory=_connection(death))).start()


def _around(function: Callable[..., Any], point: str, death: _Death) -> Callable[..., Any]:
    @wraps(function)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        death.pass_by(f"{point}-before")
        result = function(*arguments, **named)
        death.pass_by(f"{point}-after")
        return result

    @wraps(function)
    async def wrapped_call(*arguments: Any, **named: Any) -> Any:
        death.pass_by(f"{point}-before")
        result = await function(*arguments, **named)
        death.pass_by(f"{point}-after")
        return result

    return wrapped_call if iscoroutinefunction(function) else wrapped


def _connection(death: _Death) -> type[sqlite3.Connection]:
    points = {statement: point for point, statement in _STATEMENTS.items()}

    class Dying(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            point = points.get(sql)
            if point is None:
                return super().execute(sql, *parameters)
            death.pass_by(f"{point}-before")
            cursor = super().execute(sql, *parameters)
            death.pass_by(f"{point}-after")
            if point == "commit":
                self._checkpoint()
            return cursor

        def _checkpoint(self) -> None:
            # The daemon's own come when the log is long; this is one more.
            death.pass_by(f"{_CHECKPOINT}-before")
            if death.pass_by(f"{_CHECKPOINT}-during"):
                threading.Timer(CHECKPOINT_SECONDS, die).start()
            super().execute("PRAGMA wal_checkpoint(PASSIVE)")
            death.pass_by(f"{_CHECKPOINT}-after")

    return Dying
