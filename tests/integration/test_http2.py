"""What one connection of a page may take over HTTP/2, where many calls share it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, StreamEnded, StreamReset
from hypercorn.asyncio.worker_context import EventWrapper

from sessiond.web.connections import SOON_GIVEN_UP, bound_connections
from sessionstore import AsyncSessionStore
from tests.builders import part
from tests.integration.pages import TAIL, Http2Page, Served


@pytest.fixture
async def owner(served: Served) -> AsyncIterator[AsyncSessionStore]:
    """With a session that pages may follow."""
    async with AsyncSessionStore(served.socket) as client, asyncio.timeout(60):
        await client.create_session(session_id="s")
        yield client


async def following(served: Served) -> Http2Page:
    """A page with a tail open, in its first call."""
    page = await Http2Page.opened(served)
    page.call(1, TAIL, served.bearer, ended=True)
    await page.until(DataReceived, 1)
    return page


def give_up(page: Http2Page, served: Served, first: int, calls: int) -> None:
    """Begins calls and gives them up in the same breath."""
    for stream in range(first, first + 2 * calls, 2):
        page.call(stream, TAIL, served.bearer, ended=True)
        page.http.reset_stream(stream, ErrorCodes.CANCEL)


async def test_who_gives_up_some_calls_at_once_goes_on(served: Served, owner: AsyncSessionStore) -> None:
    """As a page does that is left with its tails just opened. Nothing of them stays."""
    page = await following(served)
    give_up(page, served, 3, SOON_GIVEN_UP)
    await owner.append_event("s", part("still here"))
    await page.until(DataReceived, 1, b"still here")
    while (await owner.get_server_info()).open_tails > 1:
        await page.ping()
    page.writer.transport.abort()


async def test_who_goes_on_giving_up_calls_loses_the_connection(served: Served, owner: AsyncSessionStore) -> None:
    """With a word for why, and with all that was open there; others notice nothing."""
    page, other = await following(served), await following(served)
    give_up(page, served, 3, SOON_GIVEN_UP + 50)
    await page.until(ConnectionTerminated, 0)
    (ended,) = [event for event in page.seen if isinstance(event, ConnectionTerminated)]
    assert ErrorCodes.ENHANCE_YOUR_CALM == ended.error_code
    await owner.append_event("s", part("still here"))
    await other.until(DataReceived, 1, b"still here")
    while (await owner.get_server_info()).open_tails > 1:
        await asyncio.sleep(0.01)
    page.writer.transport.abort()
    other.writer.transport.abort()


async def test_a_tail_outlasts_a_thousand_calls_of_its_connection(served: Served, owner: AsyncSessionStore) -> None:
    """A page that writes much does not have to open its tails anew for that."""
    page = await following(served)
    for stream in range(3, 3 + 2 * 1_100, 2):
        page.call(stream, TAIL, {}, ended=True)  # without a token: refused at once
        if stream % 100 == 1:
            await page.until(StreamEnded, stream)
    await owner.append_event("s", part("still here"))
    await page.until(DataReceived, 1, b"still here")
    page.writer.transport.abort()


@pytest.mark.parametrize(
    "call",
    [
        {":method": "POST", ":scheme": "http", ":authority": "localhost", ":path": "/\xff"},
        {":method": "P\xffST", ":scheme": "http", ":authority": "localhost", ":path": "/"},
        {":method": "CONNECT", ":authority": "localhost"},
    ],
)
async def test_a_call_that_cannot_be_read_ends_no_other(
    served: Served, owner: AsyncSessionStore, caplog: pytest.LogCaptureFixture, call: dict[str, str]
) -> None:
    """Also one without a token; nothing of it is logged."""
    page = await following(served)
    page.http.send_headers(3, list(call.items()))
    page.http.send_data(3, b"anything", end_stream=True)
    await page.until(StreamReset, 3)
    await owner.append_event("s", part("still here"))
    await page.until(DataReceived, 1, b"still here")
    page.writer.transport.abort()
    assert not caplog.records


async def test_who_changes_over_with_settings_that_are_none_is_ended(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a word in the log, whatever is wrong with them."""
    for settings in (b"AAAA", b"A"):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.daemon.addresses[-1].port)
        upgrade = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: " + settings
        writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n" + upgrade + b"\r\n\r\n")
        assert b"101" in await asyncio.wait_for(reader.read(), 20)
        writer.close()
    assert not caplog.records


async def test_what_a_page_does_not_take_is_not_added_to() -> None:
    """A call whose page lets nothing come holds one frame, and what sends it waits."""
    bound_connections()
    from hypercorn.protocol.h2 import BUFFER_HIGH_WATER, StreamBuffer

    buffer = StreamBuffer(EventWrapper)
    pushing = asyncio.create_task(buffer.push(bytes(BUFFER_HIGH_WATER)))
    await asyncio.sleep(0)
    for _ in range(10):
        assert b"" == await buffer.pop(0)
        await asyncio.sleep(0)
    assert not pushing.done()
    assert BUFFER_HIGH_WATER == len(await buffer.pop(BUFFER_HIGH_WATER))
    await pushing
