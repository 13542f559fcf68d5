"""Browsers: the same services over Connect and gRPC-Web, with the same access, limits and errors."""

import asyncio
import json
import logging
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from connectrpc.client import ConnectClient
from connectrpc.code import Code
from connectrpc.compat import google_protobuf_binary_codec
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.protocol import ProtocolType
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_health.v1 import health_pb2
from h2.events import ConnectionTerminated, DataReceived, StreamEnded
from hypercorn.config import Config
from pyqwest import Client, FullResponse, HTTPTransport, HTTPVersion

from sessiond.access.certificates import CertificateAuthority
from sessiond.config import ServeConfig
from sessiond.server import running_daemon
from sessionstore import AsyncSessionStore
from sessionstore.v1 import admin_service_pb2
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import part
from tests.integration.pages import ORIGIN, STORE, TAIL, Http2Page, Served, serving


def parsed(answer: FullResponse) -> Any:
    return json.loads(answer.content)


def envelope(data: bytes, flags: int = 0) -> bytes:
    """A message of a stream of Connect."""
    return bytes((flags,)) + len(data).to_bytes(4) + data


def envelopes(content: bytes) -> list[Any]:
    """The messages of a stream, in JSON."""
    found = []
    while content:
        end = 5 + int.from_bytes(content[1:5])
        found.append(json.loads(content[5:end]))
        content = content[end:]
    return found


TAIL_EVENTS = MethodInfo(
    name="TailEvents",
    service_name=STORE,
    input=pb.TailEventsRequest,
    output=pb.TailEventsResponse,
    idempotency_level=IdempotencyLevel.UNKNOWN,
    stream_type=StreamType.SERVER_STREAM,
)
WRITE = MethodInfo(
    name="Write",
    service_name=STORE,
    input=pb.WriteRequest,
    output=pb.WriteResponse,
    idempotency_level=IdempotencyLevel.UNKNOWN,
    stream_type=StreamType.BIDI_STREAM,
)
LIST = f"{STORE}/ListSessions".encode()
SERVER_NAMES = ["localhost", "127.0.0.1"]
PROTOCOLS = [ProtocolType.CONNECT, ProtocolType.GRPC_WEB]


def connected(protocol: ProtocolType, served: Served, version: HTTPVersion = HTTPVersion.HTTP1) -> ConnectClient:
    http = Client(HTTPTransport(http_version=version))
    return ConnectClient(served.url, codec=google_protobuf_binary_codec(), protocol=protocol, http_client=http)


def tailing(protocol: ProtocolType, served: Served) -> tuple[ConnectClient, AsyncIterator[pb.TailEventsResponse]]:
    client = connected(protocol, served)
    request = pb.TailEventsRequest(session_id="s")
    return client, client.execute_server_stream(request=request, method=TAIL_EVENTS, headers=served.bearer)


async def writes(*session_ids: str) -> AsyncIterator[pb.WriteRequest]:
    for session_id in session_ids:
        append = pb.Mutation(append_event=pb.EventAppend(event=part("written")))
        yield pb.WriteRequest(commits=[pb.CommitRequest(session_id=session_id, mutations=[append])])


async def test_every_call_is_refused_without_credentials(served: Served) -> None:
    """Before a byte of the request is looked at, with the details that gRPC's clients get."""
    services: list[Any] = [
        pb.DESCRIPTOR.services_by_name["SessionStoreService"],
        admin_service_pb2.DESCRIPTOR.services_by_name["AdminService"],
        health_pb2.DESCRIPTOR.services_by_name["Health"],
    ]
    paths = [
        f"{service.full_name}/{method.name}"
        for service in services
        for method in service.methods
        if not method.client_streaming and not method.server_streaming
    ]
    assert len(paths) >= 15
    for path in paths:
        for headers in ({}, {"authorization": "Bearer sst_wrong"}, {"sessiond-forwarded": "0"}):
            answer = await served.post(path, b"no JSON", headers)
            assert 401 == answer.status, path
            body = parsed(answer)
            assert ("unauthenticated", "google.rpc.ErrorInfo") == (body["code"], body["details"][0]["type"])


async def test_json_is_answered_with_json(served: Served) -> None:
    """As curl sends it; a misspelt field is refused and named, what the daemon refuses keeps its code."""
    created = await served.post(f"{STORE}/CreateSession", b'{"sessionId": "s"}', served.bearer)
    assert (200, "s") == (created.status, parsed(created)["session"]["id"])
    misspelt = await served.post(f"{STORE}/CreateSession", b'{"sesionId": "s"}', served.bearer)
    assert 400 == misspelt.status
    assert "sesionId" in parsed(misspelt)["message"]
    absent = await served.post(f"{STORE}/DeleteSession", b'{"sessionId": ""}', served.bearer)
    assert (400, "invalid_argument") == (absent.status, parsed(absent)["code"])


@pytest.mark.parametrize(
    ("method", "path", "kind", "status", "word"),
    [
        ("POST", "no.such.Service/Call", "application/json", 404, "no such call"),
        ("GET", f"{STORE}/ListSessions", "application/json", 405, "POST"),
        # What curl sends that is told nothing else.
        ("POST", f"{STORE}/ListSessions", "application/x-www-form-urlencoded", 415, "takes application/json"),
        ("POST", f"{STORE}/GetSession", "application/json", 415, "stream takes application/connect+json"),
    ],
)
async def test_what_is_no_call_is_told_why(
    served: Served, method: str, path: str, kind: str, status: int, word: str
) -> None:
    """A bare status would leave who writes a client with a guess."""
    headers = {"content-type": kind, **served.bearer}
    answer = await Client().execute(method, f"{served.url}/{path}", headers, b"{}" if method == "POST" else None)
    assert (status, "text/plain; charset=utf-8") == (answer.status, answer.headers["content-type"])
    assert word in answer.content.decode()


@pytest.mark.parametrize("version", [HTTPVersion.HTTP1, HTTPVersion.HTTP2])
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_every_stream_is_refused_without_credentials(
    served: Served, protocol: ProtocolType, version: HTTPVersion
) -> None:
    """With the code and the details that gRPC's clients get, and nothing is written or left open."""
    async with AsyncSessionStore(served.socket) as owner:
        await owner.create_session(session_id="s")
        for headers in ({}, {"authorization": "Bearer sst_wrong"}):
            for stream in ("TailEvents", "Write"):
                client = connected(protocol, served, version)
                answers: AsyncIterator[Any]
                if stream == "TailEvents":
                    request = pb.TailEventsRequest(session_id="s")
                    answers = client.execute_server_stream(request=request, method=TAIL_EVENTS, headers=headers)
                else:
                    answers = client.execute_bidi_stream(request=writes("s"), method=WRITE, headers=headers)
                with pytest.raises(ConnectError) as caught:
                    await anext(answers)
                await client.close()
                info = ErrorInfo.FromString(caught.value.details[0].message_bytes)
                assert (Code.UNAUTHENTICATED, "UNAUTHENTICATED") == (caught.value.code, info.reason)
        assert 0 == (await owner.get_server_info()).open_tails
        assert [] == [event async for event in owner.tail("s", follow=False)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_write_stream_is_answered_over_http(served: Served, protocol: ProtocolType) -> None:
    """Which no page can send, but other clients of these protocols can; what is refused is so one by one."""
    async with AsyncSessionStore(served.socket) as owner:
        await owner.create_session(session_id="s")
        client = connected(protocol, served, HTTPVersion.HTTP2)
        answers = client.execute_bidi_stream(request=writes("s", "absent", "s"), method=WRITE, headers=served.bearer)
        outcomes = [outcome.WhichOneof("outcome") async for answer in answers for outcome in answer.outcomes]
        await client.close()
        assert ["result", "error", "result"] == outcomes
        assert [0, 1] == [event.sequence async for event in owner.tail("s", follow=False)]


async def test_a_deadline_that_is_centuries_away_has_not_passed(served: Served) -> None:
    """The longest that a client can name."""
    headers = {**served.bearer, "content-type": "application/grpc-web+proto", "grpc-timeout": "99999999H"}
    answer = await served.post(f"{STORE}/ListSessions", envelope(b""), headers)
    assert b"grpc-status: 0" in answer.content


@pytest.mark.parametrize(
    ("behind", "code"),
    [
        (envelope(b"{"), "invalid_argument"),
        (envelope(b"{}", flags=4), "invalid_argument"),
        (envelope(b"{}")[:-1], "invalid_argument"),
        (b"\0\x7f\xff\xff\xff", "resource_exhausted"),
    ],
    ids=["no JSON", "flags", "cut off", "too large"],
)
async def test_a_write_stream_answers_what_came_before_what_is_no_request(
    served: Served, behind: bytes, code: str
) -> None:
    """And then says what is wrong, as over gRPC; a page that is told of a cancellation would try again for ever."""
    await served.post(f"{STORE}/CreateSession", b'{"sessionId": "s"}', served.bearer)
    commit = {"sessionId": "s", "mutations": [{"appendEvent": {"event": {"sessionSaved": {}}}}]}
    body = envelope(json.dumps({"commits": [commit]}).encode()) + behind
    answer = await served.post(f"{STORE}/Write", body, {**served.bearer, "content-type": "application/connect+json"})
    outcomes, end = envelopes(answer.content)
    assert ["result"] == [name for outcome in outcomes["outcomes"] for name in outcome]
    assert code == end["error"]["code"]


async def test_a_refused_call_leaves_the_others_of_its_connection_alone(served: Served) -> None:
    """A tail over HTTP/2 goes on when the request of another call comes after that call was refused."""
    async with AsyncSessionStore(served.socket) as owner, asyncio.timeout(20):
        await owner.create_session(session_id="s")
        page = await Http2Page.opened(served)
        page.call(1, TAIL, served.bearer, ended=True)
        await page.until(DataReceived, 1)
        page.call(3, b"", {}, ended=False)
        await page.until(DataReceived, 3, b"unauthenticated")
        # Whatever the server does on its own after an answer, it has done before it answers all of these.
        for _ in range(10):
            await page.ping()
        page.http.send_data(3, TAIL)
        page.http.send_data(3, b"", end_stream=True)
        await page.until(StreamEnded, 3)
        await page.ping()
        await owner.append_event("s", part("still here"))
        await page.until(DataReceived, 1, b"still here")
        page.writer.transport.abort()


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_tail_follows_live_and_ends_with_draining(tmp_path: Path, protocol: ProtocolType) -> None:
    """Without a gap or a repeat, what is stored first; a stopping daemon says so before it ends the stream."""
    frames: list[pb.TailEventsResponse] = []
    async with serving(tmp_path) as served, AsyncSessionStore(served.socket) as writer:
        await writer.create_session(session_id="s")
        await writer.append_event("s", part("stored"))
        client, tail = tailing(protocol, served)
        caught_up = asyncio.Event()

        async def follow() -> None:
            async for frame in tail:
                frames.append(frame)
                if frame.HasField("caught_up"):
                    caught_up.set()

        following = asyncio.create_task(follow())
        await asyncio.wait_for(caught_up.wait(), 10)
        for number in range(20):
            await writer.append_event("s", part(f"live {number}"))
        while sum(len(frame.events.events) for frame in frames) < 21:
            await asyncio.sleep(0.01)
        await served.daemon.stop()
        await asyncio.wait_for(following, 10)
        await client.close()
    assert list(range(21)) == [event.sequence for frame in frames for event in frame.events.events]
    assert frames[-1].HasField("draining")


async def test_a_page_that_is_killed_leaves_no_tail_behind(served: Served) -> None:
    """Whatever was open for it in the daemon is closed, without another event having to come."""
    async with AsyncSessionStore(served.socket) as writer:
        await writer.create_session(session_id="s")
        before = len(asyncio.all_tasks())
        request = b'{"sessionId": "s"}'
        head = (
            f"POST /{STORE}/TailEvents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/connect+json\r\n"
            f"Authorization: {served.bearer['authorization']}\r\nContent-Length: {5 + len(request)}\r\n\r\n"
        )
        reader, page = await asyncio.open_connection("127.0.0.1", served.daemon.addresses[-1].port)
        page.write(head.encode() + len(request).to_bytes(5) + request)
        assert b"caughtUp" in await asyncio.wait_for(reader.readuntil(b"caughtUp"), 10)
        assert len(asyncio.all_tasks()) > before
        page.transport.abort()
        async with asyncio.timeout(10):
            while len(asyncio.all_tasks()) > before:
                await asyncio.sleep(0.01)


async def test_a_connection_of_http2_that_is_closed_leaves_nothing_behind(served: Served) -> None:
    """Neither a tail nor a task, so that the daemon stops at once."""
    async with AsyncSessionStore(served.socket) as writer:
        await writer.create_session(session_id="s")
        before = len(asyncio.all_tasks())
        page = await Http2Page.opened(served)
        page.call(1, TAIL, served.bearer, ended=True)
        await page.until(DataReceived, 1)
        assert 1 == (await writer.get_server_info()).open_tails
        page.writer.transport.abort()
        async with asyncio.timeout(10):
            while len(asyncio.all_tasks()) > before:
                await asyncio.sleep(0.01)
        assert 0 == (await writer.get_server_info()).open_tails


@pytest.mark.parametrize("broken", ["sessiond.server.bind", "sessiond.web.gateway.web_application"])
async def test_a_start_that_fails_lets_go_of_what_was_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """The folder of the way to the daemon is removed, and the port is free for the next start."""
    between = tmp_path / "between"
    between.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(between))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()
    config = ServeConfig(data_dir=tmp_path / "data", listen=(f"http://127.0.0.1:{address[1]}",))
    seen: list[list[Path]] = []

    def breaks(*given: Any, **_: Any) -> list[Any]:
        if broken.endswith("bind") and not given[1]:
            return []
        seen.append(list(between.iterdir()))
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(broken, breaks)
        with pytest.raises(RuntimeError, match="broken"):
            async with running_daemon(config):
                pass
    assert [1] == [len(folders) for folders in seen]
    assert [] == list(between.iterdir())
    async with running_daemon(config) as daemon:
        assert address[1] == daemon.addresses[0].port


async def test_an_error_in_a_stream_keeps_its_details(served: Served) -> None:
    """Those that tell a program what to do."""
    client, tail = tailing(ProtocolType.GRPC_WEB, served)
    with pytest.raises(ConnectError) as caught:
        await anext(tail)
    await client.close()
    info = ErrorInfo.FromString(caught.value.details[0].message_bytes)
    assert (Code.NOT_FOUND, "SESSION_NOT_FOUND") == (caught.value.code, info.reason)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /%s HTTP/1.1\r\nuser-agent: \xff" % LIST, b"400"),
        (b"POST /%s HTTP/1.1\r\nauthorization: Bearer \xe9" % LIST, b"400"),
        (b"POST /%s HTTP/1.1\r\ncontent-type: application/grpc+proto" % LIST, b"415"),
        (b"GET /%s HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13" % LIST, b"403"),
    ],
    ids=["header", "credentials", "gRPC", "WebSocket"],
)
async def test_what_the_gateway_does_not_speak_is_turned_away_without_a_word_in_the_log(
    served: Served, caplog: pytest.LogCaptureFixture, head: bytes, status: bytes
) -> None:
    """Nobody needs credentials to send it: the log would be theirs to fill, with tracebacks."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.daemon.addresses[-1].port)
    writer.write(head + b"\r\nhost: localhost\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    assert [b"HTTP/1.1", status] == (await reader.readline()).split()[:2]
    writer.close()
    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(("origin", "allowed"), [(ORIGIN, ORIGIN), ("http://elsewhere.example", None)])
async def test_only_pages_of_the_origins_named_may_call(served: Served, origin: str, allowed: str | None) -> None:
    """The browser holds the others back, before they can send a token."""
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,connect-protocol-version,content-type",
    }
    asked = await Client().execute("OPTIONS", f"{served.url}/{STORE}/GetSession", headers)
    assert (200 if allowed else 400, allowed) == (asked.status, asked.headers.get("access-control-allow-origin"))
    answered = await served.post(f"{STORE}/CreateSession", json.dumps({}).encode(), {**served.bearer, "origin": origin})
    assert allowed == answered.headers.get("access-control-allow-origin")


@pytest.mark.parametrize("calls", [0, 1])
async def test_a_connection_that_its_page_closes_is_let_go_of_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """And not when it was idle for long enough: each holds a descriptor."""
    monkeypatch.setattr(Config, "keep_alive_timeout", 3600)
    async with serving(tmp_path) as served, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.daemon.addresses[-1].port)
        for _ in range(calls):
            writer.write(b"POST /anything HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n")
            assert b"404" in await reader.readline()
        writer.write_eof()
        await reader.read()
        writer.close()


@asynccontextmanager
async def serving_https(folder: Path) -> AsyncIterator[tuple[CertificateAuthority, int]]:
    """A daemon that serves browsers over TLS; who signed for it, and its port."""
    authority = CertificateAuthority(folder / "tls")
    authority.create()
    pair = authority.issue_server("server", SERVER_NAMES)
    config = ServeConfig(
        data_dir=folder / "data",
        listen=("https://127.0.0.1:0",),
        tls_certificate=pair.certificate,
        tls_key=pair.key,
    )
    async with running_daemon(config) as daemon:
        yield authority, daemon.addresses[0].port


async def test_https_speaks_http2_and_takes_up_a_replaced_certificate(tmp_path: Path) -> None:
    """With the next connection, without a restart."""
    async with serving_https(tmp_path) as (authority, port):
        first = await shaken(authority, port)
        authority.issue_server("server", SERVER_NAMES)
        second = await shaken(authority, port)
    assert ("h2", "h2") == (first[1], second[1])
    assert first[0] != second[0]


async def test_a_handshake_of_tls_that_does_not_go_on_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After seconds: each holds a quarter of a megabyte."""
    monkeypatch.setattr("sessiond.web.serving._HANDSHAKE_SECONDS", 0.1)
    async with serving_https(tmp_path) as (_, port), asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01")
        assert await reader.read() == b""
        writer.close()


async def test_what_comes_behind_the_end_of_a_connection_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A page that gives up thousands of calls in one breath is told so once, and leaves nothing in the log."""
    async with serving_https(tmp_path) as (authority, port), asyncio.timeout(30):
        context = ssl.create_default_context(cafile=str(authority.files.certificate))
        context.set_alpn_protocols(["h2"])
        page = Http2Page(*await asyncio.open_connection("127.0.0.1", port, ssl=context))
        for stream in range(1, 10_001, 2):
            page.call(stream, b"", {}, ended=False)
            page.http.reset_stream(stream)
        await page.until(ConnectionTerminated, 0)
        with suppress(ConnectionError):
            while await page.reader.read(65536):
                pass
        page.writer.close()
    assert [] == [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


async def shaken(authority: CertificateAuthority, port: int) -> tuple[bytes, str]:
    """The certificate and the protocol of a new connection."""
    context = ssl.create_default_context(cafile=str(authority.files.certificate))
    context.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    connection = writer.get_extra_info("ssl_object")
    found = connection.getpeercert(binary_form=True), connection.selected_alpn_protocol()
    writer.close()
    await writer.wait_closed()
    return found
