"""One attack: who attacks whom, and what is seen of it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import Event
from tests.faults.clients.attacked_daemon import AttackedDaemon
from tests.faults.clients.healthy import HealthyClient

__all__ = ["Attack", "Sizes"]

ROUNDS_AT_ONCE = 5


@dataclass(frozen=True)
class Sizes:
    """How much of everything there is.

    Attributes:
        tails: The tails that are open at once.
        workers: The calls of a flood that are under way at once.
        large_workers: The same, of calls with the largest messages.
        rounds: How often the healthy client is served in an attack.
        most_seconds: After which an attack is over all the same.
        sessions: How many sessions the store may hold where they are flooded.
        sweep: The moments at which each call is cancelled.
    """

    tails: int
    workers: int
    large_workers: int
    rounds: int
    most_seconds: float
    sessions: int
    sweep: int


@dataclass
class Attack:
    """What an attack has to work with, and what is to be checked after it.

    Attributes:
        seconds: How long each call of the healthy client took meanwhile.
        acknowledged: The sequence of each event that attackers were told is stored, by session and id.
        counts: What the attackers did.
        is_over: Whether the healthy client has made its rounds, and attackers are to leave.
    """

    daemon: AttackedDaemon
    healthy: HealthyClient
    sizes: Sizes
    seconds: list[float] = field(default_factory=list)
    acknowledged: dict[str, dict[str, int]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    is_over: bool = False

    async def session(self, name: str) -> str:
        """A new session."""
        await self.daemon.client.create_session(session_id=name)
        self.acknowledged[name] = {}
        return name

    async def serve(self) -> None:
        """Lets the healthy client make its rounds."""
        end, left = monotonic() + self.sizes.most_seconds, self.sizes.rounds
        while left > 0 and monotonic() < end:
            self.seconds += await self.healthy.serve(ROUNDS_AT_ONCE)
            left -= ROUNDS_AT_ONCE

    async def flood(self, workers: int, one: Callable[[int], Awaitable[object]]) -> None:
        """Lets so many workers do one thing after the other until the healthy client has made its rounds."""
        self.is_over = False

        async def work(number: int) -> None:
            while not self.is_over:
                await one(number)

        async with asyncio.TaskGroup() as group:
            for number in range(workers):
                group.create_task(work(number))
            try:
                await self.serve()
            finally:
                self.is_over = True

    async def beside(self, work: Callable[[], Awaitable[object]]) -> None:
        """Repeats some work until the healthy client has made its rounds."""

        async def one(_: int) -> object:
            return await work()

        await self.flood(1, one)

    async def append(self, stub: Any, session: str, name: str, event: Event) -> None:
        """Appends an event by the generated stub, and notes what is answered."""
        request = pb.AppendEventRequest(session_id=session, event=event, event_id=name)
        answer = await stub.AppendEvent(request)
        self.acknowledged[session][name] = answer.sequence
        self.counts["appended"] += 1

    async def lost(self) -> list[str]:
        """What was acknowledged, to whomever, and is not stored as it was."""
        promised = {**self.acknowledged, self.healthy.session: self.healthy.sequences}
        found = []
        for session, sequences in promised.items():
            stored = {event.event_id: event.sequence async for event in self.daemon.client.get_events(session)}
            missing = [name for name, sequence in sequences.items() if stored.get(name) != sequence]
            if missing:
                found.append(f"{session}: {len(missing)} acknowledged events are not stored, such as {missing[0]}")
        return found


async def ended(process: asyncio.subprocess.Process) -> None:
    """Kills a process that may have ended already."""
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
