"""What the wire promises to clients of any language and of any age."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ResponseReceived
from h2.settings import SettingCodes

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.builders import append, part
from tests.integration.conftest import DaemonUnderTest

UNKNOWN_FIELD = b"\xa2\x06\x05newer"  # field 100, length-delimited: what a newer client might write


PATIENCE_SECONDS = 30

MESSAGES: Any = health_pb2  # of which the types that are published lack some
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def channel_to(daemon: DaemonUnderTest) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(daemon.address, options=[("grpc.default_authority", "localhost")])


async def test_unknown_fields_of_a_newer_client_come_back(daemon: DaemonUnderTest) -> None:
    """In messages, events and configurations, and in an event of a kind that this server does not know."""
    async with channel_to(daemon) as channel:
        stub = SessionStoreServiceStub(channel)
        create = pb.CreateSessionRequest(session_id="s")
        create.config.MergeFromString(UNKNOWN_FIELD)
        await stub.CreateSession(create)
        message = pb.AppendMessageRequest(session_id="s")
        message.message.id = "m"
        message.message.user.content.add(text="x")
        message.message.MergeFromString(UNKNOWN_FIELD)
        await stub.AppendMessage(message)
        known = pb.AppendEventRequest(session_id="s", event=part("x"))
        known.event.MergeFromString(UNKNOWN_FIELD)
        await stub.AppendEvent(known)
        unknown = pb.AppendEventRequest(session_id="s")
        unknown.event.MergeFromString(UNKNOWN_FIELD)
        await stub.AppendEvent(unknown)
        answer = pb.GetSessionResponse()
        async for fragment in stub.GetSession(pb.GetSessionRequest(session_id="s")):
            answer.MergeFrom(fragment)
        events = [
            event async for part_ in stub.GetEvents(pb.GetEventsRequest(session_id="s")) for event in part_.events
        ]
        filtered = stub.TailEvents(pb.TailEventsRequest(session_id="s", types=["unknown"], no_follow=True))
        tailed = [event async for frame in filtered for event in frame.events.events]
    assert create.config == answer.session.config
    assert UNKNOWN_FIELD in answer.session.config.SerializeToString()
    assert message.message == answer.session.state.messages[0].message
    assert [known.event, unknown.event] == [stored.event for stored in events]
    assert [unknown.event] == [stored.event for stored in tailed]


async def test_health_says_serving(daemon: DaemonUnderTest) -> None:
    """The standard health service knows the server and each of its services."""
    async with channel_to(daemon) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        for service in ("", "sessionstore.v1.SessionStoreService", "sessionstore.v1.AdminService"):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
            assert health_pb2.HealthCheckResponse.SERVING == answer.status
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await stub.Check(health_pb2.HealthCheckRequest(service="nowhere"))
        assert grpc.StatusCode.NOT_FOUND == error.value.code()
        every = await stub.List(MESSAGES.HealthListRequest())
    assert {SERVING} == {answer.status for answer in every.statuses.values()}
    assert {"", "sessionstore.v1.SessionStoreService", "sessionstore.v1.AdminService"} == set(every.statuses)


async def test_a_stop_waits_for_nobody_who_watches_the_health(tmp_path: Path) -> None:
    """They are told NOT_SERVING, and their calls end; else a stop would take its whole grace."""
    daemon = DaemonUnderTest(tmp_path, grace_seconds=3600)
    await daemon.start()
    async with channel_to(daemon) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        watches = [stub.Watch(health_pb2.HealthCheckRequest(service=service)) for service in ("", "", "nowhere")]
        first = [(await watch.read()).status for watch in watches]
        assert [SERVING, SERVING, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN] == first
        await daemon.stop()
        assert [NOT_SERVING, NOT_SERVING] == [(await watch.read()).status for watch in watches[:2]]
        for watch in watches:
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await watch.read()
            assert grpc.StatusCode.UNAVAILABLE == error.value.code()


async def test_who_takes_no_word_of_the_health_keeps_it_from_nobody(tmp_path: Path) -> None:
    """One whose connection lets nothing come: others are told all the same, and a stop comes to its end."""
    daemon = DaemonUnderTest(tmp_path, grace_seconds=0.1)
    await daemon.start()
    http = H2Connection(H2Configuration(header_encoding="utf-8"))
    http.initiate_connection()
    http.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
    headers = {":method": "POST", ":scheme": "http", ":authority": "localhost", ":path": "/grpc.health.v1.Health/Watch"}
    http.send_headers(1, list({**headers, "te": "trailers", "content-type": "application/grpc"}.items()))
    http.send_data(1, bytes(5), end_stream=True)
    reader, writer = await asyncio.open_unix_connection(daemon.address.removeprefix("unix:"))
    begun = False
    while not begun:
        writer.write(http.data_to_send())
        data = await reader.read(65536)
        assert data, "the connection was closed"
        events = http.receive_data(data)
        begun = any(isinstance(event, ResponseReceived) for event in events)
    async with channel_to(daemon) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS)
        assert SERVING == (await watch.read()).status
        async with asyncio.timeout(PATIENCE_SECONDS):
            await daemon.stop()
    writer.close()


async def test_reflection_lists_the_services(daemon: DaemonUnderTest) -> None:
    """A tool without the protos finds out what there is."""
    async with channel_to(daemon) as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)  # type: ignore[arg-type]
        call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        answers = [answer async for answer in call]
    names = {service.name for service in answers[0].list_services_response.service}
    assert {"sessionstore.v1.SessionStoreService", "sessionstore.v1.AdminService", "grpc.health.v1.Health"} <= names


async def test_a_stop_waits_for_nobody_who_has_an_open_call_to_the_reflection(tmp_path: Path) -> None:
    """It ends in good order after what was answered; else a stop would take its whole grace."""
    daemon = DaemonUnderTest(tmp_path, grace_seconds=3600)
    await daemon.start()
    async with channel_to(daemon) as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)  # type: ignore[arg-type]
        call = stub.ServerReflectionInfo()
        await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        assert (await call.read()).HasField("list_services_response")
        await daemon.stop()
        assert grpc.aio.EOF is await call.read()
        assert grpc.StatusCode.OK == await call.code()


async def test_an_expired_deadline_is_told(daemon: DaemonUnderTest) -> None:
    """A call whose deadline is over ends with DEADLINE_EXCEEDED, and the server goes on."""
    async with channel_to(daemon) as channel:
        stub = SessionStoreServiceStub(channel)
        await stub.CreateSession(pb.CreateSessionRequest(session_id="s"))
        # One that does not end by itself: others may be answered within the millisecond that gRPC makes of less.
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            _ = [frame async for frame in stub.TailEvents(pb.TailEventsRequest(session_id="s"), timeout=0.01)]
        assert grpc.StatusCode.DEADLINE_EXCEEDED == caught.value.code()
        assert "t" == (await stub.CreateSession(pb.CreateSessionRequest(session_id="t"))).session.id


async def test_a_write_stream_answers_in_order_with_statuses(daemon: DaemonUnderTest) -> None:
    """Each commit of a request has an outcome of its own; one that is not acceptable does not end the stream."""
    async with channel_to(daemon) as channel:
        stub = SessionStoreServiceStub(channel)
        await stub.CreateSession(pb.CreateSessionRequest(session_id="s"))
        good = pb.CommitRequest(session_id="s", mutations=[append(part("x"))])
        call = stub.Write()
        await call.write(pb.WriteRequest(commits=[good, pb.CommitRequest(session_id=""), good]))
        await call.write(pb.WriteRequest(commits=[good]))
        await call.done_writing()
        outcomes = []
        while (response := await call.read()) is not grpc.aio.EOF:
            outcomes += response.outcomes
    refused: Status = outcomes[1].error
    info = ErrorInfo()
    assert refused.details[0].Unpack(info)
    assert ["result", "error", "result", "result"] == [outcome.WhichOneof("outcome") for outcome in outcomes]
    assert (grpc.StatusCode.INVALID_ARGUMENT.value[0], "INVALID_FIELD") == (refused.code, info.reason)
    assert [0, 1, 2] == [outcomes[index].result.results[0].append_event.sequence for index in (0, 2, 3)]


async def test_a_write_request_that_is_not_acceptable_ends_the_stream_after_what_was_read(
    daemon: DaemonUnderTest,
) -> None:
    """Commits that were read before are answered first."""
    async with channel_to(daemon) as channel:
        stub = SessionStoreServiceStub(channel)
        await stub.CreateSession(pb.CreateSessionRequest(session_id="s"))
        call = stub.Write()
        await call.write(pb.WriteRequest(commits=[pb.CommitRequest(session_id="s", mutations=[append(part("x"))])]))
        await call.write(pb.WriteRequest())
        first = await call.read()
        assert "result" == first.outcomes[0].WhichOneof("outcome")
        with pytest.raises(grpc.aio.AioRpcError, match="commits: has 0 entries") as caught:
            await call.read()
        assert grpc.StatusCode.INVALID_ARGUMENT == caught.value.code()
