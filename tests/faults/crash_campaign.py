"""Kills the daemon again and again under load, and checks that nothing acknowledged is lost.

The load: writers that append events over a pipelined stream, each event with an id and a number of its own, and tails
that follow the sessions all the way through. After the last kill the checker compares what was acknowledged, what is
stored and what each tail saw.

    python -m tests.faults.crash_campaign --kills 30 --seed 7
"""

import argparse
import asyncio
import random
import signal
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from sessiond.store.sqlite.engine import DATABASE_NAME
from sessionstore import AsyncSessionStore
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part, user_message
from tests.integration.process import DaemonProcess

SESSIONS = 4
PAUSE_SECONDS = (0.05, 0.6)

__all__ = ["History", "check", "run_campaign"]


@dataclass
class History:
    """What one session's writer and tail saw.

    Attributes:
        acknowledged: By sequence: the ids of the events that the daemon said it had stored.
        tailed: The sequences and ids in the order in which the tail gave them.
    """

    session_id: str
    acknowledged: dict[int, str] = field(default_factory=dict)
    tailed: list[tuple[int, str]] = field(default_factory=list)

    def acknowledge(self, request: pb.CommitRequest, response: pb.CommitResponse) -> None:
        """Notes what the daemon says it has stored."""
        for mutation, result in zip(request.mutations, response.results, strict=True):
            if result.HasField("append_event"):
                self.acknowledged[result.append_event.sequence] = mutation.append_event.event_id


def check(history: History, stored: list[tuple[int, str]]) -> list[str]:
    """What of the promises a history breaks, given the sequences and ids in the database, in order."""
    found = []
    by_sequence = dict(stored)
    if [sequence for sequence, _ in stored] != list(range(len(stored))):
        found.append("sequences are not dense")
    if len({event_id for _, event_id in stored}) != len(stored):
        found.append("an event is stored twice")
    lost = [sequence for sequence, event_id in history.acknowledged.items() if by_sequence.get(sequence) != event_id]
    if lost:
        found.append(f"acknowledged and not stored as acknowledged: {lost[:5]}")
    if history.tailed != stored:
        found.append("the tail did not see exactly what is stored, once and in order")
    return [f"{history.session_id}: {violation}" for violation in found]


def read_back(data_dir: Path, session_id: str) -> list[tuple[int, str]]:
    """The sequences and ids of a session's events, as the database has them."""
    with sqlite3.connect(data_dir / DATABASE_NAME) as connection:
        rows = connection.execute(
            "SELECT e.sequence, e.event_id FROM events e JOIN sessions s USING (session_key) WHERE s.id = ?"
            " ORDER BY e.sequence",
            (session_id,),
        ).fetchall()
    connection.close()
    return [(sequence, event_id) for sequence, event_id in rows]


def check_database(data_dir: Path) -> list[str]:
    """What of the database itself is wrong: its structure, its references and its counters."""
    with sqlite3.connect(data_dir / DATABASE_NAME) as connection:
        found = [f"integrity: {row[0]}" for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        found += [f"foreign key: {row}" for row in connection.execute("PRAGMA foreign_key_check")]
        counted = connection.execute(
            "SELECT s.id, s.next_event, s.message_count,"
            " (SELECT count(*) FROM events e WHERE e.session_key = s.session_key),"
            " (SELECT count(*) FROM messages m WHERE m.session_key = s.session_key) FROM sessions s"
        ).fetchall()
    connection.close()
    for session_id, next_event, message_count, events, messages in counted:
        if (next_event, message_count) != (events, messages):
            found.append(
                f"{session_id}: counters {next_event}, {message_count} for {events} events, {messages} messages"
            )
        # Each commit holds one message and two events: all of it is there, or nothing.
        if events != 2 * messages:
            found.append(f"{session_id}: a commit is there in part: {events} events, {messages} messages")
    return found


def _commit(session_id: str, number: str) -> pb.CommitRequest:
    """A message between two events, which belong together."""
    name = f"{session_id}-{number}"
    return commit(
        session_id,
        append(part(name), f"{name}-a"),
        pb.Mutation(append_message=user_message(name)),
        append(part(name), f"{name}-b"),
    )


async def _write(client: AsyncSessionStore, history: History, stop: asyncio.Event) -> None:
    sent: list[pb.CommitRequest] = []

    async def commits() -> AsyncIterator[pb.CommitRequest]:
        number = 0
        while not stop.is_set():
            request = _commit(history.session_id, str(number))
            sent.append(request)
            yield request
            number += 1
            if number % 50 == 0:
                await asyncio.sleep(0.005)

    answered = 0
    async for outcome in client.write(commits()):
        if outcome.WhichOneof("outcome") != "result":
            raise AssertionError(f"a commit was refused: {outcome.error.message}")
        history.acknowledge(sent[answered], outcome.result)
        answered += 1


async def _follow(client: AsyncSessionStore, history: History, last_id: str) -> None:
    async with client.tail(history.session_id, heartbeat_interval_seconds=1) as tail:
        async for event in tail:
            history.tailed.append((event.sequence, event.event_id))
            if event.event_id == last_id:
                return


async def run_campaign(folder: Path, kills: int, seed: int) -> tuple[list[History], list[str]]:
    """Runs the load with so many kills; returns the histories and the violations."""
    chance = random.Random(seed)
    histories = [History(f"s{index}") for index in range(SESSIONS)]
    with DaemonProcess(folder) as daemon:
        async with AsyncSessionStore(daemon.address) as client:
            for history in histories:
                await client.create_session(session_id=history.session_id)
            stop = asyncio.Event()
            writers = [asyncio.create_task(_write(client, history, stop)) for history in histories]
            tails = [
                asyncio.create_task(_follow(client, history, f"{history.session_id}-end-b")) for history in histories
            ]
            for _ in range(kills):
                await asyncio.sleep(chance.uniform(*PAUSE_SECONDS))
                await asyncio.to_thread(daemon.stop, signal.SIGKILL)
                await asyncio.to_thread(daemon.start)
            stop.set()
            await asyncio.wait_for(asyncio.gather(*writers), 60)
            for history in histories:
                request = _commit(history.session_id, "end")
                history.acknowledge(request, await client.commit(history.session_id, request.mutations))
            await asyncio.wait_for(asyncio.gather(*tails), 60)
        daemon.stop()
    violations = check_database(daemon.data_dir)
    for history in histories:
        violations += check(history, read_back(daemon.data_dir, history.session_id))
    return histories, violations


def main() -> int:
    """Runs a campaign from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sessiond-faults-") as folder:
        histories, violations = asyncio.run(run_campaign(Path(folder), arguments.kills, arguments.seed))
    acknowledged = sum(len(history.acknowledged) for history in histories)
    sys.stdout.write(
        f"{arguments.kills} kills, {acknowledged} acknowledged events checked, {len(violations)} violations"
        f" (seed {arguments.seed})\n"
    )
    for violation in violations:
        sys.stdout.write(f"  {violation}\n")
    return 1 if violations or not acknowledged else 0


if __name__ == "__main__":
    sys.exit(main())
