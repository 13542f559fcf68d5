"""A store with everything that stands before it, without a wire: bytes go in, bytes and a status come out.

A call passes the interceptors, the decoding, the checks, the store and the mapping of errors, as in the daemon. Left
out is only what gRPC does itself.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from sessiond.access.policy import AccessPolicy
from sessiond.call_counts import CallCounts
from sessiond.contract.limits import Limits
from sessiond.draining import Draining
from sessiond.interceptors.access import AccessInterceptor
from sessiond.interceptors.decoding import DecodingInterceptor
from sessiond.interceptors.errors import ErrorInterceptor
from sessiond.interceptors.unknown_calls import UnknownCallInterceptor
from sessiond.process.loop_lag import LoopLag
from sessiond.services.admin import AdminService, ServerFacts
from sessiond.services.session_store import SessionStoreService
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migrations import migrate
from sessiond.turns import Turns
from sessionstore.v1 import admin_service_pb2, admin_service_pb2_grpc
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1 import session_store_service_pb2_grpc as pb_grpc

__all__ = ["CALLS", "Answered", "Call", "Stack", "reason_of"]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the API."""

    name: str
    path: str
    request_type: type[Message]
    response_type: type[Message]
    streams_requests: bool
    streams_answers: bool


CALLS: dict[str, Call] = {
    method.name: Call(
        method.name,
        f"/{service.full_name}/{method.name}",
        getattr(module, method.input_type.name),
        getattr(module, method.output_type.name),
        method.client_streaming,
        method.server_streaming,
    )
    for module in (pb, admin_service_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
"""Every call of every service, by its name."""


@dataclass(slots=True)
class Answered:
    """What became of a call.

    Attributes:
        answers: The answers, as a client decodes them.
        reason: The reason of the error that ended it.
        error_bytes: About what the error takes of the headers in which it travels.
    """

    answers: list[Any] = field(default_factory=list)
    code: grpc.StatusCode = grpc.StatusCode.OK
    reason: str = ""
    error_bytes: int = 0


def reason_of(status: Status) -> str:
    """The reason of an error; empty when its details name none."""
    info = ErrorInfo()
    for detail in status.details:
        if detail.Unpack(info):
            return str(info.reason)
    return ""


class _Registry:
    """Takes the handlers of services, as a server does."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        """The same handlers again, in the form of older servers."""

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        self.handlers.update({f"/{service}/{name}": handler for name, handler in handlers.items()})


class _Details(grpc.HandlerCallDetails):
    def __init__(self, path: str) -> None:
        self.method = path
        self.invocation_metadata = ()


class _Context:
    """gRPC's side of one call: a client at the Unix socket, who leaves a tail when it has caught up."""

    def __init__(self, serialize: Callable[[Any], bytes], call: Call) -> None:
        self.written: list[bytes] = []
        self.status: Status | None = None
        self.code = grpc.StatusCode.OK
        self.caught_up = asyncio.Event()
        self._serialize = serialize
        self._call = call

    def peer(self) -> str:
        return "unix:"

    def invocation_metadata(self) -> tuple[()]:
        return ()

    def auth_context(self) -> dict[str, Any]:
        return {}

    async def write(self, answer: Any) -> None:
        self.written.append(self._serialize(answer))
        if self._call.name == "TailEvents":
            frame = pb.TailEventsResponse.FromString(self.written[-1])
            if frame.WhichOneof("frame") == "caught_up":
                self.caught_up.set()

    async def abort(self, code: grpc.StatusCode, details: str, trailing_metadata: Any = ()) -> None:
        self.code = code
        for key, value in trailing_metadata:
            if key == "grpc-status-details-bin":
                self.status = Status.FromString(value)
        raise grpc.aio.AbortError


class Stack:
    """The handlers over the store of one folder."""

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self._folder = folder
        self._limits = limits or Limits()
        self._store: SqliteStore | None = None
        self._handlers: dict[str, Any] = {}

    async def open(self) -> None:
        """Opens the store; makes it, where there is none."""
        self._folder.mkdir(exist_ok=True)
        migrate(self._folder / DATABASE_NAME)
        store = self._store = await SqliteStore.open(self._folder, durability="normal", limits=self._limits)
        registry: Any = _Registry()
        counts, lag, turns = CallCounts(), LoopLag(), Turns()
        # Nothing asks for it here, and a timer would be a difference between one run and the next.
        lag.close()
        service = SessionStoreService(store, self._limits, Draining(), counts, turns)
        pb_grpc.add_SessionStoreServiceServicer_to_server(service, registry)
        admin = AdminService(store, self._limits, ServerFacts("normal", started_at_us=0), counts, lag)
        admin_service_pb2_grpc.add_AdminServiceServicer_to_server(admin, registry)
        self._handlers = {
            path: await _intercepted(path, handler, counts, turns) for path, handler in registry.handlers.items()
        }

    async def close(self) -> None:
        """Closes the store in good order."""
        if self._store is not None:
            await self._store.close()
            self._store = None

    async def restart(self) -> None:
        """Closes the store and opens it again."""
        await self.close()
        await self.open()

    async def empty(self) -> None:
        """Begins with an empty store."""
        await self.close()
        shutil.rmtree(self._folder)
        await self.open()

    @property
    def store(self) -> SqliteStore:
        """The store, which is open."""
        assert self._store is not None
        return self._store

    @property
    def open_feeds(self) -> int:
        """The number of open tails."""
        return 0 if self._store is None else self._store.open_feeds

    async def send(self, name: str, *requests: bytes) -> Answered:
        """Makes a call with the bytes of its requests; a tail that follows is left when it has caught up."""
        call = CALLS[name]
        handler = self._handlers[call.path]
        context = _Context(handler.response_serializer, call)
        decoded = [handler.request_deserializer(request) for request in requests]
        with suppress(grpc.aio.AbortError):
            if call.streams_requests:
                await handler.stream_stream(_each(decoded), context)
            elif call.streams_answers:
                await _until_caught_up(handler.unary_stream(decoded[0], context), context)
            else:
                await context.write(await handler.unary_unary(decoded[0], context))
        answers = [call.response_type.FromString(answer) for answer in context.written]
        if context.status is None:
            return Answered(answers, context.code)
        # The message is percent-encoded, the details are base64.
        error_bytes = len(quote(context.status.message)) + context.status.ByteSize() * 4 // 3
        return Answered(answers, context.code, reason_of(context.status), error_bytes)

    async def call(self, name: str, *requests: Message) -> Answered:
        """Makes a call."""
        return await self.send(name, *(request.SerializeToString() for request in requests))


async def _intercepted(path: str, handler: Any, counts: CallCounts, turns: Turns) -> Any:
    async def innermost(_: grpc.HandlerCallDetails) -> Any:
        return handler

    continuation: Any = innermost
    for interceptor in (
        UnknownCallInterceptor(),
        DecodingInterceptor(turns),
        AccessInterceptor(AccessPolicy()),
        ErrorInterceptor(counts),
    ):
        continuation = _around(interceptor, continuation)
    return await continuation(_Details(path))


def _around(interceptor: Any, continuation: Any) -> Any:
    async def intercept(details: grpc.HandlerCallDetails) -> Any:
        return await interceptor.intercept_service(continuation, details)

    return intercept


async def _each(requests: Sequence[Any]) -> AsyncIterator[Any]:
    for request in requests:
        yield request


async def _until_caught_up(streaming: Any, context: _Context) -> None:
    stream = asyncio.ensure_future(streaming)
    left = asyncio.ensure_future(context.caught_up.wait())
    try:
        await asyncio.wait((stream, left), return_when=asyncio.FIRST_COMPLETED)
        if not stream.done():
            # A tail without no_follow goes on for ever; one that ends by itself may be just about to.
            await asyncio.wait((stream,), timeout=0)
    finally:
        left.cancel()
        if not stream.done():
            stream.cancel()
        await asyncio.gather(stream, left, return_exceptions=True)
    if not stream.cancelled():
        stream.result()
