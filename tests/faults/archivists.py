"""Clients of the crash campaign that archive, restore and delete sessions while tails are open on them."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from typing import Any

import grpc

from sessionstore import AsyncSessionStore
from sessionstore.errors import ServerUnavailableError, SessionNotFoundError
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.faults.followers import PARTS, follow, follow_by_library
from tests.faults.history import ARCHIVED, GONE, LIVE, SessionHistory, TailHistory
from tests.faults.insisting import PAUSE_SECONDS, RECONNECTING, insist
from tests.faults.moves import move
from tests.faults.noted_commits import commit_once, commit_surely, end_session
from tests.faults.small_commits import message_between_events
from tests.faults.turns import turns

__all__ = ["Archivist"]

TAIL_PATIENCE_SECONDS = 240.0
"""So long after the archiving a tail may take to end: on a busy machine many lives of the daemon are too short for it.

One that goes on meanwhile is known by its heartbeats.
"""

STEPS: Sequence[tuple[str, ...]] = ((ARCHIVED, LIVE, ARCHIVED), (ARCHIVED, LIVE, ARCHIVED, GONE), (ARCHIVED, LIVE))
"""Where the sessions go, one after the other: some stay archived, some are deleted as archives, some live on."""


class Archivist:
    """Takes one session after the other through its steps; each archivist begins with others.

    Attributes:
        histories: What was done to the sessions, and seen of them.
    """

    def __init__(self, client: AsyncSessionStore, address: str, number: int, stopped: asyncio.Event) -> None:
        self.histories: list[SessionHistory] = []
        self._client = client
        self._address = address
        self._number = number
        self._stopped = stopped

    async def work(self) -> None:
        """Goes on until it is told to stop."""
        async with grpc.aio.insecure_channel(self._address, options=RECONNECTING) as channel:
            stub: Any = SessionStoreServiceStub(channel)
            for number in turns(self._stopped):
                history = SessionHistory(f"archived-{self._number}-{number}")
                await insist(self._client.create_session, session_id=history.session_id)
                self.histories.append(history)
                await self._take_through(stub, history, STEPS[(self._number + number) % len(STEPS)])

    async def _take_through(self, stub: Any, history: SessionHistory, steps: Sequence[str]) -> None:
        # Begun once, and gone on with after each restoring.
        tails = [(TailHistory(), False), (TailHistory(PARTS), False), (TailHistory(), True)]
        following = self._follow(stub, history, tails)
        writing = asyncio.create_task(self._write(stub, history))
        for index, step in enumerate(steps):
            # Commits that are surely stored before the step, beside those of the writer that may be or not.
            if LIVE in history.places[-1]:
                await self._commit(history, f"{history.session_id}-{index}")
            await move(self._client, history, step)
            if step == ARCHIVED:
                await self._see_tails_end(history, following)
                await self._look(stub, history)
            elif step == LIVE:
                following = self._follow(stub, history, tails)
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        if steps[-1] == LIVE:
            await end_session(self._client, history)
            await asyncio.gather(*following)

    def _follow(
        self, stub: Any, history: SessionHistory, tails: Sequence[tuple[TailHistory, bool]]
    ) -> "set[asyncio.Task[None]]":
        by_stub = [
            asyncio.create_task(follow(stub, history, tail, from_now=from_now), name=f"a tail of the stub, {number}")
            for number, (tail, from_now) in enumerate(tails)
        ]
        by_library = asyncio.create_task(follow_by_library(self._client, history), name="a tail of the library")
        return {*by_stub, by_library}

    async def _commit(self, history: SessionHistory, name: str) -> None:
        since = history.moment
        await commit_surely(self._client, history, message_between_events(name))
        history.look(since, LIVE)

    async def _write(self, stub: Any, history: SessionHistory) -> None:
        """Commits that are never repeated, whether or not the session is there to take them."""
        for number in count():
            mutations = message_between_events(f"{history.session_id}-w{number}")
            since = history.moment
            match await commit_once(stub, history, mutations):
                case grpc.StatusCode.OK:
                    history.look(since, LIVE)
                case grpc.StatusCode.NOT_FOUND:
                    history.look(since, ARCHIVED, GONE)
            await asyncio.sleep(10 * PAUSE_SECONDS)

    async def _see_tails_end(self, history: SessionHistory, following: "set[asyncio.Task[None]]") -> None:
        done, left_open = await asyncio.wait(following, timeout=TAIL_PATIENCE_SECONDS)
        for task in left_open:
            task.cancel()
            how = f"{task.get_name()} was not told for {TAIL_PATIENCE_SECONDS:.0f} seconds"
            history.tails.append(TailHistory(whole=False, stayed_open=how))
        for task in done:
            task.result()

    async def _look(self, stub: Any, history: SessionHistory) -> None:
        """Asks where the session is, by the calls that must not find it and the one that must."""
        with suppress(ServerUnavailableError):
            since = history.moment
            try:
                async for _ in self._client.get_messages(history.session_id):
                    pass
            except SessionNotFoundError:
                history.look(since, ARCHIVED, GONE)
            else:
                history.look(since, LIVE)
        with suppress(ServerUnavailableError):
            since = history.moment
            listed = [archive.session.id async for archive in self._client.list_archives(page_size=1000)]
            history.look(since, *([ARCHIVED] if history.session_id in listed else [LIVE, GONE]))
