"""The tail that resumes by itself, against a daemon that comes and goes."""

import asyncio
import gc
from contextlib import aclosing, suppress

import grpc
import pytest

from sessionstore import AsyncSessionStore, Tail, errors
from sessionstore.v1.event_pb2 import StoredEvent
from tests.builders import append, custom, part
from tests.integration.conftest import DaemonUnderTest


@pytest.fixture
async def session(client: AsyncSessionStore) -> str:
    """An empty session."""
    return (await client.create_session(session_id="s")).session.id


async def add(client: AsyncSessionStore, session_id: str, count: int) -> None:
    await client.commit(session_id, [append(part()) for _ in range(count)])


async def following(tail: Tail) -> StoredEvent:
    return await asyncio.wait_for(anext(tail), 20)


async def open_tails(client: AsyncSessionStore) -> int:
    return (await client.get_server_info()).open_tails


async def until_open_tails(client: AsyncSessionStore, count: int) -> None:
    async with asyncio.timeout(10):
        while await open_tails(client) != count:
            await asyncio.sleep(0.01)


async def test_history_flows_into_live(client: AsyncSessionStore, session: str) -> None:
    """Stored events come first, then the new ones, and the bookmark follows."""
    await add(client, session, 2)
    async with client.tail(session) as tail:
        assert [(await following(tail)).sequence for _ in range(2)] == [0, 1]
        waiting = asyncio.create_task(following(tail))
        await add(client, session, 1)
        assert (await waiting).sequence == 2
        assert (tail.last_sequence, tail.caught_up) == (2, True)


async def test_without_follow_the_tail_ends(client: AsyncSessionStore, session: str) -> None:
    """Everything stored is handed out, then the iteration ends, and ends again."""
    await add(client, session, 3)
    tail = client.tail(session, follow=False)
    assert [event.sequence async for event in tail] == [0, 1, 2]
    assert [event.sequence async for event in tail] == []
    now = client.tail(session, follow=False, from_now=True)
    assert [event.sequence async for event in now] == []
    assert now.last_sequence == 2


async def test_a_filter_keeps_the_bookmark_moving(client: AsyncSessionStore, session: str) -> None:
    """Only the types asked for come, and the bookmark passes the others."""
    await client.commit(session, [append(custom("note")), append(part()), append(custom("other")), append(part())])
    tail = client.tail(session, types=["custom:note", "custom:other"], follow=False)
    assert [event.sequence async for event in tail] == [0, 2]
    assert tail.last_sequence == 3


async def test_a_restarted_daemon_is_resumed(client: AsyncSessionStore, session: str, daemon: DaemonUnderTest) -> None:
    """Across three restarts every event comes once and in order."""
    async with client.tail(session) as tail:
        seen = []
        for _ in range(3):
            await add(client, session, 2)
            seen.append((await following(tail)).sequence)
            await daemon.stop()
            await daemon.start()
            await add(client, session, 1)
            seen += [(await following(tail)).sequence for _ in range(2)]
    assert list(range(9)) == seen


async def test_a_tail_from_now_on_an_empty_session_misses_nothing(
    client: AsyncSessionStore, session: str, daemon: DaemonUnderTest
) -> None:
    """What is appended while the connection is away belongs to the tail, since the pin came before it."""
    async with client.tail(session, from_now=True) as tail:
        waiting = asyncio.create_task(following(tail))
        async with asyncio.timeout(10):
            while not tail.caught_up:
                await asyncio.sleep(0.01)
        await daemon.stop()
        await daemon.start()
        await add(client, session, 1)
        assert (await waiting).sequence == 0


async def test_a_tail_can_begin_before_the_daemon(
    daemon: DaemonUnderTest, client: AsyncSessionStore, session: str
) -> None:
    """A tail that finds no daemon waits for it."""
    await add(client, session, 1)
    await daemon.stop()
    async with AsyncSessionStore(daemon.address) as early, early.tail(session) as tail:
        waiting = asyncio.create_task(following(tail))
        await asyncio.sleep(0)
        await daemon.start()
        assert (await waiting).sequence == 0


async def test_a_tail_gives_up_when_told(daemon: DaemonUnderTest, client: AsyncSessionStore) -> None:
    """After the time without a connection the failure is raised, and the tail does not go on."""
    await daemon.stop()
    tail = client.tail("s", give_up_after_seconds=0.2)
    with pytest.raises(errors.ServerUnavailableError):
        await following(tail)
    await daemon.start()
    with pytest.raises(errors.SessionStoreError, match="begin another"):
        await following(tail)


async def test_a_wait_under_a_timeout_loses_nothing(client: AsyncSessionStore, session: str) -> None:
    """A cancelled wait leaves no stream behind, and the next one goes on at the same place."""
    await add(client, session, 1)
    async with client.tail(session) as tail:
        await following(tail)
        for expected in range(1, 4):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(tail), 0.05)
            await until_open_tails(client, 0)
            await add(client, session, 1)
            assert expected == (await following(tail)).sequence


async def test_a_cancelled_reader_leaves_no_stream_behind(client: AsyncSessionStore, session: str) -> None:
    """A task that is cancelled in the middle of a tail gets CancelledError, and the server is rid of the tail."""

    async def read() -> None:
        async for _ in client.tail(session):
            pass

    reader = asyncio.create_task(read())
    await until_open_tails(client, 1)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await until_open_tails(client, 0)


async def test_a_forgotten_tail_is_closed_by_the_garbage_collector(client: AsyncSessionStore, session: str) -> None:
    """As when its loop is left early, by the task that read it or in another thread."""
    await add(client, session, 2)
    async for event in client.tail(session):
        assert event.sequence == 0
        break
    gc.collect()
    await until_open_tails(client, 0)
    tails = [client.tail(session)]
    await following(tails[0])
    await until_open_tails(client, 1)
    await asyncio.to_thread(tails.clear)
    gc.collect()
    await until_open_tails(client, 0)


async def test_closing_ends_the_iteration_of_another_task(client: AsyncSessionStore, session: str) -> None:
    """The reader ends as after the last event, without an exception; what had arrived is dropped."""
    await add(client, session, 3)
    tail = client.tail(session)
    assert (await following(tail)).sequence == 0
    assert (tail.ready_item() or StoredEvent()).sequence == 1
    await tail.aclose()
    assert [event async for event in tail] == []
    assert tail.last_sequence == 1
    live = client.tail(session, from_now=True)

    async def read() -> int:
        return len([event async for event in live])

    reader = asyncio.create_task(read())
    await until_open_tails(client, 1)
    await live.aclose()
    await live.aclose()
    assert await asyncio.wait_for(reader, 10) == 0


async def test_closing_the_client_fails_its_tails(
    daemon: DaemonUnderTest, client: AsyncSessionStore, session: str
) -> None:
    """A tail that waits when its client is closed ends with an error, not with a cancellation of its task."""
    other = AsyncSessionStore(daemon.address)
    reader = asyncio.create_task(following(other.tail(session)))
    await until_open_tails(client, 1)
    await other.close()
    with pytest.raises(errors.SessionStoreError, match="closed"):
        await reader
    with pytest.raises(errors.SessionStoreError, match="closed"):
        await following(other.tail(session))


async def test_a_deleted_session_ends_the_tail(client: AsyncSessionStore, session: str) -> None:
    """Open tails are told whether the session was deleted or archived; later ones find nothing."""
    for archived in (True, False):
        async with client.tail(session) as tail:
            reader = asyncio.create_task(following(tail))
            await until_open_tails(client, 1)
            if archived:
                await client.archive_session(session)
            else:
                await client.delete_session(session)
            with pytest.raises(errors.SessionDeletedError) as caught:
                await reader
            assert caught.value.archived is archived
        await until_open_tails(client, 0)
        if archived:
            await client.restore_session(session)
    with pytest.raises(errors.SessionNotFoundError) as missing:
        await following(client.tail(session))
    assert not isinstance(missing.value, errors.SessionDeletedError)


async def test_trimmed_and_future_cursors_are_errors(client: AsyncSessionStore, session: str) -> None:
    """A cursor before the oldest event or beyond the newest is refused, or skipped when asked."""
    await add(client, session, 5)
    await client.delete_events_before(session, 3)
    with pytest.raises(errors.HistoryTrimmedError) as trimmed:
        await following(client.tail(session, after_sequence=0))
    assert trimmed.value.first_available_sequence == 3
    with pytest.raises(errors.CursorAheadError) as ahead:
        await following(client.tail(session, after_sequence=5))
    assert ahead.value.last_sequence == 4
    skipping = client.tail(session, after_sequence=0, skip_trimmed=True, follow=False)
    assert [event.sequence async for event in skipping] == [3, 4]


async def test_who_reads_on_after_a_failure_is_not_told_of_an_end(
    client: AsyncSessionStore, session: str, daemon: DaemonUnderTest
) -> None:
    """Else what came before the failure would pass for all that is stored."""
    await add(client, session, 3)
    await daemon.stop()
    tail = client.tail(session, follow=False, give_up_after_seconds=0.01)
    with pytest.raises(errors.ServerUnavailableError):
        await anext(tail)
    with pytest.raises(errors.SessionStoreError, match="begin another") as told:
        await anext(tail)
    assert grpc.StatusCode.FAILED_PRECONDITION == told.value.code
    await tail.aclose()
    assert [] == [event async for event in tail]


async def test_events_deleted_while_the_daemon_was_away_are_told(
    client: AsyncSessionStore, session: str, daemon: DaemonUnderTest
) -> None:
    """A tail that was pinned at the empty session does not skip what came and went in its absence."""
    async with aclosing(client.tail(session)) as tail:
        with suppress(TimeoutError):
            while not tail.caught_up:
                await asyncio.wait_for(anext(tail), 0.05)
        await add(client, session, 4)
        await client.delete_events_before(session, 2)
        with pytest.raises(errors.HistoryTrimmedError) as caught:
            await following(tail)
    assert caught.value.first_available_sequence == 2


async def test_a_slow_reader_sees_every_event(client: AsyncSessionStore, session: str) -> None:
    """Far more than fits into the buffers of the connection comes in order to one that stops in the middle."""
    for _ in range(24):
        await client.commit(session, [append(part("x" * 1_000_000))])
    async with client.tail(session) as tail:
        first = await following(tail)
        await add(client, session, 1)
        rest = [(await following(tail)).sequence for _ in range(24)]
    assert [first.sequence, *rest] == list(range(25))
