"""An asyncio client on an event loop in a thread of its own, for callers that block."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, Generic, TypeVar

import grpc

from sessionstore.async_client import AsyncSessionStore
from sessionstore.errors import SessionStoreError
from sessionstore.event_loop import EventLoop
from sessionstore.forks import check_process

__all__ = ["LoopThread"]

T = TypeVar("T")


class _Call(Generic[T]):
    """A coroutine for the loop, and its answer for the thread that waits."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self.answer: Future[T] = Future()
        self._coroutine = coroutine
        self._task: asyncio.Task[T] | None = None

    def begin(self) -> None:
        """Starts it; in the loop."""
        self._task = asyncio.get_running_loop().create_task(self._coroutine)
        self._task.add_done_callback(self._end)

    def cancel(self) -> None:
        """Ends it; in the loop, where an interrupt may have come before it was begun."""
        if self._task is not None:
            self._task.cancel()
        else:
            self._coroutine.close()
            self.answer.cancel()

    def _end(self, task: "asyncio.Task[T]") -> None:
        if task.cancelled():
            self.answer.cancel()
        elif (error := task.exception()) is not None:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(task.result())


class LoopThread:
    """A daemon thread with an event loop, on which one client lives from its making to its closing.

    Attributes:
        client: The client; only coroutines given to `run` may call it.
    """

    client: AsyncSessionStore

    def __init__(self, connect: Callable[[], AsyncSessionStore]) -> None:
        """Makes the client in the thread. Raises what `connect` raises."""
        self._connect = connect
        self._made_in = os.getpid()
        self._lock = threading.Lock()
        self._open = True
        self._ready = threading.Event()
        self._failure: Exception | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._thread = threading.Thread(target=self._run_loop, name="sessionstore client", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine to its end; an interrupt of the caller cancels it.

        Raises what the coroutine raises, and SessionStoreError when the client is closed before or meanwhile, or was
        made in another process: the thread that would answer is there.
        """
        try:
            check_process(self._made_in)
        except SessionStoreError:
            coroutine.close()
            raise
        call = _Call(coroutine)
        try:
            # Under the lock, so that whatever is begun is begun before the loop is told to stop, which then cancels it.
            with self._lock:
                if not self._open:
                    coroutine.close()
                    raise SessionStoreError("the client is closed", code=grpc.StatusCode.CANCELLED)
                self._loop.call_soon_threadsafe(call.begin)
            return call.answer.result()
        except CancelledError:
            # No thread is cancelled: the one that waits here learns that there is no answer to wait for.
            raise SessionStoreError("the client was closed", code=grpc.StatusCode.CANCELLED) from None
        except BaseException:
            if not call.answer.done():
                self._give_up(call)
            raise
        finally:
            # It would keep the exception, which keeps this frame, until garbage is collected.
            del call

    def _give_up(self, call: "_Call[Any]") -> None:
        """Cancels it, and waits until it is over: who calls next must not find it at work still."""
        with self._lock:
            if not self._open:
                # Who closes the client has it cancelled.
                return
            self._loop.call_soon_threadsafe(call.cancel)
        with suppress(CancelledError, Exception):
            call.answer.result()

    def run_unless_closed(self, action: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Does what needs no doing once the client is closed, nor in a process that was forked."""
        if self._made_in != os.getpid():
            return
        try:
            self.run(action())
        except SessionStoreError:
            if self._open:
                raise

    def stop(self) -> None:
        """Closes the client and ends the thread; calls under way fail. May be called again, from any thread."""
        if self._made_in != os.getpid():
            # All of it is the parent's, and whoever holds the lock may be as well.
            return
        with self._lock:
            was_open, self._open = self._open, False
        if was_open:
            self._loop.call_soon_threadsafe(self._stop.set)
        # Whoever forgets a client leaves it to the garbage collector, which may run in this very thread.
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run_loop(self) -> None:
        with asyncio.Runner(loop_factory=EventLoop) as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            self.client = self._connect()
        except Exception as error:  # noqa: BLE001 - raised by the constructor
            self._failure, self._open = error, False
            return
        finally:
            self._ready.set()
        async with self.client:
            await self._stop.wait()
