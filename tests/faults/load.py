"""A mixed load on a daemon that comes and goes, of clients that write down what they see.

Every client goes on until it is told to stop; what breaks is tried again with the same ids, by the client library or
here, but for one writer that never repeats anything: of what it sent last, nobody knows whether it is stored.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc

from sessionstore import AsyncSessionStore
from sessionstore.errors import SequenceConflictError, ServerUnavailableError
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.builders import append, commit, custom, part
from tests.faults.archivists import Archivist
from tests.faults.blocking_clients import BlockingClients
from tests.faults.callers import Callers
from tests.faults.followers import PARTS, follow, follow_by_library, follow_from_now
from tests.faults.history import ARCHIVED, GONE, SessionHistory, TailHistory
from tests.faults.imports import Imports
from tests.faults.insisting import PAUSE_SECONDS, RECONNECTING, insist
from tests.faults.meddlers import Meddler
from tests.faults.moves import move
from tests.faults.noted_commits import append_surely, commit_once, commit_surely, end_session
from tests.faults.small_commits import message_between_events
from tests.faults.turns import turns

__all__ = ["Load"]

STREAMED, CALLED, RACED, TRIMMED, UNSURE = "streamed", "called", "raced", "trimmed", "unsure"
BLOCKED = "blocked"
SHORT, SHORT_STEPS = "short", ((), (GONE,), (ARCHIVED, GONE))
LABELLED = SessionConfig(metadata={"team": "faults", "kind": "load"})
PATIENCE_SECONDS = 300.0
"""Some lives of the daemon are too short for an answer, and several of them may follow on each other."""

ARCHIVISTS = 2
MEDDLERS = 1

KEPT, TRIMMED_AT_ONCE = 4, 3
"""How many events a trim leaves, and after how many more there is another one.

Under load an event takes a fifth of a second: with more between two trims, few lives of a daemon would meet one.
"""


class Load:
    """The clients of one campaign, and their histories."""

    def __init__(self, address: str, folder: Path, recorded: Sequence[Path] = ()) -> None:
        """`folder` is for what clients need; `recorded` are sessions to be imported, beside those made here."""
        self._address = address
        self._client = AsyncSessionStore(address, timeout_seconds=PATIENCE_SECONDS)
        self._stopped = asyncio.Event()
        self._long = [SessionHistory(name) for name in (STREAMED, CALLED, RACED, TRIMMED, UNSURE, BLOCKED)]
        self._short: list[SessionHistory] = []
        self._archivists = [Archivist(self._client, address, number, self._stopped) for number in range(ARCHIVISTS)]
        self._meddlers = [Meddler(self._client, address, number, self._stopped) for number in range(MEDDLERS)]
        self._imports = Imports(self._client, address, folder, recorded, self._stopped)
        self._channel = grpc.aio.insecure_channel(address, options=RECONNECTING)
        self._tasks: list[asyncio.Task[None]] = []
        self._tails: list[asyncio.Task[None]] = []

    @property
    def histories(self) -> list[SessionHistory]:
        """What was seen so far."""
        archived = [history for archivist in self._archivists for history in archivist.histories]
        meddled = [history for meddler in self._meddlers for history in meddler.histories]
        return [*self._long, *self._short, *archived, *meddled]

    @property
    def imports(self) -> Imports:
        """The importers."""
        return self._imports

    @property
    def acknowledged(self) -> int:
        """How many events and messages were acknowledged."""
        writes = [write for history in self.histories for write in history.writes if write.sequences is not None]
        return sum(len(write.events) + len(write.messages) for write in writes)

    async def start(self) -> None:
        """Creates the sessions, and sets everybody to work."""
        await self._client.__aenter__()
        streamed, called, raced, trimmed, unsure, blocked = self._long
        for history in self._long:
            await insist(self._client.create_session, LABELLED, session_id=history.session_id)
        stub: Any = SessionStoreServiceStub(self._channel)
        without_asyncio = BlockingClients(self._address, blocked)
        writers: list[Coroutine[Any, Any, None]] = [
            self._stream(streamed),
            self._race(raced),
            self._race_by_calls(stub, raced),
            self._trim(trimmed),
            self._never_repeat(unsure),
            without_asyncio.write(self._stopped),
            self._live_short(),
            self._read(streamed),
            self._read(called),
            *Callers(self._client, stub, called, self._stopped).workers(),
            *(archivist.work() for archivist in self._archivists),
            *(meddler.work() for meddler in self._meddlers),
            *self._imports.workers(),
        ]
        self._tasks = [asyncio.create_task(writer) for writer in writers]
        tails = [follow(stub, history, TailHistory(types)) for history in self._long for types in ((), PARTS)]
        tails += [follow_by_library(self._client, history) for history in (streamed, called, raced)]
        tails += [follow_from_now(stub, history, self._stopped) for history in (streamed, raced, trimmed)]
        tails += [follow_by_library(self._client, called, from_now=True), without_asyncio.tail()]
        self._tails = [asyncio.create_task(tail) for tail in tails]

    async def finish(self, patience_seconds: float) -> None:
        """Stops the writers, ends each session with an event that ends its tails, and waits for all of them."""
        self._stopped.set()
        await asyncio.wait_for(asyncio.gather(*self._tasks), patience_seconds)
        for history in self._long:
            await end_session(self._client, history)
        await asyncio.wait_for(asyncio.gather(*self._tails), patience_seconds)
        await self._client.close()
        await self._channel.close()

    def broken(self) -> BaseException | None:
        """What ended one of the clients, which nothing should."""
        done = [task for task in (*self._tasks, *self._tails) if task.done() and not task.cancelled()]
        return next((error for task in done if (error := task.exception()) is not None), None)

    async def _stream(self, history: SessionHistory) -> None:
        """Commits of a message between two events, in flight by the dozen."""
        sent = []

        async def commits() -> AsyncIterator[pb.CommitRequest]:
            for number in turns(self._stopped):
                mutations = message_between_events(f"{history.session_id}-{number}")
                sent.append(history.note(mutations))
                yield commit(history.session_id, *mutations)
                if number % 20 == 0:
                    await asyncio.sleep(10 * PAUSE_SECONDS)

        answered = 0
        async for outcome in self._client.write(commits()):
            if outcome.WhichOneof("outcome") != "result":
                raise AssertionError(f"a commit was refused: {outcome.error.message}")
            sent[answered].acknowledge(outcome.result)
            answered += 1

    async def _race(self, history: SessionHistory) -> None:
        """One of two that append what follows the newest event that they know of: one wins each time."""
        last: int | None = None
        for number in turns(self._stopped):
            mutations = [append(custom("race", b"x"), f"{history.session_id}-a-{number}")]
            write = history.note(mutations, -1 if last is None else last)
            expectation: dict[str, Any] = (
                {"expect_no_events": True} if last is None else {"expected_last_sequence": last}
            )
            try:
                response = await insist(self._client.commit, history.session_id, mutations, **expectation)
            except SequenceConflictError as conflict:
                write.refused = True
                last = conflict.actual
            else:
                write.acknowledge(response)
                last = response.results[0].append_event.sequence
            await asyncio.sleep(PAUSE_SECONDS)

    async def _race_by_calls(self, stub: Any, history: SessionHistory) -> None:
        """The other one, which has nothing but the stub."""
        last = -1
        for number in turns(self._stopped):
            event_id = f"{history.session_id}-b-{number}"
            try:
                last = await append_surely(stub, history, event_id, custom("race", b"x"), expected_last=last)
            except SequenceConflictError as conflict:
                last = -1 if conflict.actual is None else conflict.actual
            await asyncio.sleep(PAUSE_SECONDS)

    async def _trim(self, history: SessionHistory) -> None:
        """Appends, and deletes what is old."""
        for number in turns(self._stopped):
            mutations = [append(part("trimmed"), f"{history.session_id}-{number}")]
            appended = await commit_surely(self._client, history, mutations)
            if number >= KEPT and number % TRIMMED_AT_ONCE == 0:
                before = history.trim_sent = appended.results[0].append_event.sequence - KEPT
                await insist(self._client.delete_events_before, history.session_id, before)
                history.trim_acknowledged = before
            await asyncio.sleep(PAUSE_SECONDS)

    async def _never_repeat(self, history: SessionHistory) -> None:
        """Commits whose answers may be lost with the daemon, and are not asked for again."""
        async with grpc.aio.insecure_channel(self._address, options=RECONNECTING) as channel:
            stub: Any = SessionStoreServiceStub(channel)
            for number in turns(self._stopped):
                mutations = message_between_events(f"{history.session_id}-{number}")
                await commit_once(stub, history, mutations)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _live_short(self) -> None:
        """Sessions that are created, written and deleted, some of them as archives, with no tail to be waited for."""
        for number in turns(self._stopped):
            history = SessionHistory(f"{SHORT}-{number}")
            await insist(self._client.create_session, LABELLED, session_id=history.session_id)
            self._short.append(history)
            await commit_surely(self._client, history, message_between_events(history.session_id))
            for place in SHORT_STEPS[number % len(SHORT_STEPS)]:
                await move(self._client, history, place)
            await asyncio.sleep(10 * PAUSE_SECONDS)

    async def _read(self, history: SessionHistory) -> None:
        """Reads a session again and again."""
        while not self._stopped.is_set():
            # A read is not repeated by the library: half of it may be with its caller already.
            with suppress(ServerUnavailableError):
                history.reads.append([event.event_id async for event in self._client.get_events(history.session_id)])
            await asyncio.sleep(200 * PAUSE_SECONDS)
