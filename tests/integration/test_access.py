"""Nobody gets in without credentials: every call of every service, over every listener."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from sessiond.access.certificates import CertificateAuthority, Pair
from sessiond.access.rights import Right
from sessiond.access.tokens import TokenFile
from sessiond.config import ServeConfig
from sessiond.server import Daemon, running_daemon
from sessionstore import AsyncSessionStore, Credentials, errors
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import RemoteAuth, RemoteWorkspace, SessionConfig, Workspace
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.builders import append, commit, part

Metadata = tuple[tuple[str, str], ...]

SECRET = "ssh-of-the-remote"  # noqa: S105 - of nothing


@dataclass
class Guarded:
    """A daemon with listeners of each kind, and what its owner has."""

    daemon: Daemon
    folder: Path
    tokens: TokenFile
    authority: CertificateAuthority
    server: Pair

    def address(self, kind: str) -> str:
        return next(str(found) for found in self.daemon.addresses if ("unix", "tcp", "tls")[_kind(str(found))] == kind)

    def target(self, kind: str) -> str:
        return self.address(kind).removeprefix("tls:")

    def tls(self, client: Pair | None = None) -> grpc.ChannelCredentials:
        pair = (client.key.read_bytes(), client.certificate.read_bytes()) if client else (None, None)
        return grpc.ssl_channel_credentials(self.authority.files.certificate.read_bytes(), *pair)

    def channel(self, kind: str) -> grpc.aio.Channel:
        options = [("grpc.default_authority", "localhost")]
        if kind == "tls":
            return grpc.aio.secure_channel(self.target(kind), self.tls(), options=options)
        return grpc.aio.insecure_channel(self.target(kind), options=options)


def _kind(address: str) -> int:
    return 0 if address.startswith("unix:") else 2 if address.startswith("tls:") else 1


@asynccontextmanager
async def guarded(folder: Path, **fields: Any) -> AsyncIterator[Guarded]:
    authority = CertificateAuthority(folder / "tls")
    authority.create()
    server = authority.issue_server("server", ["localhost", "127.0.0.1"])
    config: dict[str, Any] = {
        "data_dir": folder / "data",
        "listen": (f"unix:{folder / 's.sock'}", "127.0.0.1:0", "tls:127.0.0.1:0"),
        "durability": "normal",
        "grace_seconds": 5,
        "tls_certificate": server.certificate,
        "tls_key": server.key,
    }
    async with running_daemon(ServeConfig(**{**config, **fields})) as daemon:
        yield Guarded(daemon, folder, TokenFile(folder / "data"), authority, server)


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[Guarded]:
    """One that asks for a token everywhere, at the socket too."""
    async with guarded(tmp_path, require_token=True) as daemon:
        yield daemon


@pytest.fixture
async def usual(tmp_path: Path) -> AsyncIterator[Guarded]:
    """One with the usual rules."""
    async with guarded(tmp_path) as daemon:
        yield daemon


def bearer(secret: str) -> Metadata:
    return (("authorization", f"Bearer {secret}"),)


def default_token(daemon: Guarded) -> str:
    return (daemon.folder / "data" / "token").read_text().strip()


async def every_call(channel: grpc.aio.Channel, metadata: Metadata) -> list[str]:
    """The full paths of all calls of all services, as the server itself tells by reflection."""
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)  # type: ignore[arg-type]  # its types know no asyncio

    async def ask(request: reflection_pb2.ServerReflectionRequest) -> reflection_pb2.ServerReflectionResponse:
        calling = stub.ServerReflectionInfo(iter([request]), metadata=metadata)
        answer: reflection_pb2.ServerReflectionResponse = await calling.read()
        return answer

    listed = await ask(reflection_pb2.ServerReflectionRequest(list_services=""))
    paths: list[str] = []
    for service in listed.list_services_response.service:
        described = await ask(reflection_pb2.ServerReflectionRequest(file_containing_symbol=service.name))
        for serialized in described.file_descriptor_response.file_descriptor_proto:
            file = FileDescriptorProto.FromString(serialized)
            for found in file.service:
                if f"{file.package}.{found.name}" == service.name:
                    paths.extend(f"/{service.name}/{method.name}" for method in found.method)
    return paths


async def refusal(channel: grpc.aio.Channel, path: str, metadata: Metadata | None = None) -> grpc.aio.AioRpcError:
    """How a call ends, whatever its shape is: to the server, one request is a stream of one."""
    # A stream of requests would lose the status of a call that ends before they are sent (grpc/grpc#36066).
    shapeless: Any = channel.unary_stream(path)
    call = shapeless(b"", metadata=metadata, timeout=10)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in call:
            pass
    return caught.value


def reason(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str, Mapping[str, str]]:
    metadata: Any = dict(error.trailing_metadata() or ())
    status = Status.FromString(metadata["grpc-status-details-bin"])
    info = ErrorInfo()
    assert status.details[0].Unpack(info)
    assert "sessionstore" == info.domain
    return error.code(), info.reason, dict(info.metadata)


UNAUTHENTICATED: Any = (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED", {})


@pytest.mark.parametrize("kind", ["unix", "tcp", "tls"])
async def test_every_call_of_every_service_is_refused_without_credentials(strict: Guarded, kind: str) -> None:
    """Reflection, health and calls that do not exist included, with no credentials and with wrong ones."""
    async with strict.channel(kind) as channel:
        paths = await every_call(channel, bearer(default_token(strict)))
        services = {path.split("/")[1] for path in paths}
        assert {"sessionstore.v1.SessionStoreService", "sessionstore.v1.AdminService"} < services
        assert {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"} < services
        assert len(paths) >= 28
        paths += ["/sessionstore.v1.SessionStoreService/NoSuchCall", "/no.such.Service/Call", "/"]
        for path in paths:
            for metadata in (None, bearer("sst_wrong"), (("authorization", "Basic YTpi"),)):
                assert UNAUTHENTICATED == reason(await refusal(channel, path, metadata)), path


@pytest.mark.parametrize("kind", ["tcp", "tls"])
async def test_a_port_asks_for_a_token_and_the_socket_does_not(usual: Guarded, kind: str) -> None:
    """The folder of the socket is its owner's alone."""
    async with usual.channel("unix") as channel:
        assert await every_call(channel, ())
    async with usual.channel(kind) as channel:
        stub = SessionStoreServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.CreateSession(pb.CreateSessionRequest())
        assert UNAUTHENTICATED == reason(caught.value)
        await stub.CreateSession(pb.CreateSessionRequest(), metadata=bearer(default_token(usual)))


@pytest.mark.parametrize("right", list(Right))
async def test_a_token_gives_its_right_and_no_more(usual: Guarded, right: Right) -> None:
    """Whoever may read cannot write, whoever may write cannot look after the archive; the refusal names both rights."""
    secret = usual.tokens.create("agent", right)
    async with AsyncSessionStore(usual.address("unix")) as owner:
        await owner.create_session(session_id="s")
    async with AsyncSessionStore(usual.address("tcp"), credentials=Credentials(token=secret)) as client:
        assert "s" == (await client.get_session("s")).id
        for needed, attempt in (
            (Right.WRITE, lambda: client.append_event("s", part())),
            (Right.ADMIN, lambda: client.archive_session("s")),
        ):
            if right >= needed:
                await attempt()
                continue
            with pytest.raises(errors.PermissionDeniedError) as caught:
                await attempt()
            assert (str(needed), str(right)) == (caught.value.required_right, caught.value.granted_right)


async def test_a_client_certificate_lets_in_without_a_token(tmp_path: Path) -> None:
    """With the right that it carries; without one, or with one of another authority, nobody gets through."""
    async with AsyncExitStack() as stack:
        client_ca = tmp_path / "tls" / "ca.pem"
        served = await stack.enter_async_context(
            guarded(tmp_path, listen=("tls:127.0.0.1:0",), tls_client_authority=client_ca)
        )
        assert not served.tokens.path.exists()
        reader, writer = (served.authority.issue_client(str(right), right) for right in (Right.READ, Right.WRITE))
        ca_file = served.authority.files.certificate

        def client(pair: Pair | None) -> AsyncSessionStore:
            shown = (
                Credentials(ca_file=ca_file)
                if pair is None
                else Credentials(ca_file=ca_file, certificate_file=pair.certificate, key_file=pair.key)
            )
            return AsyncSessionStore(served.address("tls"), credentials=shown, timeout_seconds=5)

        async with client(writer) as may_write, client(reader) as may_read:
            await may_write.create_session(session_id="s")
            assert "s" == (await may_read.get_session("s")).id
            with pytest.raises(errors.PermissionDeniedError):
                await may_read.append_event("s", part())
        foreign = CertificateAuthority(tmp_path / "foreign")
        foreign.create()
        for pair in (None, foreign.issue_client("x", Right.ADMIN)):
            async with client(pair) as stranger:
                with pytest.raises(errors.ServerUnavailableError):
                    await stranger.get_server_info()


async def test_certificates_are_taken_up_without_a_restart(usual: Guarded) -> None:
    """With the next connection; files that do not fit leave the ones before in use."""
    serials = [await served_certificate(usual)]
    usual.authority.issue_server("server", ["localhost", "127.0.0.1"])
    serials.append(await served_certificate(usual))
    usual.server.key.write_text("damaged")
    serials.append(await served_certificate(usual))
    usual.authority.issue_server("server", ["localhost", "127.0.0.1"])
    serials.append(await served_certificate(usual))
    assert serials[0] != serials[1] == serials[2] != serials[3]


async def test_a_clients_certificate_does_not_take_the_place_of_the_daemons(usual: Guarded) -> None:
    """It fits its key, and no client would accept it of a server."""
    before = await served_certificate(usual)
    pair = usual.authority.issue_client("agent", Right.READ)
    pair.key.replace(usual.server.key)
    pair.certificate.replace(usual.server.certificate)
    assert before == await served_certificate(usual)


async def served_certificate(daemon: Guarded) -> bytes:
    import ssl

    host, _, port = daemon.target("tls").rpartition(":")
    context = ssl.create_default_context(cafile=str(daemon.authority.files.certificate))
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection(host, int(port), ssl=context)
    try:
        certificate: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
    return certificate


@pytest.mark.parametrize("change", ["rotate", "revoke"])
async def test_an_open_tail_ends_when_its_token_does(usual: Guarded, change: str) -> None:
    """Not one event reaches whoever holds a token that was rotated or revoked before."""
    secret = usual.tokens.create("agent", Right.READ)
    async with AsyncSessionStore(usual.address("unix")) as owner:
        await owner.create_session(session_id="s")
        await owner.append_event("s", part("before"))
        async with usual.channel("tcp") as channel:
            frames = SessionStoreServiceStub(channel).TailEvents(
                pb.TailEventsRequest(session_id="s"), metadata=bearer(secret)
            )
            assert (await frames.read()).HasField("events")
            assert (await frames.read()).HasField("caught_up")
            getattr(usual.tokens, change)("agent")
            await owner.append_event("s", part("after"))
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await frames.read()
            assert UNAUTHENTICATED == reason(caught.value)


@pytest.mark.parametrize("change", ["rotate", "revoke"])
async def test_an_open_write_stream_takes_nothing_more_when_its_token_ends(usual: Guarded, change: str) -> None:
    """Not one commit is applied of whoever holds a token that was rotated or revoked before."""
    secret = usual.tokens.create("agent", Right.WRITE)
    request = pb.WriteRequest(commits=[commit("s", append(part()))])
    async with AsyncSessionStore(usual.address("unix")) as owner, usual.channel("tcp") as channel:
        await owner.create_session(session_id="s")
        stream = SessionStoreServiceStub(channel).Write(metadata=bearer(secret))
        await stream.write(request)
        assert (await stream.read()).outcomes[0].HasField("result")
        getattr(usual.tokens, change)("agent")
        await stream.write(request)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream.read()
        assert UNAUTHENTICATED == reason(caught.value)
        assert [0] == [event.sequence async for event in owner.get_events("s")]


async def test_an_open_tail_goes_on_when_another_token_changes(usual: Guarded) -> None:
    """Its own is still worth what it was."""
    secret, _ = usual.tokens.create("agent", Right.READ), usual.tokens.create("other", Right.READ)
    async with AsyncSessionStore(usual.address("unix")) as owner:
        await owner.create_session(session_id="s")
        credentials = Credentials(token=secret)
        async with (
            AsyncSessionStore(usual.address("tcp"), credentials=credentials) as client,
            client.tail("s") as tail,
        ):
            usual.tokens.revoke("other")
            await owner.append_event("s", part("after"))
            assert "after" == (await anext(tail)).event.message_part.content


async def test_a_client_takes_up_a_rotated_token_from_its_file(usual: Guarded) -> None:
    """Without a new client, and also for the writes, whose stream was opened with the token before."""
    credentials = Credentials(token_file=usual.folder / "data" / "token")
    async with AsyncSessionStore(usual.address("tcp"), credentials=credentials) as client:
        await client.create_session(session_id="s")
        await client.append_event("s", part())
        for _ in range(2):
            usual.tokens.rotate("default")
            await client.append_event("s", part())
        assert [0, 1, 2] == [event.sequence async for event in client.get_events("s")]


async def test_tails_and_writes_under_way_take_up_a_rotated_token_from_its_file(usual: Guarded) -> None:
    """Without an event lost or stored twice."""
    file = usual.folder / "agent.token"
    file.write_text(usual.tokens.create("agent", Right.WRITE))
    answered: asyncio.Queue[None] = asyncio.Queue()

    async def commits() -> AsyncIterator[pb.CommitRequest]:
        for text in ("a", "b", "c"):
            yield commit("s", append(part(text)))
            await answered.get()

    async with (
        AsyncSessionStore(usual.address("tcp"), credentials=Credentials(token_file=file)) as client,
        AsyncSessionStore(usual.address("unix")) as owner,
        asyncio.timeout(20),
    ):
        await owner.create_session(session_id="s")
        async with client.tail("s") as tail:
            outcomes = client.write(commits())
            for number in range(3):
                if number:
                    file.write_text(usual.tokens.rotate("agent"))
                assert (await anext(outcomes)).HasField("result")
                answered.put_nowait(None)
                assert (await anext(tail)).sequence == number
            assert [outcome async for outcome in outcomes] == []
        assert ["a", "b", "c"] == [event.event.message_part.content async for event in owner.get_events("s")]


@pytest.mark.parametrize("change", ["rotate", "revoke"])
async def test_a_tail_whose_token_stays_refused_says_so(
    usual: Guarded, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """At once when there can be no other token, and after a while when none comes."""
    monkeypatch.setattr("sessionstore.reopening.NEW_TOKEN_SECONDS", 0.1)
    file = usual.folder / "agent.token"
    for fixed in (True, False):
        file.write_text(usual.tokens.create("agent", Right.WRITE))
        credentials = Credentials(token=file.read_text()) if fixed else Credentials(token_file=file)
        async with AsyncSessionStore(usual.address("tcp"), credentials=credentials) as client:
            session = (await client.create_session()).session.id
            await client.append_event(session, part())
            tail = client.tail(session, heartbeat_interval_seconds=1)
            await anext(tail)
            getattr(usual.tokens, change)("agent")
            with pytest.raises(errors.UnauthenticatedError):
                await asyncio.wait_for(anext(tail), 20)
        if change == "rotate":
            usual.tokens.revoke("agent")


async def test_writes_with_a_token_that_is_worth_nothing_are_refused(usual: Guarded) -> None:
    """By the exceptions of any other call, though they ride a stream."""
    reader = usual.tokens.create("reader", Right.READ)
    for token, expected in (("guessed", errors.UnauthenticatedError), (reader, errors.PermissionDeniedError)):
        async with AsyncSessionStore(usual.address("tcp"), credentials=Credentials(token=token)) as client:
            with pytest.raises(expected):
                await client.append_event("s", part())


async def test_credentials_of_a_session_are_shown_to_those_who_ask_and_may(usual: Guarded) -> None:
    """Others see that there are some and of which kind; the answer to their creation does not hold them either."""
    remote = RemoteWorkspace(agent_address="a:1", auth=RemoteAuth(api_key=SECRET))
    config = SessionConfig(workspace=Workspace(remote=remote))
    reader = Credentials(token=usual.tokens.create("reader", Right.READ))
    writer = Credentials(token=usual.tokens.create("writer", Right.WRITE))
    address = usual.address("tcp")
    async with (
        AsyncSessionStore(address, credentials=writer) as client,
        AsyncSessionStore(address, credentials=reader) as other,
    ):
        created = await client.create_session(config, session_id="s")
        again = await client.create_session(config, session_id="s")
        read, seen = await client.get_session("s"), await other.get_session("s")
        for session in (created.session, again.session, read, seen):
            assert RemoteAuth(api_key="", redacted=True) == session.config.workspace.remote.auth
            assert session.config.workspace.remote.auth.WhichOneof("kind") == "api_key"
            assert SECRET.encode() not in session.SerializeToString()
        assert config == (await client.get_session("s", include_secrets=True)).config
        with pytest.raises(errors.PermissionDeniedError):
            await other.get_session("s", include_secrets=True)


async def test_a_configuration_can_be_written_back_as_it_was_read(usual: Guarded) -> None:
    """The credentials that were left out stay as they are; where there are none of that kind, nothing is guessed."""
    remote = RemoteWorkspace(agent_address="a:1", auth=RemoteAuth(bearer_token=SECRET))
    config = SessionConfig(workspace=Workspace(remote=remote))
    async with AsyncSessionStore(usual.address("unix")) as client:
        await client.create_session(config, session_id="s")
        read = (await client.get_session("s")).config
        read.system_prompt = "new"
        await client.update_session("s", pb.SessionUpdate(config=read))
        whole = (await client.get_session("s", include_secrets=True)).config
        assert ("new", SECRET) == (whole.system_prompt, whole.workspace.remote.auth.bearer_token)
        assert not whole.workspace.remote.auth.redacted
        read.workspace.remote.auth.api_key = ""
        with pytest.raises(errors.InvalidFieldError) as caught:
            await client.update_session("s", pb.SessionUpdate(config=read))
        assert ["update.config.workspace.remote.auth.redacted"] == [
            violation.field for violation in caught.value.field_violations
        ]
        with pytest.raises(errors.InvalidFieldError, match="nothing is stored"):
            await client.create_session(read, session_id="other")


async def test_the_health_is_open_by_choice(tmp_path: Path) -> None:
    """And nothing else with it."""
    async with guarded(tmp_path, open_health=True) as served, served.channel("tcp") as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(health_pb2.HealthCheckRequest())
        assert health_pb2.HealthCheckResponse.SERVING == answer.status
        path = "/sessionstore.v1.AdminService/GetServerInfo"
        assert UNAUTHENTICATED == reason(await refusal(channel, path))


async def test_an_unknown_call_has_details_for_those_who_may_know(usual: Guarded) -> None:
    """UNIMPLEMENTED, with a reason like every other error."""
    async with usual.channel("unix") as channel:
        code, name, _ = reason(await refusal(channel, "/sessionstore.v1.SessionStoreService/NoSuchCall"))
        assert (grpc.StatusCode.UNIMPLEMENTED, "UNIMPLEMENTED") == (code, name)


async def test_nothing_secret_is_logged(usual: Guarded, caplog: pytest.LogCaptureFixture) -> None:
    """Not at any level, and in no error: tokens, right or wrong, and the credentials of sessions."""
    caplog.set_level("DEBUG")
    secret = usual.tokens.create("agent", Right.WRITE)
    config = SessionConfig(workspace=Workspace(remote=RemoteWorkspace(auth=RemoteAuth(api_key=SECRET))))
    texts = []
    for shown in (secret, "sst_wrong-but-secret"):
        credentials = Credentials(token=shown)
        texts.append(repr(credentials))
        async with AsyncSessionStore(usual.address("tcp"), credentials=credentials) as client:
            for session_id in ("s", "s" * 1000):
                try:
                    await client.create_session(config, session_id=session_id)
                except errors.SessionStoreError as error:
                    texts.append(f"{error} {error.metadata} {error.field_violations}")
    assert len(texts) == 5
    everything = " ".join([*texts, caplog.text, usual.tokens.path.read_text()])
    assert not [found for found in (secret, "sst_wrong-but-secret", SECRET) if found in everything]
