"""A client that behaves: it appends and reads, one call at a time, in a process of its own.

    python -m tests.faults.clients.healthy ADDRESS SESSION

For each line with a number on its input it makes as many rounds, of an append and a read of the newest event, and
answers with a line of JSON: the seconds of each call, and the sequences that the appends got.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter

from sessionstore import AsyncSessionStore
from tests.builders import part

__all__ = ["HealthyClient", "healthy_client"]

PAUSE_SECONDS = 0.005
"""Between two rounds: who asks at once again measures what the machine can do."""

LINE_BYTES = 2**24


@dataclass
class HealthyClient:
    """The process, as who runs it sees it.

    Attributes:
        session: The session that it writes.
        sequences: The sequence of each event that was acknowledged, by its id.
    """

    process: Process
    session: str
    sequences: dict[str, int] = field(default_factory=dict)

    async def serve(self, rounds: int) -> list[float]:
        """Lets it make so many rounds; the seconds of each call. Raises RuntimeError when a call failed."""
        if self.process.stdin is None or self.process.stdout is None:
            raise AssertionError("the process has no pipes")
        self.process.stdin.write(f"{rounds}\n".encode())
        line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError("the healthy client failed; see its error above")
        answer = json.loads(line)
        self.sequences.update(answer["sequences"])
        seconds: list[float] = answer["seconds"]
        return seconds


@asynccontextmanager
async def healthy_client(address: str, session: str) -> AsyncIterator[HealthyClient]:
    """A process for as long as the block."""
    command = [sys.executable, "-m", "tests.faults.clients.healthy", address, session]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=LINE_BYTES)
    try:
        yield HealthyClient(process, session)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


async def _serve(address: str, session: str) -> None:
    async with AsyncSessionStore(address) as client:
        await client.create_session(session_id=session)
        number = 0
        while line := await asyncio.to_thread(sys.stdin.readline):
            seconds, sequences = [], {}
            for _ in range(int(line)):
                name, number = f"{session}-{number}", number + 1
                began = perf_counter()
                sequences[name] = (await client.append_event(session, part(name), event_id=name)).sequence
                appended = perf_counter()
                newest = [event async for event in client.get_events(session, descending=True, limit=1)]
                seconds += [appended - began, perf_counter() - appended]
                if [name] != [event.event_id for event in newest]:
                    raise RuntimeError(f"{name} was acknowledged, and the newest event is another one")
                await asyncio.sleep(PAUSE_SECONDS)
            sys.stdout.write(json.dumps({"seconds": seconds, "sequences": sequences}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.argv[2]))
