"""Pages that have many calls in one connection, over HTTP/2."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, Event, RemoteSettingsChanged
from h2.settings import SettingCodes

from tests.faults.clients.attack import Attack
from tests.faults.clients.scenarios.doors import PATH, careless_tls, connection, tail_request
from tests.faults.clients.scenarios.unread import write_beside

__all__ = ["reset_calls", "unread_calls"]

SESSION = "calls"
CALLS_A_CONNECTION = 50
READ_BYTES = 65_536
PAUSE_SECONDS = 0.01
"""So long the server is listened to between one breath and the next."""


class _Connection:
    """One connection, and the calls in it."""

    def __init__(self, attack: Attack, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._token = attack.daemon.token
        self._reader = reader
        self._writer = writer
        self._state = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._is_closed = False

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to be had from it: it is closed, or the server takes no more requests in."""
        needed = CALLS_A_CONNECTION * len(tail_request(SESSION))
        return self._is_closed or self._state.outbound_flow_control_window < needed

    async def begin(self, window_bytes: int) -> None:
        """Says how much the server may send in each call, and waits for what it says."""
        self._state.initiate_connection()
        self._state.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: window_bytes})
        await self.send()
        while not any(isinstance(event, RemoteSettingsChanged) for event in await self.receive()):
            if self._is_closed:
                raise ConnectionError("the server wants no connection")

    def open(self, session: str) -> int:
        """Begins a tail; gives the number of its stream."""
        stream = self._state.get_next_available_stream_id()
        headers = (
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", "localhost"),
            (":path", f"{PATH}TailEvents"),
            ("authorization", f"Bearer {self._token}"),
            ("content-type", "application/connect+proto"),
            ("connect-protocol-version", "1"),
        )
        self._state.send_headers(stream, headers)
        self._state.send_data(stream, tail_request(session), end_stream=True)
        return stream

    def reset(self, stream: int) -> None:
        """Gives up a call."""
        self._state.reset_stream(stream, ErrorCodes.CANCEL)

    async def send(self) -> None:
        """Sends what was begun and given up."""
        self._writer.write(self._state.data_to_send())
        await self._writer.drain()

    async def receive(self) -> list[Event]:
        """What comes next."""
        data = await self._reader.read(READ_BYTES)
        events = self._state.receive_data(data) if data else []
        self._is_closed = not data or any(isinstance(event, ConnectionTerminated) for event in events)
        return events


@asynccontextmanager
async def _connected(attack: Attack, window_bytes: int) -> AsyncIterator[_Connection]:
    async with connection(attack, "https:", careless_tls("h2")) as (reader, writer):
        made = _Connection(attack, reader, writer)
        await made.begin(window_bytes)
        yield made


async def unread_calls(attack: Attack) -> None:
    """Tails whose pages let nothing come, while somebody writes."""
    session = await attack.session(SESSION)
    tails = attack.sizes.workers
    async with AsyncExitStack() as stack:
        for first in range(0, tails, CALLS_A_CONNECTION):
            made = await stack.enter_async_context(_connected(attack, 0))
            for _ in range(min(CALLS_A_CONNECTION, tails - first)):
                made.open(session)
            await made.send()
        await attack.daemon.until(lambda found: found.open_tails >= tails)
        attack.counts["calls that let nothing come"] = tails
        await write_beside(attack, [session])
    await attack.daemon.until(lambda found: found.open_tails == 0)


async def reset_calls(attack: Attack) -> None:
    """Tails that are opened and given up in the same breath, again and again."""
    session = await attack.session(SESSION)

    async def one(_: int) -> None:
        # The server may have had enough of it.
        with suppress(ConnectionError):
            async with _connected(attack, READ_BYTES) as made:
                while not (made.is_over or attack.is_over):
                    for stream in [made.open(session) for _ in range(CALLS_A_CONNECTION)]:
                        made.reset(stream)
                    await made.send()
                    attack.counts["calls given up"] += CALLS_A_CONNECTION
                    with suppress(TimeoutError):
                        async with asyncio.timeout(PAUSE_SECONDS):
                            await made.receive()

    await attack.flood(max(1, attack.sizes.workers // 10), one)
    await attack.daemon.until(lambda found: found.open_tails == 0)
