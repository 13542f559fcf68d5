"""A run of the store that is recorded, with a file in which it notes what it sends and what was acknowledged.

python -m tests.faults.power.recorded_run FOLDER full 7 [--failing-syncs] [--reader] [--trusting]
"""

import asyncio
import json
import logging
import os
import random
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from sessiond.store.errors import StorageUnavailableError
from sessiond.store.sqlite import removals, upkeep
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migrations import migrate
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part, user_message

__all__ = ["DELETED", "NOTES", "SESSIONS", "TRIMMED"]

NOTES = "notes"
"""The name of the file; each line is one JSON object."""

SESSIONS = ("a", "b")
TRIMMED, DELETED = "trimmed", "deleted"
ROUNDS = 40
CHECKPOINT_FRAMES = 24
"""So few that the run passes some checkpoints, after each of which the log begins anew."""

REMOVED_AT_ONCE = 8
"""So few that the session that is deleted goes in pieces."""

SYNCS_UNTIL_ONE_FAILS = 3
"""Where some fail, one of so many does, by chance."""

T = TypeVar("T")


class _Notes:
    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, kind: str, **values: Any) -> None:
        os.write(self._file, json.dumps({"kind": kind, **values}).encode() + b"\n")


async def _insist(write: Callable[[], Awaitable[T]]) -> T:
    """Writes until the disk takes it."""
    while True:
        try:
            return await write()
        except StorageUnavailableError:
            continue


async def _commit(store: SqliteStore, notes: _Notes, session_id: str, name: str, size: int) -> int:
    """Stores a message between two events; returns the sequence of the last."""
    request = commit(
        session_id,
        append(part("x" * size), f"{name}-1"),
        pb.Mutation(append_message=user_message(name, "y" * size)),
        append(part(name), f"{name}-2"),
    )
    notes.write("sent", name=name, commit=request.SerializeToString().hex())
    response = await _insist(lambda: store.submit(request))
    notes.write("acknowledged", name=name, response=response.SerializeToString().hex())
    return response.results[2].append_event.sequence


class _Reader:
    """Somebody who reads now and then, behind whom a checkpoint stops."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / DATABASE_NAME, isolation_level=None)

    def turn(self) -> None:
        """Begins to read, or ends."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        else:
            self._connection.execute("BEGIN")
            self._connection.execute("SELECT count(*) FROM sessions").fetchone()


async def _run(folder: Path, durability: Any, chance: random.Random, *, failing_syncs: bool, with_reader: bool) -> None:
    migrate(folder / DATABASE_NAME)
    upkeep.CHECKPOINT_FRAMES = CHECKPOINT_FRAMES
    removals.REMOVED_AT_ONCE = REMOVED_AT_ONCE
    store = await SqliteStore.open(folder, durability=durability)
    notes = _Notes(folder / NOTES)
    for session_id in (*SESSIONS, TRIMMED, DELETED):
        await store.create_session(pb.CreateSessionRequest(session_id=session_id))
        notes.write("created", session=session_id)
    if failing_syncs:
        os.environ["SESSIOND_RECORD_FAILS"] = str(SYNCS_UNTIL_ONE_FAILS)
    reader = _Reader(folder) if with_reader else None
    for number in range(ROUNDS):
        if reader is not None:
            reader.turn()
        # Some go together into one transaction.
        together = [f"{number}-{index}" for index in range(chance.randint(1, 4))]
        sizes = {name: chance.choice((10, 300, 6000)) for name in together}
        writing = [_commit(store, notes, chance.choice(SESSIONS), name, size) for name, size in sizes.items()]
        await asyncio.gather(*writing)
        last = await _commit(store, notes, TRIMMED, f"{number}-t", 20)
        if number % 8 == 5:
            notes.write("trim-sent", before=last - 3)
            trim = pb.DeleteEventsBeforeRequest(session_id=TRIMMED, before_sequence=last - 3)
            await _insist(lambda: store.delete_events_before(trim))  # noqa: B023 - called here
            notes.write("trim-acknowledged", before=last - 3)
        if number < ROUNDS // 2:
            await _commit(store, notes, DELETED, f"{number}-d", 50)
        if number == ROUNDS // 2:
            notes.write("deletion-sent")
            await _insist(lambda: store.delete_session(pb.DeleteSessionRequest(session_id=DELETED)))
            notes.write("deletion-acknowledged")


if __name__ == "__main__":
    # Not closed, so that the log stays where it is.
    loop = asyncio.new_event_loop()
    # Syncs that fail are many.
    logging.disable()
    folder, durability, seed, *more = sys.argv[1:]
    chance = random.Random(int(seed))
    if "--trusting" in more:
        # What must not be: going on after a failed sync as if the next one made up for it.
        upkeep.Upkeep.failed = lambda *_: None  # type: ignore[method-assign]
    loop.run_until_complete(
        _run(Path(folder), durability, chance, failing_syncs="--failing-syncs" in more, with_reader="--reader" in more)
    )
    os._exit(0)
