"""The limits that a daemon is started with, as a client meets them."""

from pathlib import Path

import pytest

from sessiond.contract.limits import Limits
from sessionstore import AsyncSessionStore, SessionStore, errors
from tests.builders import part
from tests.integration.conftest import DaemonUnderTest
from tests.integration.process import DaemonProcess

LIMITS = Limits(
    max_item_bytes=2000, max_commits_in_flight=3, max_sessions=2, max_events_per_session=2, max_tails_per_client=2
)


async def test_each_limit_is_answered_with_its_name(tmp_path: Path) -> None:
    """A refusal says which limit it was, how large it is and what to do; the server's information has all of them."""
    daemon = DaemonUnderTest(tmp_path, LIMITS)
    await daemon.start()
    async with AsyncSessionStore(daemon.address) as client:
        told = (await client.get_server_info()).limits
        assert [2000, 3, 2, 2, 2] == [
            told.max_item_bytes,
            told.max_commits_in_flight,
            told.max_sessions,
            told.max_events_per_session,
            told.max_tails_per_client,
        ]
        for session_id in ("a", "b"):
            await client.create_session(session_id=session_id)
        with pytest.raises(errors.LimitReachedError, match="delete sessions") as sessions:
            await client.create_session(session_id="c")
        assert ("max_sessions", 2) == (sessions.value.limit, sessions.value.limit_value)
        for _ in range(2):
            await client.append_event("a", part())
        with pytest.raises(errors.LimitReachedError, match="delete its oldest") as events:
            await client.append_event("a", part())
        assert ("max_events_per_session", 2) == (events.value.limit, events.value.limit_value)
        with pytest.raises(errors.TooLargeError):
            await client.append_event("b", part("x" * 2000))
    await daemon.stop()


async def test_a_client_has_so_many_tails_open_and_no_more(tmp_path: Path) -> None:
    """Another connection through the same socket is the same client; a tail that is closed leaves its place."""
    daemon = DaemonUnderTest(tmp_path, LIMITS)
    await daemon.start()
    async with AsyncSessionStore(daemon.address) as client, AsyncSessionStore(daemon.address) as another:
        await client.create_session(session_id="s")
        await client.append_event("s", part())
        tails = [client.tail("s"), client.tail("s")]
        for tail in tails:
            assert 0 == (await anext(tail)).sequence
        refused = another.tail("s")
        with pytest.raises(errors.LimitReachedError, match="close some first") as error:
            await anext(refused)
        assert ("max_tails_per_client", 2) == (error.value.limit, error.value.limit_value)
        await tails[0].aclose()
        while (await client.get_server_info()).open_tails > 1:
            pass
        again = another.tail("s")
        assert 0 == (await anext(again)).sequence
        for tail in (again, tails[1]):
            await tail.aclose()
    await daemon.stop()


def test_limits_are_options_of_the_command(tmp_path: Path) -> None:
    """What is not named keeps its default."""
    options = ["--max-sessions", "1", "--max-events-per-session", "2", "--max-tails-per-client", "3"]
    options += ["--max-item-bytes", "4096", "--max-commits-in-flight", "5"]
    with DaemonProcess(tmp_path, *options) as daemon, SessionStore(daemon.address) as store:
        told = store.get_server_info().limits
        assert [1, 2, 3, 4096, 5] == [
            told.max_sessions,
            told.max_events_per_session,
            told.max_tails_per_client,
            told.max_item_bytes,
            told.max_commits_in_flight,
        ]
        assert Limits().max_request_bytes == told.max_request_bytes
        store.create_session()
        with pytest.raises(errors.LimitReachedError):
            store.create_session()
