"""A process of hostile clients, to be stopped, killed or cut off.

    python -m tests.faults.clients.attacker ADDRESS SESSION TAILS

It follows the session with so many tails, and appends to it over a stream, as fast as it can. It writes `ready` when
all tails are open.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import grpc

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.builders import append, commit, part
from tests.faults.clients.attack import ended

__all__ = ["attacker"]


@asynccontextmanager
async def attacker(
    address: str, session: str, tails: int, inside: tuple[str, ...] = ()
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that is ready, for as long as the block; `inside` is the command that puts it somewhere else."""
    command = [*inside, sys.executable, "-m", "tests.faults.clients.attacker", address, session, str(tails)]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        if process.stdout is None or await process.stdout.readline() != b"ready\n":
            raise RuntimeError("the attacker did not get ready")
        yield process
    finally:
        await ended(process)


async def _follow(stub: SessionStoreServiceStub, session: str, ready: asyncio.Semaphore) -> None:
    call = stub.TailEvents(pb.TailEventsRequest(session_id=session, from_now=True))
    await call.read()
    ready.release()
    while await call.read() is not grpc.aio.EOF:
        pass


async def _write(stub: SessionStoreServiceStub, session: str) -> None:
    async def requests() -> AsyncIterator[pb.WriteRequest]:
        for number in count():
            yield pb.WriteRequest(commits=[commit(session, append(part(f"{number}")))] * 10)

    async for _ in stub.Write(requests()):
        pass


async def _attack(address: str, session: str, tails: int) -> None:
    async with grpc.aio.insecure_channel(address, options=[("grpc.default_authority", "localhost")]) as channel:
        stub = SessionStoreServiceStub(channel)
        ready = asyncio.Semaphore(0)
        async with asyncio.TaskGroup() as group:
            for _ in range(tails):
                group.create_task(_follow(stub, session, ready))
            for _ in range(tails):
                await ready.acquire()
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            group.create_task(_write(stub, session))


if __name__ == "__main__":
    asyncio.run(_attack(sys.argv[1], sys.argv[2], int(sys.argv[3])))
