"""Clients of the crash campaign without asyncio: one that writes and one that tails, each in a thread of its own."""

import asyncio
import threading
import time
from contextlib import suppress
from itertools import count

from sessionstore import SessionStore
from sessionstore.errors import DeadlineExceededError, ServerUnavailableError
from tests.faults.followers import last_id
from tests.faults.history import SessionHistory, TailHistory
from tests.faults.insisting import PAUSE_SECONDS
from tests.faults.small_commits import message_between_events

__all__ = ["BlockingClients"]

TIMEOUT_SECONDS = 300.0


class BlockingClients:
    """Both on one session, by one client.

    Attributes:
        history: What was done to the session, and seen of it.
    """

    def __init__(self, address: str, history: SessionHistory) -> None:
        self.history = history
        self._store = SessionStore(address, timeout_seconds=TIMEOUT_SECONDS)
        self._stopped = threading.Event()

    async def write(self, stopped: asyncio.Event) -> None:
        """Commits until it is told to stop."""
        writing = asyncio.create_task(asyncio.to_thread(self._write))
        waiting = asyncio.create_task(stopped.wait())
        try:
            await asyncio.wait((writing, waiting), return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Whatever ends a campaign, the interpreter waits for its threads.
            self._stopped.set()
            waiting.cancel()
        await writing

    async def tail(self) -> None:
        """Follows the session to its last event, and closes the client then."""
        try:
            await asyncio.to_thread(self._tail)
        finally:
            self._store.close()

    def _write(self) -> None:
        for number in count():
            if self._stopped.is_set():
                return
            mutations = message_between_events(f"{self.history.session_id}-{number}")
            write = self.history.note(mutations)
            while write.sequences is None:
                with suppress(ServerUnavailableError, DeadlineExceededError):
                    write.acknowledge(self._store.commit(self.history.session_id, mutations))
            time.sleep(10 * PAUSE_SECONDS)

    def _tail(self) -> None:
        tail = TailHistory(knows_batches=False)
        self.history.tails.append(tail)
        with self._store.tail(self.history.session_id, heartbeat_interval_seconds=1) as events:
            for event in events:
                tail.account(event.sequence, [(event.sequence, event.event_id)], first=event.sequence)
                if event.event_id == last_id(self.history):
                    return
