"""The blocking client: the asyncio client, run on an event loop in a thread of its own.

Each method is made from the method of AsyncSessionStore, so that there is one logic and one set of signatures.
"""

import inspect
import weakref
from collections.abc import Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar

from sessionstore.async_client import DEFAULT_TIMEOUT_SECONDS, AsyncSessionStore
from sessionstore.credentials import Credentials
from sessionstore.items import Items
from sessionstore.loop_thread import LoopThread
from sessionstore.tailing import Tail
from sessionstore.thread_source import ThreadSource
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import StoredEvent

__all__ = ["BlockingItems", "BlockingTail", "SessionStore"]

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class _Stepwise(Protocol[T_co]):
    """What Items and Tail have in common."""

    async def wait_ready(self) -> bool: ...

    def ready_item(self) -> T_co | None: ...

    async def aclose(self) -> None: ...


class BlockingItems(Generic[T]):
    """What a call answers piece by piece, as an iterator; one thread at a time may read it.

    Close it, or use it in a `with` statement, when it is not read to its end.
    """

    def __init__(self, store: "SessionStore", thread: LoopThread, items: _Stepwise[T]) -> None:
        # Kept, so that the store is not closed as forgotten while its answers are read.
        self._store = store
        self._thread = thread
        self._items = items

    def __iter__(self) -> Self:
        """Itself."""
        return self

    def __next__(self) -> T:
        """Waits for the next item."""
        # Most items have arrived with the one before: no need to change threads for them. They are taken here, and not
        # in the loop, whose answer an interrupt would have go to nobody.
        while (item := self._items.ready_item()) is None:
            if not self._thread.run(self._items.wait_ready()):
                raise StopIteration
        return item

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends the call."""
        self.close()

    def close(self) -> None:
        """Ends the call; what was not read is dropped. May be called again, also after the client was closed."""
        self._thread.run_unless_closed(self._items.aclose)


class BlockingTail(BlockingItems[StoredEvent]):
    """The events of a session as a blocking iterator; see Tail.

    Closing it from another thread ends the iteration that waits for an event.
    """

    _items: Tail

    @property
    def last_sequence(self) -> int | None:
        """See Tail."""
        return self._items.last_sequence

    @property
    def caught_up(self) -> bool:
        """See Tail."""
        return self._items.caught_up


def _blocking(
    method: Callable[Concatenate[AsyncSessionStore, P], Coroutine[Any, Any, T]],
) -> "Callable[Concatenate[SessionStore, P], T]":
    def call(self: "SessionStore", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._thread.run(method(self._thread.client, *args, **kwargs))

    return _named_like(call, method)


def _iterating(
    method: Callable[Concatenate[AsyncSessionStore, P], Items[T]],
) -> "Callable[Concatenate[SessionStore, P], BlockingItems[T]]":
    def call(self: "SessionStore", /, *args: P.args, **kwargs: P.kwargs) -> BlockingItems[T]:
        return BlockingItems(self, self._thread, method(self._thread.client, *args, **kwargs))

    return _named_like(call, method, "BlockingItems")


def _tailing(
    method: Callable[Concatenate[AsyncSessionStore, P], Tail],
) -> "Callable[Concatenate[SessionStore, P], BlockingTail]":
    def call(self: "SessionStore", /, *args: P.args, **kwargs: P.kwargs) -> BlockingTail:
        return BlockingTail(self, self._thread, method(self._thread.client, *args, **kwargs))

    return _named_like(call, method, "BlockingTail")


def _named_like(call: T, method: Any, answer: str | None = None) -> T:
    """Gives the call the name, text and parameters that `help()` shows."""
    shown: Any = call
    shown.__name__, shown.__doc__ = method.__name__, method.__doc__
    shown.__qualname__ = f"SessionStore.{method.__name__}"
    signature = inspect.signature(method)
    shown.__signature__ = signature if answer is None else signature.replace(return_annotation=answer)
    return call


class SessionStore:
    """A client of the daemon for code without asyncio; see AsyncSessionStore for what the methods promise.

    May be used from many threads. An interrupt of a call cancels it. Close it, or use it in a `with` statement; one
    that is forgotten is closed by the garbage collector, or when the interpreter exits.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        credentials: Credentials | None = None,
    ) -> None:
        self._thread = LoopThread(
            lambda: AsyncSessionStore(address, timeout_seconds=timeout_seconds, credentials=credentials)
        )
        self._finalizer = weakref.finalize(self, self._thread.stop)

    @property
    def address(self) -> str:
        """The address of the daemon."""
        return self._thread.client.address

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
        self._finalizer()

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
    get_server_info = _blocking(AsyncSessionStore.get_server_info)
    get_server_metrics = _blocking(AsyncSessionStore.get_server_metrics)
    archive_session = _blocking(AsyncSessionStore.archive_session)
    restore_session = _blocking(AsyncSessionStore.restore_session)
    list_archives = _iterating(AsyncSessionStore.list_archives)
    delete_archive = _blocking(AsyncSessionStore.delete_archive)
    tail = _tailing(AsyncSessionStore.tail)

    def write(self, commits: Iterable[pb.CommitRequest]) -> BlockingItems[pb.CommitOutcome]:
        """Applies many commits without waiting for each answer, and yields their outcomes in order.

        As AsyncSessionStore.write, but the iterable may block: it is read in a thread of its own, and may use this
        client.
        """
        return BlockingItems(self, self._thread, self._thread.client.write(ThreadSource(commits)))
