"""Bounds what the connections of pages may take, where hypercorn (up to 0.18) has none.

Over any protocol what they bring is taken in whenever it comes, however many they are, and a connection that its page
closes keeps its descriptor until it was idle for five seconds. And three things over HTTP/2: what a page does not take
is kept without a limit, since the buffer of a call lets more in whenever nothing may be sent; what waits to be sent
when a connection ends waits for ever, and with it the connection; and calls that are opened and given up again, many in
one breath, are all begun (CVE-2023-44487).

What hypercorn would break at over HTTP/2, with a traceback in the log and all other calls of the connection, is turned
away: a method or a path that is no ASCII, none at all, and a change over from HTTP/1.1 with settings that are none.
"""

import asyncio
import binascii
from collections import deque
from contextlib import suppress
from ssl import SSLError
from time import monotonic
from typing import Any, cast

import hypercorn.protocol
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamReset
from h2.events import Event as Http2Event
from h2.exceptions import ProtocolError
from hypercorn.asyncio import run
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol import h2
from hyperframe.exceptions import HyperframeError

from sessiond.turns import Turns

__all__ = ["MAX_STREAMS", "BoundedConfig", "bound_connections"]

MAX_STREAMS = 1000
"""How many calls a browser may have open on one connection; each tail is one."""

SOON_SECONDS = 1.0
SOON_GIVEN_UP, SOON_GIVEN_UP_A_SECOND = 200, 20
"""So many calls may be given up as soon as that, at once and in each second after it; who gives up more has lost the
connection."""

PIECE_BYTES, PIECE_EVENTS = 512, 4
"""What one read of a connection of HTTP/2 brings may begin hundreds of calls, and give them up again: it is taken in by
such pieces."""

TURN_SECONDS = 0.0005
"""After so long the next piece waits for another turn."""


class BoundedConfig(Config):
    """What hypercorn is told, and the turns by which connections take in what comes."""

    turns: Turns


class _Reader:
    """What comes in a connection, when it is its turn."""

    def __init__(self, reader: asyncio.StreamReader, turns: Turns) -> None:
        self._reader = reader
        self._turns = turns

    def at_eof(self) -> bool:
        """See StreamReader."""
        return self._reader.at_eof()

    async def read(self, most_bytes: int) -> bytes:
        """See StreamReader; what is done with it then is done in a turn."""
        data = await self._reader.read(most_bytes)
        await self._turns.take()
        return data


class _Piecework:
    """What is done in pieces from now on, several in a turn while they take little."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._began = monotonic()

    async def next(self) -> None:
        """To be waited for before each piece."""
        if monotonic() - self._began > TURN_SECONDS:
            await self._turns.take()
            self._began = monotonic()


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
        self._turns = cast("BoundedConfig", self.config).turns
        self._patience = float(SOON_GIVEN_UP)
        self._patient_at = monotonic()
        self._begun: deque[tuple[float, int]] = deque()
        """When the newest calls were begun, by the highest of their numbers."""
        self._older = 0
        """The highest number of a call that was begun earlier."""

    async def initiate(self, headers: list[tuple[bytes, bytes]] | None = None, settings: bytes | None = None) -> None:
        """Begins; with the settings of a client that changes over."""
        try:
            await super().initiate(headers, settings)
        except (ProtocolError, HyperframeError, binascii.Error):
            await self._end()

    async def handle(self, event: Event) -> None:
        """Takes in what the connection brings; at its end nothing of it waits any more."""
        if isinstance(event, RawData):
            # What was read of a connection before it was ended says nothing any more.
            if not self.closed:
                await self._receive(event.data)
            return
        await super().handle(event)
        if isinstance(event, Closed):
            for buffer in list(self.stream_buffers.values()):
                await buffer.close()

    async def _receive(self, data: bytes) -> None:
        events: list[Http2Event] = []
        work = _Piecework(self._turns)
        for first in range(0, len(data), PIECE_BYTES):
            await work.next()
            if self.closed:
                return
            try:
                events += self.connection.receive_data(data[first : first + PIECE_BYTES])
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
        unheard = (given_up & begun) | self._turn_away_unreadable(events, given_up)
        for event in events:
            if isinstance(event, DataReceived) and event.stream_id in unheard:
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        heard = [event for event in events if getattr(event, "stream_id", None) not in unheard]
        for first in range(0, max(1, len(heard)), PIECE_EVENTS):
            await work.next()
            if self.closed:
                return
            await self._handle_events(heard[first : first + PIECE_EVENTS])

    def _turn_away_unreadable(self, events: list[Http2Event], given_up: set[int]) -> set[int]:
        """Resets the calls of which it cannot be told what they call; answers which they are."""
        unreadable = {
            event.stream_id
            for event in events
            if isinstance(event, RequestReceived) and event.stream_id not in given_up and not _is_readable(event)
        }
        for stream_id in unreadable:
            self.connection.reset_stream(stream_id, ErrorCodes.PROTOCOL_ERROR)
        return unreadable

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


def _is_readable(request: RequestReceived) -> bool:
    named = dict(request.headers)
    return b":path" in named and named[b":method"].isascii() and named[b":path"].isascii()


class _Server(TCPServer):
    """One connection of any kind."""

    _is_over = False
    """Whether its page has closed it."""

    async def protocol_send(self, event: Event) -> None:
        """Sends it; to one that is closed nothing, and one that is over is not waited for as one that is idle."""
        if isinstance(event, RawData) and self.writer.is_closing():
            return
        if not (self._is_over and isinstance(event, Updated)):
            await super().protocol_send(event)

    async def _read_data(self) -> None:
        turns = cast("BoundedConfig", self.config).turns
        self.reader = _Reader(self.reader, turns)  # type: ignore[assignment]  # of which no more is used from here on
        await super()._read_data()
        self._is_over = True
        await self.idle_task.stop()

    async def _close(self) -> None:
        # Who goes on to send has no claim on a traceback in the log.
        with suppress(SSLError):
            await super()._close()


def bound_connections() -> None:
    """Has hypercorn use these, for whatever has a BoundedConfig; it takes no others."""
    run.TCPServer = _Server  # type: ignore[attr-defined]
    h2.StreamBuffer = _Buffer  # type: ignore[misc]
    hypercorn.protocol.H2Protocol = _Protocol  # type: ignore[attr-defined]
