"""The blocking client, from threads, against a daemon on the loop of the test."""

import asyncio
import gc
import queue
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from sessionstore import SessionStore, errors, loop_thread
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig
from sessionstore.v1.tool_pb2 import TOOL_CALL_STATUS_COMPLETED
from tests.builders import append, commit, part, tool_call, user_message
from tests.integration.conftest import DaemonUnderTest

WAIT_SECONDS = 10


@pytest.fixture
async def store(daemon: DaemonUnderTest) -> AsyncIterator[SessionStore]:
    """A blocking client, and a session `s`."""
    opened = SessionStore(daemon.address)
    await asyncio.to_thread(opened.create_session, session_id="s")
    yield opened
    await asyncio.to_thread(opened.close)


def texts(store: SessionStore, session_id: str = "s") -> list[str]:
    return [event.event.message_part.content for event in store.get_events(session_id)]


async def test_every_call_answers(store: SessionStore, daemon: DaemonUnderTest) -> None:
    """Each method does what the one of the asyncio client does."""

    def work() -> None:
        assert store.address == daemon.address
        assert store.ping() is True
        assert store.get_server_info().limits.max_mutations_per_commit == 1000
        assert store.append_message("s", user_message("m")).sequence == 0
        store.update_active_message_id("s", "m")
        store.create_tool_call("s", tool_call("c"))
        assert [found.tool_call.id for found in store.get_pending_tool_calls("s")] == ["c"]
        store.update_tool_call("s", pb.ToolCallUpdate(tool_call_id="c", status=TOOL_CALL_STATUS_COMPLETED))
        assert store.append_event("s", part("a"), expect_no_events=True).sequence == 0
        assert len(store.commit("s", [append(part("b")), append(part("c"))]).results) == 2
        assert texts(store) == ["a", "b", "c"]
        assert [message.message.id for message in store.get_messages("s")] == ["m"]
        assert len(store.list_messages_page(pb.ListMessagesRequest(session_id="s")).messages) == 1
        assert store.get_session("s").state.active_message_id == "m"
        store.update_session("s", pb.SessionUpdate(set_metadata={"k": "v"}))
        assert [session.id for session in store.list_sessions(filter=pb.SessionFilter(metadata={"k": "v"}))] == ["s"]
        assert len(store.list_sessions_page(pb.ListSessionsRequest()).sessions) == 1
        assert store.delete_events_before("s", 1).deleted_count == 1
        with store.tail("s", after_sequence=0) as tail:
            assert [next(tail).sequence, next(tail).sequence] == [1, 2]
            assert tail.last_sequence == 2
        assert store.archive_session("s").archive.session.id == "s"
        assert [archive.session.id for archive in store.list_archives()] == ["s"]
        store.restore_session("s")
        store.archive_session("s")
        store.delete_archive("s")
        assert store.create_session(SessionConfig(), session_id="t").session.id == "t"
        assert store.delete_session("t").deleted_events == 0
        with pytest.raises(errors.SessionNotFoundError):
            store.get_session("t")

    await asyncio.to_thread(work)


async def test_many_threads_share_one_client(store: SessionStore) -> None:
    """Concurrent calls of one client all take effect."""

    def work(name: int) -> list[int]:
        return [store.append_event("s", part(f"{name}")).sequence for _ in range(25)]

    def spread() -> list[int]:
        with ThreadPoolExecutor(8) as threads:
            return [sequence for found in threads.map(work, range(8)) for sequence in found]

    assert list(range(200)) == sorted(await asyncio.to_thread(spread))


async def test_write_reads_its_source_in_a_thread_of_its_own(store: SessionStore) -> None:
    """The source may call the same client, and block, without holding up an outcome."""
    given: queue.Queue[str | None] = queue.Queue()

    def source() -> Iterator[pb.CommitRequest]:
        while (text := given.get(timeout=WAIT_SECONDS)) is not None:
            seen = len(texts(store))
            yield commit("s", append(part(f"{text} after {seen}")))

    def work() -> None:
        with store.write(source()) as outcomes:
            for text in ("a", "b", "c"):
                given.put(text)
                assert next(outcomes).HasField("result")
            given.put(None)
            assert list(outcomes) == []
        assert texts(store) == ["a after 0", "b after 1", "c after 2"]

    await asyncio.to_thread(work)


async def test_the_error_of_the_source_comes_after_the_outcomes(store: SessionStore) -> None:
    """What the source gave before it failed is written and answered first."""

    def source() -> Iterator[pb.CommitRequest]:
        yield commit("s", append(part("a")))
        raise LookupError("the source")

    def work() -> None:
        outcomes = store.write(source())
        assert next(outcomes).HasField("result")
        with pytest.raises(LookupError, match="the source"):
            next(outcomes)
        assert texts(store) == ["a"]

    await asyncio.to_thread(work)


class Interrupts:
    """Raises KeyboardInterrupt once, at a moment of a call at which the user might press Ctrl-C.

    In the thread that calls, and no other: the loop of the test hands on to that of the client what gRPC has told it.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, store: SessionStore) -> None:
        self._moment, self._caller = "", threading.current_thread()
        loop = store._thread._loop
        schedule, interrupts = loop.call_soon_threadsafe, self

        class Answer(Future[Any]):
            def result(self, timeout: float | None = None) -> Any:
                interrupts.meet("while it waits")
                answer = super().result(timeout)
                interrupts.meet("as the answer comes")
                return answer

        def call_soon_threadsafe(*arguments: Any) -> Any:
            self.meet("before it is begun")
            handle = schedule(*arguments)
            self.meet("as it is begun")
            return handle

        monkeypatch.setattr(loop_thread, "Future", Answer)
        monkeypatch.setattr(loop, "call_soon_threadsafe", call_soon_threadsafe)

    @property
    def moment(self) -> str:
        """When it is raised, in the thread that says so; empty when it was."""
        return self._moment

    @moment.setter
    def moment(self, moment: str) -> None:
        self._moment, self._caller = moment, threading.current_thread()

    def meet(self, moment: str) -> None:
        """One of the moments has come."""
        if moment == self.moment and threading.current_thread() is self._caller:
            self.moment = ""
            raise KeyboardInterrupt


MOMENTS = ["before it is begun", "as it is begun", "while it waits", "as the answer comes"]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_an_interrupted_tail_misses_no_event(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Whoever reads on has the next one, and not the one after it, nor the end."""
    interrupts = Interrupts(monkeypatch, store)

    def work() -> list[int]:
        seen = []
        with store.tail("s") as tail:
            for number in range(5):
                if moment == "as the answer comes":
                    store.append_event("s", part(f"{number}"))
                interrupts.moment = moment
                with pytest.raises(KeyboardInterrupt):
                    next(tail)
                if moment != "as the answer comes":
                    store.append_event("s", part(f"{number}"))
                seen.append(next(tail).sequence)
            assert seen[-1] == tail.last_sequence
        return seen

    assert list(range(5)) == await asyncio.wait_for(asyncio.to_thread(work), 3 * WAIT_SECONDS)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_an_interrupted_read_is_whole_or_says_that_it_is_not(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """It goes on where it was, or is refused, and does not end as if that were all."""
    interrupts = Interrupts(monkeypatch, store)

    def work() -> None:
        for number in range(3):
            store.append_event("s", part(f"{number}"))
        events = store.get_events("s")
        interrupts.moment = moment
        with pytest.raises(KeyboardInterrupt):
            next(events)
        refusal = ""
        try:
            found = [event.sequence for event in events]
        except errors.SessionStoreError as error:
            refusal = str(error)
        assert "was cancelled" in refusal or found == [0, 1, 2]
        assert ["0", "1", "2"] == texts(store)

    await asyncio.wait_for(asyncio.to_thread(work), 3 * WAIT_SECONDS)


async def test_closing_a_tail_ends_it_in_another_thread(store: SessionStore) -> None:
    """A thread that waits for an event leaves its loop as after the last one."""
    tail = store.tail("s", from_now=True)
    seen = asyncio.create_task(asyncio.to_thread(list, tail))
    await until_a_tail_is_open(store)
    await asyncio.to_thread(tail.close)
    assert await asyncio.wait_for(seen, WAIT_SECONDS) == []
    await asyncio.to_thread(tail.close)


async def test_closing_the_client_fails_the_calls_of_other_threads(
    daemon: DaemonUnderTest, store: SessionStore
) -> None:
    """A waiting thread, and a later call, get an error that says so; closing again does nothing."""
    other = SessionStore(daemon.address)
    tail = other.tail("s")
    waiting = asyncio.create_task(asyncio.to_thread(next, tail))
    await until_a_tail_is_open(store)
    closers = [asyncio.to_thread(other.close) for _ in range(3)]
    await asyncio.wait_for(asyncio.gather(*closers), WAIT_SECONDS)
    with pytest.raises(errors.SessionStoreError, match="closed"):
        await asyncio.wait_for(waiting, WAIT_SECONDS)
    with pytest.raises(errors.SessionStoreError, match="closed"):
        other.ping()
    with pytest.raises(errors.SessionStoreError, match="closed"):
        list(other.get_events("s"))
    tail.close()
    other.close()


async def test_threads_that_call_while_the_client_closes_do_not_hang(daemon: DaemonUnderTest) -> None:
    """Every call ends, with an answer or with the error of a closed client."""

    def call_until_closed(store: SessionStore) -> str:
        try:
            while True:
                store.ping()
        except errors.SessionStoreError as error:
            return str(error)

    for _ in range(5):
        other = SessionStore(daemon.address)
        callers = [asyncio.create_task(asyncio.to_thread(call_until_closed, other)) for _ in range(4)]
        await asyncio.to_thread(other.ping)
        await asyncio.to_thread(other.close)
        ends = await asyncio.wait_for(asyncio.gather(*callers), WAIT_SECONDS)
        assert all("closed" in end for end in ends)


async def test_a_forgotten_client_is_closed_by_the_garbage_collector(daemon: DaemonUnderTest) -> None:
    """Its thread ends; but not while an answer is still read."""

    def threads() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name == "sessionstore client"}

    def work() -> None:
        before = threads()
        forgotten = SessionStore(daemon.address)
        forgotten.create_session(session_id="t")
        (own,) = threads() - before
        reference = weakref.ref(forgotten)
        sessions = forgotten.list_sessions()
        del forgotten
        gc.collect()
        assert [session.id for session in sessions] == ["t"]
        del sessions
        gc.collect()
        assert reference() is None
        own.join(WAIT_SECONDS)
        assert not own.is_alive()

    await asyncio.to_thread(work)


def test_a_wrong_address_is_refused_and_leaves_no_thread() -> None:
    """Making the client fails with what is wrong."""
    before = threading.active_count()
    with pytest.raises(ValueError, match="neither"):
        SessionStore("localhost")
    for thread in threading.enumerate():
        if thread.name == "sessionstore client":
            thread.join(WAIT_SECONDS)
    assert threading.active_count() <= before


async def until_a_tail_is_open(store: SessionStore) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not (await asyncio.to_thread(store.get_server_info)).open_tails:
            pass
