"""The blocking client: the asyncio client, run on an event loop in a thread of its own.

Each method is made from the method of AsyncSessionStore, so that there is one logic and one set of signatures.
"""

import asyncio
import atexit
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar

from sessionstore.async_client import DEFAULT_TIMEOUT_SECONDS, AsyncSessionStore
from sessionstore.tailing import Tail
from sessionstore.v1.event_pb2 import StoredEvent

__all__ = ["BlockingTail", "SessionStore"]

P = ParamSpec("P")
T = TypeVar("T")


class _LoopThread:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sessionstore client", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine to its end; an interrupt of the caller cancels it."""
        if not self._thread.is_alive():
            coroutine.close()
            raise RuntimeError("the client is closed")
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        """Ends the thread. May be called again."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()


def _blocking(
    method: Callable[Concatenate[AsyncSessionStore, P], Coroutine[Any, Any, T]],
) -> "Callable[Concatenate[SessionStore, P], T]":
    def call(self: "SessionStore", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._thread.run(method(self._client, *args, **kwargs))

    return _named_like(call, method)


def _iterating(
    method: Callable[Concatenate[AsyncSessionStore, P], AsyncGenerator[T, None]],
) -> "Callable[Concatenate[SessionStore, P], Iterator[T]]":
    def call(self: "SessionStore", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return _BlockingIterator(self._thread, method(self._client, *args, **kwargs))

    return _named_like(call, method)


def _named_like(call: T, method: Any) -> T:
    call.__name__, call.__doc__ = method.__name__, method.__doc__  # type: ignore[attr-defined]
    return call


class _BlockingIterator(Generic[T]):
    """An asynchronous generator, step by step from another thread."""

    def __init__(self, thread: _LoopThread, items: AsyncGenerator[T, None]) -> None:
        self._thread = thread
        self._items = items

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        try:
            return self._thread.run(self._items.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        """Ends the call; what was not read is dropped."""
        self._thread.run(self._items.aclose())


class BlockingTail:
    """The events of a session as a blocking iterator; see Tail."""

    def __init__(self, thread: _LoopThread, tail: Tail) -> None:
        self._thread = thread
        self._tail = tail

    @property
    def last_sequence(self) -> int | None:
        """See Tail."""
        return self._tail.last_sequence

    @property
    def caught_up(self) -> bool:
        """See Tail."""
        return self._tail.caught_up

    def __iter__(self) -> Self:
        """Itself."""
        return self

    def __next__(self) -> StoredEvent:
        """Waits for the next event."""
        try:
            return self._thread.run(self._tail.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends the tail."""
        self.close()

    def close(self) -> None:
        """Ends the tail; what was not read is dropped."""
        self._thread.run(self._tail.aclose())


class SessionStore:
    """A client of the daemon for code without asyncio; see AsyncSessionStore for what the methods promise.

    May be used from many threads. An interrupt of a call cancels it. Close it, or use it in a `with` statement.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        self._thread = _LoopThread()

        async def connect() -> AsyncSessionStore:
            return AsyncSessionStore(address, timeout_seconds=timeout_seconds)

        try:
            self._client = self._thread.run(connect())
        except BaseException:
            self._thread.stop()
            raise
        self._closed = False
        _open_clients.add(self)

    @property
    def address(self) -> str:
        """The address of the daemon."""
        return self._client.address

    def __enter__(self) -> Self:
        """Nothing happens before the first call."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the client."""
        self.close()

    def close(self) -> None:
        """Closes the connection; calls under way in other threads fail. May be called again."""
        if self._closed:
            return
        self._closed = True
        _open_clients.discard(self)
        try:
            self._thread.run(self._client.close())
        finally:
            self._thread.stop()

    ping = _blocking(AsyncSessionStore.ping)
    create_session = _blocking(AsyncSessionStore.create_session)
    get_session = _blocking(AsyncSessionStore.get_session)
    update_session = _blocking(AsyncSessionStore.update_session)
    delete_session = _blocking(AsyncSessionStore.delete_session)
    list_sessions = _iterating(AsyncSessionStore.list_sessions)
    list_sessions_page = _blocking(AsyncSessionStore.list_sessions_page)
    append_message = _blocking(AsyncSessionStore.append_message)
    get_messages = _iterating(AsyncSessionStore.get_messages)
    list_messages_page = _blocking(AsyncSessionStore.list_messages_page)
    create_tool_call = _blocking(AsyncSessionStore.create_tool_call)
    update_tool_call = _blocking(AsyncSessionStore.update_tool_call)
    get_pending_tool_calls = _iterating(AsyncSessionStore.get_pending_tool_calls)
    append_event = _blocking(AsyncSessionStore.append_event)
    get_events = _iterating(AsyncSessionStore.get_events)
    delete_events_before = _blocking(AsyncSessionStore.delete_events_before)
    update_active_message_id = _blocking(AsyncSessionStore.update_active_message_id)
    commit = _blocking(AsyncSessionStore.commit)
    write = _iterating(AsyncSessionStore.write)
    get_server_info = _blocking(AsyncSessionStore.get_server_info)
    archive_session = _blocking(AsyncSessionStore.archive_session)
    restore_session = _blocking(AsyncSessionStore.restore_session)
    list_archives = _iterating(AsyncSessionStore.list_archives)
    delete_archive = _blocking(AsyncSessionStore.delete_archive)

    def tail(
        self,
        session_id: str,
        *,
        after_sequence: int | None = None,
        from_now: bool = False,
        types: tuple[str, ...] = (),
        skip_trimmed: bool = False,
        follow: bool = True,
        heartbeat_interval_seconds: int = 0,
        give_up_after_seconds: float | None = None,
    ) -> BlockingTail:
        """The events of a session, from the beginning, after a sequence, or from now on; see Tail."""
        tail = self._client.tail(
            session_id,
            after_sequence=after_sequence,
            from_now=from_now,
            types=types,
            skip_trimmed=skip_trimmed,
            follow=follow,
            heartbeat_interval_seconds=heartbeat_interval_seconds,
            give_up_after_seconds=give_up_after_seconds,
        )
        return BlockingTail(self._thread, tail)


_open_clients: "weakref.WeakSet[SessionStore]" = weakref.WeakSet()


@atexit.register
def _close_forgotten() -> None:
    for client in list(_open_clients):
        client.close()
