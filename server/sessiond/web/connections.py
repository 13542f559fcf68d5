"""Bounds what one connection of a page may take, where hypercorn (up to 0.18) has none.

Three things over HTTP/2: what a page does not take is kept without a limit, since the buffer of a call lets more in
whenever nothing may be sent; what waits to be sent when a connection ends waits for ever, and with it the connection;
and calls that are opened and given up again, many in one breath, are all begun (CVE-2023-44487). And over any protocol
a connection that its page closes keeps its descriptor until it was idle for five seconds.
"""

import asyncio
from collections import deque
from contextlib import suppress
from ssl import SSLError
from time import monotonic
from typing import Any

import hypercorn.protocol
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamReset
from h2.events import Event as Http2Event
from h2.exceptions import ProtocolError
from hypercorn.asyncio import run
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol import h2

__all__ = ["MAX_STREAMS", "bound_connections"]

MAX_STREAMS = 1000
"""How many calls a browser may have open on one connection; each tail is one."""

SOON_SECONDS = 1.0
SOON_GIVEN_UP, SOON_GIVEN_UP_A_SECOND = 200, 20
"""So many calls may be given up as soon as that, at once and in each second after it; who gives up more has lost the
connection."""

BYTES_A_TURN, EVENTS_A_TURN = 2048, 16
"""Of what one read of a connection brings, which may begin hundreds of calls and give them up again."""


class _Buffer(h2.StreamBuffer):
    """What waits to be sent in a call."""

    async def pop(self, max_length: int) -> bytes:
        """The next bytes; only when few are left may there be more."""
        data = bytes(self.buffer[:max_length])
        del self.buffer[:max_length]
        if len(self.buffer) < h2.BUFFER_LOW_WATER:
            await self._paused.set()
        if not self.buffer:
            await self._is_empty.set()
        return data


class _Protocol(h2.H2Protocol):
    """One connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._patience = float(SOON_GIVEN_UP)
        self._patient_at = monotonic()
        self._begun: deque[tuple[float, int]] = deque()
        """When the newest calls were begun, by the highest of their numbers."""
        self._older = 0
        """The highest number of a call that was begun earlier."""

    async def handle(self, event: Event) -> None:
        """Takes in what the connection brings; at its end nothing of it waits any more."""
        if isinstance(event, RawData):
            await self._receive(event.data)
            return
        await super().handle(event)
        if isinstance(event, Closed):
            for buffer in list(self.stream_buffers.values()):
                await buffer.close()

    async def _receive(self, data: bytes) -> None:
        events: list[Http2Event] = []
        for first in range(0, len(data), BYTES_A_TURN):
            if first:
                await asyncio.sleep(0)
            try:
                events += self.connection.receive_data(data[first : first + BYTES_A_TURN])
            except ProtocolError:
                await self._end()
                return
        given_up = {event.stream_id for event in events if isinstance(event, StreamReset)}
        begun = {event.stream_id for event in events if isinstance(event, RequestReceived)}
        if not self._bears(begun, given_up):
            self.connection.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
            await self._end()
            return
        # Calls that are over before anybody has heard of them are not begun.
        unheard = given_up & begun
        for event in events:
            if isinstance(event, DataReceived) and event.stream_id in unheard:
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        heard = [event for event in events if getattr(event, "stream_id", None) not in unheard]
        for first in range(0, max(1, len(heard)), EVENTS_A_TURN):
            if first:
                await asyncio.sleep(0)
            if self.closed:
                return
            await self._handle_events(heard[first : first + EVENTS_A_TURN])

    async def _end(self) -> None:
        await self._flush()
        await self.handle(Closed())
        await self.send(Closed())

    def _bears(self, begun: set[int], given_up: set[int]) -> bool:
        """Whether no more calls are given up than may be, soon after they are begun."""
        now = monotonic()
        if begun:
            self._begun.append((now, max(begun)))
        while self._begun and self._begun[0][0] < now - SOON_SECONDS:
            self._older = self._begun.popleft()[1]
        soon = sum(number > self._older for number in given_up)
        regained = (now - self._patient_at) * SOON_GIVEN_UP_A_SECOND
        self._patience = min(SOON_GIVEN_UP, self._patience + regained) - soon
        self._patient_at = now
        return self._patience >= 0


class _Server(TCPServer):
    """One connection of any kind."""

    _is_over = False
    """Whether its page has closed it."""

    async def protocol_send(self, event: Event) -> None:
        """Sends it; a connection that is over is not waited for as one that is idle."""
        if not (self._is_over and isinstance(event, Updated)):
            await super().protocol_send(event)

    async def _read_data(self) -> None:
        await super()._read_data()
        self._is_over = True
        await self.idle_task.stop()

    async def _close(self) -> None:
        # Who goes on to send has no claim on a traceback in the log.
        with suppress(SSLError):
            await super()._close()


def bound_connections() -> None:
    """Has hypercorn use these; it takes no others."""
    run.TCPServer = _Server  # type: ignore[attr-defined]
    h2.StreamBuffer = _Buffer  # type: ignore[misc]
    hypercorn.protocol.H2Protocol = _Protocol  # type: ignore[attr-defined]
