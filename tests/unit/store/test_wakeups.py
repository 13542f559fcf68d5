"""Wake-ups of many waiters: none is lost, and the event loop comes to other work between them."""

import asyncio

from sessiond.store.sqlite.engine import SqliteStore
from sessiond.store.sqlite.wakeups import AT_ONCE, Wakeups
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part


def waiters(count: int) -> list[asyncio.Future[None]]:
    return [asyncio.get_running_loop().create_future() for _ in range(count)]


async def test_all_are_woken_in_order_a_few_at_a_time() -> None:
    """Between two groups the loop takes whatever else is ready."""
    wakeups = Wakeups()
    first, second = waiters(AT_ONCE * 2), waiters(AT_ONCE)
    done_in_each_turn: list[int] = []
    wakeups.wake(first)
    wakeups.wake(second)
    while not second[-1].done():
        done_in_each_turn.append(sum(waiter.done() for waiter in (*first, *second)))
        await asyncio.sleep(0)
    assert [AT_ONCE, AT_ONCE * 2] == done_in_each_turn
    assert all(waiter.done() for waiter in (*first, *second))


async def test_those_that_wait_no_longer_are_passed_over() -> None:
    """Whoever was cancelled, or whose time came, in the meantime."""
    wakeups = Wakeups()
    given = waiters(AT_ONCE + 2)
    wakeups.wake(given)
    given[-2].cancel()
    given[-1].set_result(None)
    await asyncio.sleep(0)
    assert given[-2].cancelled()
    await asyncio.sleep(0)
    # And the next ones are woken at once again.
    (later,) = waiters(1)
    wakeups.wake([later])
    assert later.done()


async def test_those_of_many_sessions_count_together() -> None:
    """A write to a thousand sessions with a tail each does not hold up the loop either."""
    wakeups = Wakeups()
    given = waiters(AT_ONCE + 1)
    for waiter in given:
        wakeups.wake([waiter])
    assert AT_ONCE == sum(waiter.done() for waiter in given)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert given[-1].done()


async def test_a_feed_waits_as_long_as_it_was_told_each_time(store: SqliteStore) -> None:
    """However long the wait before was to take, and whatever ended it."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    feed = await store.open_feed("s")
    loop = asyncio.get_running_loop()
    await feed.read(-1)
    long = asyncio.create_task(feed.wait(3600))
    await asyncio.sleep(0)
    await store.submit(commit("s", append(part())))
    await asyncio.wait_for(long, 10)
    page = await feed.read(-1)
    assert 1 == len(page.events)
    for seconds in (0.05, 0.1, 0.0):
        began = loop.time()
        await asyncio.wait_for(feed.wait(seconds), 10)
        assert began + seconds <= loop.time()
    feed.close()


async def test_a_cancelled_wait_leaves_nothing_behind(store: SqliteStore) -> None:
    """The feed can wait again, and is woken."""
    await store.create_session(pb.CreateSessionRequest(session_id="s"))
    feed = await store.open_feed("s")
    await feed.read(-1)
    for _ in range(3):
        waiting = asyncio.create_task(feed.wait(3600))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
    waiting = asyncio.create_task(feed.wait(3600))
    await asyncio.sleep(0)
    store.wake_feeds()
    await asyncio.wait_for(waiting, 10)
    feed.close()
