"""A blocking iterable for asyncio."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from contextlib import suppress
from typing import Generic, TypeVar

__all__ = ["ThreadSource"]

T = TypeVar("T")

MAX_AHEAD = 256
"""So many items are read before they are asked for."""


class ThreadSource(Generic[T]):
    """An iterable, read in a thread of its own, as an asynchronous one.

    The iterable may block, for as long as it likes; an item is handed on as soon as it is there. Its exception is
    raised after its items; one that is meant to end its thread, such as SystemExit, as the cause of a RuntimeError.
    """

    def __init__(self, items: Iterable[T]) -> None:
        self._items = items
        self._ready: deque[T] = deque()
        self._room = threading.Semaphore(MAX_AHEAD)
        self._signalled = False
        self._exhausted = False
        self._abandoned = False
        self._failure: Exception | None = None

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        """Begins to read; can be done once."""
        arrived = asyncio.Event()
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop, arrived), name="sessionstore source", daemon=True).start()
        try:
            while True:
                # In this order: what is appended from here on is either seen below or signalled again.
                arrived.clear()
                self._signalled = False
                exhausted = self._exhausted
                while self._ready:
                    item = self._ready.popleft()
                    self._room.release()
                    yield item
                if exhausted:
                    break
                await arrived.wait()
        finally:
            self._abandoned = True
            self._room.release()
        if self._failure is not None:
            raise self._failure

    def _read(self, loop: asyncio.AbstractEventLoop, arrived: asyncio.Event) -> None:
        # The loop may be closed while the iterable blocks; then nobody waits for it any more.
        with suppress(RuntimeError):
            try:
                for item in self._items:
                    self._room.acquire()
                    if self._abandoned:
                        return
                    self._ready.append(item)
                    if not self._signalled:
                        self._signalled = True
                        loop.call_soon_threadsafe(arrived.set)
            except Exception as error:  # noqa: BLE001 - raised where the items are read
                self._failure = error
            except BaseException as error:  # noqa: BLE001 - it would end the event loop there
                self._failure = RuntimeError(f"the iterable ended with {error!r}")
                self._failure.__cause__ = error
            self._exhausted = True
            loop.call_soon_threadsafe(arrived.set)
