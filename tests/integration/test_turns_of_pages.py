"""What pages send is taken in when it is their turn, and a little at a time."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from h2.events import DataReceived

from sessiond.turns import Turns
from sessiond.web import connections
from sessiond.web.connections import PIECE_EVENTS
from sessionstore import AsyncSessionStore
from tests.integration.pages import STORE, TAIL, Http2Page, Served, serving

CALLS = 50


class Turnstile(Turns):
    """Gives turns while it is open."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = asyncio.Event()
        self.asked = 0

    async def take(self) -> None:
        self.asked += 1
        await self.opened.wait()


@asynccontextmanager
async def behind_a_turnstile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Served, Turnstile]]:
    """A daemon whose pages have those turns, and no others have them."""
    turnstile = Turnstile()
    monkeypatch.setattr(Turns, "beside", lambda _: turnstile)
    async with asyncio.timeout(30), serving(folder) as served, AsyncSessionStore(served.socket) as client:
        await client.create_session(session_id="s")
        yield served, turnstile


async def test_a_request_waits_for_its_turn_and_others_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over HTTP/1.1 as over HTTP/2."""
    async with behind_a_turnstile(tmp_path, monkeypatch) as (served, turnstile):
        asking = asyncio.create_task(served.post(f"{STORE}/ListSessions", json.dumps({}).encode(), served.bearer))
        page = await Http2Page.opened(served)
        page.call(1, TAIL, served.bearer, ended=True)
        following = asyncio.create_task(page.until(DataReceived, 1))
        while turnstile.asked < 2:
            await asyncio.sleep(0.01)
        async with AsyncSessionStore(served.socket) as client:
            assert 1 == len([session async for session in client.list_sessions()])
        assert (False, False) == (asking.done(), following.done())
        turnstile.opened.set()
        assert 200 == (await asking).status
        await following
        page.writer.transport.abort()


async def test_what_one_read_brings_over_http2_may_take_many_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each piece takes one when what was done before it in the same turn took its time."""
    monkeypatch.setattr(connections, "TURN_SECONDS", 0)
    async with behind_a_turnstile(tmp_path, monkeypatch) as (served, turnstile):
        turnstile.opened.set()
        page = await Http2Page.opened(served)
        for stream in range(1, 2 * CALLS, 2):
            page.call(stream, TAIL, served.bearer, ended=True)
        await page.until(DataReceived, 2 * CALLS - 1)
        # The head of a call, its body, its end.
        assert turnstile.asked >= 3 * CALLS / PIECE_EVENTS
        page.writer.transport.abort()
