"""A daemon that serves browsers, and a page that speaks HTTP/2 to it, frame by frame."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, PingAckReceived
from pyqwest import Client, FullResponse

from sessiond.config import ServeConfig
from sessiond.server import Daemon, running_daemon
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["ORIGIN", "STORE", "TAIL", "Http2Page", "Served", "serving"]

ORIGIN = "http://localhost:3000"
STORE = "sessionstore.v1.SessionStoreService"

_TAIL_REQUEST = pb.TailEventsRequest(session_id="s").SerializeToString()
TAIL = b"\0" + len(_TAIL_REQUEST).to_bytes(4) + _TAIL_REQUEST
"""The body of a request to follow the session s."""


@dataclass
class Served:
    """A daemon with a listener for browsers."""

    daemon: Daemon
    url: str
    socket: str
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> FullResponse:
        return await Client().post(f"{self.url}/{path}", {"content-type": "application/json", **headers}, body)


class Http2Page:
    """A connection over which calls are sent piece by piece."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.http = H2Connection(H2Configuration(header_encoding="utf-8"))
        self.writer = writer
        self.reader = reader
        self.seen: list[Any] = []
        self.http.initiate_connection()

    @classmethod
    async def opened(cls, served: Served) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", served.daemon.addresses[-1].port))

    def call(self, stream: int, body: bytes, headers: Mapping[str, str], *, ended: bool) -> None:
        """Begins to tail; the call is on its way with the next wait."""
        named = {":method": "POST", ":scheme": "http", ":authority": "localhost", ":path": f"/{STORE}/TailEvents"}
        kind = {"content-type": "application/connect+proto"}
        self.http.send_headers(stream, list({**named, **kind, **headers}.items()))
        if body:
            self.http.send_data(stream, body, end_stream=ended)

    async def ping(self) -> None:
        self.seen = [event for event in self.seen if not isinstance(event, PingAckReceived)]
        self.http.ping(b"anything")
        await self.until(PingAckReceived, 0)

    async def until(self, kind: type[Any], stream: int, words: bytes = b"") -> None:
        """Waits for something to arrive on a stream; 0 is the connection."""
        while not any(
            isinstance(event, kind) and getattr(event, "stream_id", 0) == stream and (not words or words in event.data)
            for event in self.seen
        ):
            self.writer.write(self.http.data_to_send())
            data = await self.reader.read(65536)
            assert data, "the connection was closed"
            for event in self.http.receive_data(data):
                self.seen.append(event)
                if isinstance(event, DataReceived):
                    self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Served]:
    path = f"unix:{folder / 's.sock'}"
    config = ServeConfig(
        data_dir=folder / "data",
        listen=(path, "http://127.0.0.1:0"),
        durability="normal",
        allowed_origins=(ORIGIN,),
        grace_seconds=5,
    )
    async with running_daemon(config) as daemon:
        token = (folder / "data" / "token").read_text().strip()
        yield Served(daemon, str(daemon.addresses[-1]), path, token)
