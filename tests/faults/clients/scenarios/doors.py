"""Clients at the other doors: the handshake of TLS, and the listener for browsers."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import count
from pathlib import Path

from google.protobuf.message import Message
from pyqwest import Client

from sessiond.access.certificates import CertificateAuthority
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import part
from tests.faults.clients.attack import Attack
from tests.faults.clients.attacked_daemon import AttackedDaemon, attacked_daemon
from tests.faults.clients.scenarios.unread import write_beside

__all__ = [
    "PATH",
    "careless_tls",
    "connection",
    "daemon_with_doors",
    "half_handshakes",
    "half_page_handshakes",
    "page_calls",
    "refused_page_calls",
    "slow_bodies",
    "slow_headers",
    "tail_request",
    "unread_pages",
    "unread_secure_pages",
]

PAUSE_SECONDS = 0.1
PIECES = 10
"""So many bytes, one after the other, and then the connection is closed by whoever opened it."""

OK, NOT_FOUND = 200, 404
PATH = "/sessionstore.v1.SessionStoreService/"


@asynccontextmanager
async def daemon_with_doors(folder: Path) -> AsyncIterator[AttackedDaemon]:
    """A daemon that listens with TLS and for browsers too."""
    authority = CertificateAuthority(folder / "tls")
    authority.create()
    pair = authority.issue_server("server", ["localhost", "127.0.0.1"])
    files = ("--tls-cert", str(pair.certificate), "--tls-key", str(pair.key))
    doors = [f"{kind}127.0.0.1:0" for kind in ("tls:", "http://", "https://")]
    listen = [option for door in doors for option in ("--listen", door)]
    async with attacked_daemon(folder, *files, *listen) as daemon:
        # The first call of a page opens the way to the calls, which then stays; both doors take it.
        await _answer(daemon, Client(), "ListSessions", pb.ListSessionsRequest(), OK)
        yield daemon


async def half_handshakes(attack: Attack) -> None:
    """Connections that begin a handshake of TLS and do not go on."""
    await _half_handshakes(attack, "tls:")


async def half_page_handshakes(attack: Attack) -> None:
    """The same where pages are served."""
    await _half_handshakes(attack, "https:")


async def _half_handshakes(attack: Attack, door: str) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    handshake = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        handshake.do_handshake()
    hello = outgoing.read()
    await _hold(attack, door, hello[: len(hello) // 2], hello[len(hello) // 2 :][:PIECES], "handshakes begun")


async def slow_headers(attack: Attack) -> None:
    """Requests whose head comes a byte at a time, from nobody in particular."""
    head = f"POST {PATH}AppendEvent HTTP/1.1\r\nhost: localhost\r\nx-slow: "
    await _hold(attack, "http:", head.encode(), b"x" * PIECES, "heads begun")


async def slow_bodies(attack: Attack) -> None:
    """Requests whose body comes a byte at a time, from somebody with a token."""
    await _hold(
        attack, "http:", _head(attack, "AppendEvent", "application/json", 10_000), b" " * PIECES, "bodies begun"
    )


async def unread_pages(attack: Attack) -> None:
    """Tails of pages that never read, while somebody writes."""
    await _unread_pages(attack, "http:", None)


async def unread_secure_pages(attack: Attack) -> None:
    """The same over TLS."""
    await _unread_pages(attack, "https:", careless_tls("http/1.1"))


def tail_request(session: str) -> bytes:
    """The body of a request that opens a tail, as pages send it."""
    request = pb.TailEventsRequest(session_id=session).SerializeToString()
    return b"\0" + len(request).to_bytes(4) + request


async def _unread_pages(attack: Attack, door: str, tls: ssl.SSLContext | None) -> None:
    session = await attack.session("pages")
    body = tail_request(session)
    opening = _head(attack, "TailEvents", "application/connect+proto", len(body)) + body
    pages = attack.sizes.workers
    async with AsyncExitStack() as stack:
        for _ in range(pages):
            _, writer = await stack.enter_async_context(connection(attack, door, tls))
            writer.write(opening)
        await attack.daemon.until(lambda found: found.open_tails >= pages)
        attack.counts["pages that never read"] = pages
        await write_beside(attack, [session])
    await attack.daemon.until(lambda found: found.open_tails == 0)


async def page_calls(attack: Attack) -> None:
    """Appends of pages, each in a request of its own."""
    session, numbers = await attack.session("calls"), count()

    async def one(_: int, page: Client) -> None:
        name = f"e{next(numbers)}"
        request = pb.AppendEventRequest(session_id=session, event=part(""), event_id=name)
        answer = pb.AppendEventResponse.FromString(await _answer(attack.daemon, page, "AppendEvent", request, OK))
        attack.acknowledged[session][name] = answer.sequence
        attack.counts["appended by pages"] += 1

    page = Client()
    await attack.flood(attack.sizes.workers, lambda number: one(number, page))


async def refused_page_calls(attack: Attack) -> None:
    """Appends of pages to a session that is not there."""
    request = pb.AppendEventRequest(session_id="nowhere", event=part(""))

    async def one(page: Client) -> None:
        await _answer(attack.daemon, page, "AppendEvent", request, NOT_FOUND)
        attack.counts["refused to pages"] += 1

    page = Client()
    await attack.flood(attack.sizes.workers, lambda _: one(page))


async def _answer(daemon: AttackedDaemon, page: Client, method: str, request: Message, status: int) -> bytes:
    host, port = daemon.door("http:")
    headers = {"content-type": "application/proto", "authorization": f"Bearer {daemon.token}"}
    found = await page.post(f"http://{host}:{port}{PATH}{method}", headers, request.SerializeToString())
    if found.status != status:
        raise AssertionError(f"{found.status}: {found.content!r}")
    return found.content


def _head(attack: Attack, method: str, kind: str, size_bytes: int) -> bytes:
    lines = (
        f"POST {PATH}{method} HTTP/1.1",
        "host: localhost",
        f"authorization: Bearer {attack.daemon.token}",
        f"content-type: {kind}",
        "connect-protocol-version: 1",
        f"content-length: {size_bytes}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"


def careless_tls(protocol: str) -> ssl.SSLContext:
    """TLS for a protocol, by somebody who does not care whom it speaks with."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    return context


@asynccontextmanager
async def connection(
    attack: Attack, door: str, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to one of the other listeners, which is dropped in the end."""
    reader, writer = await asyncio.open_connection(*attack.daemon.door(door), ssl=tls)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def _hold(attack: Attack, door: str, beginning: bytes, rest: bytes, what: str) -> None:
    """Connections that send a beginning and then a byte at a time, and another one after each."""

    async def one(_: int) -> None:
        async with connection(attack, door) as (_reader, writer):
            writer.write(beginning)
            for byte in rest:
                await asyncio.sleep(PAUSE_SECONDS)
                # The daemon may have had enough of it.
                with suppress(ConnectionError):
                    writer.write(bytes((byte,)))
                    await writer.drain()
        attack.counts[what] += 1

    await attack.flood(4 * attack.sizes.workers, one)
