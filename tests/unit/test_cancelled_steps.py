"""Calls that are cancelled at each of the moments at which they wait, one moment after the other."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from functools import partial
from itertools import count
from types import coroutine
from typing import Any

import pytest

from sessiond.access.policy import Caller
from sessiond.access.rights import Right
from sessiond.call_counts import CallCounts
from sessiond.contract.limits import Limits
from sessiond.draining import Draining
from sessiond.interceptors.access import _caller
from sessiond.services.session_store import SessionStoreService
from sessiond.store.sqlite.engine import SqliteStore
from sessiond.turns import Turns
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part, tool_call, user_message

MOST_STEPS = 1000
EVENTS = 3


@coroutine
def cancelled_at(step: int, work: Coroutine[Any, Any, None]) -> Generator[Any, None, None]:
    """Does some work, and cancels its task as it waits for the so-manieth time."""
    go_on: Callable[[], Any] = partial(work.send, None)
    for number in count():
        try:
            awaited = go_on()
        except StopIteration:
            return
        if number == step and (task := asyncio.current_task()) is not None:
            task.cancel()
        try:
            yield awaited
            go_on = partial(work.send, None)
        except BaseException as error:  # noqa: BLE001 - what the work is to get, whatever it is
            go_on = partial(work.throw, error)


@pytest.fixture
async def store(store: SqliteStore) -> SqliteStore:
    """A store with a session that has some of everything."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    await store.submit(commit("s", *(append(part(), f"e{number}") for number in range(EVENTS))))
    message = pb.Mutation(append_message=user_message("m"))
    await store.submit(commit("s", message, pb.Mutation(create_tool_call=tool_call("c"))))
    return store


async def requests(request: pb.WriteRequest) -> AsyncIterator[pb.WriteRequest]:
    yield request


CALLS: dict[str, Callable[[int], Any]] = {
    "AppendEvent": lambda step: pb.AppendEventRequest(session_id="s", event=part(), event_id=f"a{step}"),
    "Commit": lambda step: commit("s", append(part(), f"b{step}"), append(part(), f"c{step}")),
    "AppendMessage": lambda step: pb.AppendMessageRequest(session_id="s", message=user_message(f"m{step}")),
    "CreateToolCall": lambda step: pb.CreateToolCallRequest(session_id="s", tool_call=tool_call(f"c{step}")),
    "UpdateSession": lambda step: pb.UpdateSessionRequest(
        session_id="s", update=pb.SessionUpdate(set_metadata={"step": str(step)})
    ),
    "CreateSession": lambda step: pb.CreateSessionRequest(session_id=f"s{step}"),
    "DeleteEventsBefore": lambda _: pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=1),
    "ListSessions": lambda _: pb.ListSessionsRequest(),
    "GetSession": lambda _: pb.GetSessionRequest(session_id="s"),
    "GetMessages": lambda _: pb.GetMessagesRequest(session_id="s"),
    "GetPendingToolCalls": lambda _: pb.GetPendingToolCallsRequest(session_id="s"),
    "GetEvents": lambda _: pb.GetEventsRequest(session_id="s"),
    "TailEvents": lambda _: pb.TailEventsRequest(session_id="s", no_follow=True),
    "Write": lambda step: requests(pb.WriteRequest(commits=[commit("s", append(part(), f"w{step}"))] * 100)),
}


async def finished(answer: Any) -> None:
    """Waits for a call to its end, whatever its shape is."""
    if not hasattr(answer, "__aiter__"):
        await answer
        return
    try:
        async for _ in answer:
            pass
    finally:
        await answer.aclose()


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_may_be_cancelled_wherever_it_waits(store: SqliteStore, name: str) -> None:
    """No task, feed, reader or transaction is left behind, and what was written is there whole or not at all."""
    counts = CallCounts()
    service = SessionStoreService(store, Limits(), Draining(), counts, Turns())
    _caller.set(Caller("a test", Right.ADMIN))
    before = asyncio.all_tasks()
    for step in range(MOST_STEPS):
        task = asyncio.ensure_future(awaiting(step, finished(getattr(service, name)(CALLS[name](step), None))))
        await asyncio.wait([task])
        # What a task that was cancelled began still ends, and gives back what it had.
        async with asyncio.timeout(10):
            while asyncio.all_tasks() - before or (found := store.metrics()).readers_busy or found.waiting_writes:
                await asyncio.sleep(0)
        assert (0, 0) == (store.open_feeds, found.read_transactions)
        if not task.cancelled():
            task.result()
            break
    else:
        raise AssertionError("the call never came to its end")
    assert step
    stored = b"".join([found async for found in store.get_events(pb.GetEventsRequest(session_id="s"))])
    names = {event.event_id for event in pb.GetEventsResponse.FromString(stored).events}
    assert all((f"b{number}" in names) == (f"c{number}" in names) for number in range(step))


async def awaiting(step: int, work: Coroutine[Any, Any, None]) -> None:
    await cancelled_at(step, work)
