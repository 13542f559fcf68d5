"""The life of a daemon: lock, migrate, open, bind, serve, drain, close."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from sessiond.access.policy import AccessPolicy
from sessiond.access.rights import Right
from sessiond.access.tls_files import ReplaceableTls, TlsFiles
from sessiond.access.token_authority import TokenAuthority
from sessiond.access.tokens import TokenFile
from sessiond.access.transport import server_credentials
from sessiond.call_counts import CallCounts
from sessiond.config import ConfigError, Listener, ServeConfig
from sessiond.contract.limits import Limits
from sessiond.contract.timestamps import now_us
from sessiond.draining import Draining
from sessiond.interceptors.access import AccessInterceptor
from sessiond.interceptors.decoding import DecodingInterceptor
from sessiond.interceptors.errors import ErrorInterceptor
from sessiond.interceptors.lost_answers import leave_out_lost_answers
from sessiond.interceptors.prepared import PreparedHandlers
from sessiond.interceptors.unknown_calls import UnknownCallInterceptor
from sessiond.listeners import bind
from sessiond.locking import DataDirLock
from sessiond.process.collector import collected_when_quiet
from sessiond.process.descriptors import raise_descriptor_limit
from sessiond.process.loop_lag import LoopLag
from sessiond.process.memory_return import memory_given_back
from sessiond.services.admin import AdminService, ServerFacts
from sessiond.services.call_queues import CallQueues
from sessiond.services.health import StoreHealth
from sessiond.services.reflection import add_reflection
from sessiond.services.session_store import SessionStoreService
from sessiond.store.protocol import Store
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migrations import migrate
from sessiond.store.sqlite.reserve import RESERVE_BYTES, Reserve
from sessiond.turns import Turns
from sessionstore.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    session_store_service_pb2,
    session_store_service_pb2_grpc,
)

if TYPE_CHECKING:
    from sessiond.web.gateway import WebGateway

__all__ = ["Daemon", "running_daemon", "serve"]

_log = logging.getLogger(__name__)

_SESSION_STORE = session_store_service_pb2.DESCRIPTOR.services_by_name["SessionStoreService"]
_ADMIN = admin_service_pb2.DESCRIPTOR.services_by_name["AdminService"]
_HEALTH: ServiceDescriptor = health_pb2.DESCRIPTOR.services_by_name["Health"]  # type: ignore[assignment]

# The gRPC frame around a request, and what a client sends beyond the limit so that we, and not gRPC, refuse it.
_RECEIVE_SLACK_BYTES = 4 * 1024 * 1024

_MAX_WAITING_CALLS = 20_000
"""How many calls of a method wait at gRPC to be let in; it ends those beyond with CANCELLED."""

_KEEPALIVE_TIMEOUT_SECONDS = 20
"""How long a client may take to say that it is still there."""

_LEARNING_SECONDS = 1.0
"""How long the end waits for what handles calls that are over."""


def _server_options(limits: Limits, keepalive_seconds: int) -> list[tuple[str, int]]:
    keepalive_timeout_ms = min(keepalive_seconds, _KEEPALIVE_TIMEOUT_SECONDS) * 1000
    return [
        ("grpc.so_reuseport", 0),  # else a second daemon binds the same port silently
        ("grpc.max_receive_message_length", limits.max_request_bytes + _RECEIVE_SLACK_BYTES),
        # By default gRPC begins to end waiting calls at 1,000, with CANCELLED and nothing else: too few for all tails
        # that come back after a restart.
        ("grpc.server.max_pending_requests", _MAX_WAITING_CALLS),
        ("grpc.server.max_pending_requests_hard_limit", _MAX_WAITING_CALLS),
        # Clients on other machines' networks ping idle tails; gRPC's own limit would drop them after a few.
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        # Clients that vanish without a word keep their tails, streams and connections until they are missed.
        ("grpc.keepalive_time_ms", keepalive_seconds * 1000),
        ("grpc.keepalive_timeout_ms", keepalive_timeout_ms),
        # How long gRPC waits for the answer itself, a minute by default, whatever the option above says.
        ("grpc.http2.ping_timeout_ms", keepalive_timeout_ms),
    ]


@dataclass(slots=True)
class Daemon:
    """A daemon that serves.

    Attributes:
        addresses: Where it listens, with the ports that were chosen.
    """

    addresses: tuple[Listener, ...]
    _server: grpc.aio.Server
    _store: Store
    _health: StoreHealth
    _lag: LoopLag
    _draining: Draining
    _counts: CallCounts
    _grace_seconds: float
    _web: "WebGateway | None"

    async def stop(self) -> None:
        """Drains: refuses new calls, ends the tails with Draining, lets writes in flight finish, then stops.

        Returns within the grace and a second, whatever the clients do.
        """
        self._lag.close()
        await self._health.stop()
        self._draining.set()
        self._store.wake_feeds()
        async with asyncio.TaskGroup() as stopping:
            stopping.create_task(self._server.stop(self._grace_seconds))
            if self._web is not None:
                stopping.create_task(self._web.stop(self._grace_seconds))
        # gRPC waits for the calls as it knows them; what handles one that was given up may still have to learn of it.
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEARNING_SECONDS):
                await self._counts.wait_for_the_last()


@asynccontextmanager
async def running_daemon(config: ServeConfig) -> AsyncIterator[Daemon]:
    """Starts a daemon, and stops it at the end.

    Raises DataDirInUseError, MigrationError, AddressInUseError, TokenError, TlsError or ConfigError; the data of
    another daemon is then as it was.
    """
    limits = config.limits
    # Before anything is written: files that do not fit are a slip of the command line.
    tls = _tls_files(config)
    credentials = None if tls is None else server_credentials(ReplaceableTls(tls))
    if any(listener.web for listener in config.listeners):
        _require_web()
    with DataDirLock(config.data_dir) as lock:
        path = config.data_dir / DATABASE_NAME
        reserve = Reserve(config.data_dir, RESERVE_BYTES)
        # On a full disk a start needs some of it too; opening the store takes it again.
        reserve.release()
        await asyncio.to_thread(migrate, path)
        store = await SqliteStore.open(config.data_dir, durability=config.durability, limits=limits, reserve=reserve)
        try:
            daemon = await _start(config, limits, store, tls, credentials)
            lock.describe([str(address) for address in daemon.addresses])
            try:
                yield daemon
            finally:
                await daemon.stop()
        finally:
            await store.close()


async def _start(
    config: ServeConfig, limits: Limits, store: Store, tls: TlsFiles | None, credentials: grpc.ServerCredentials | None
) -> Daemon:
    draining = Draining()
    policy = _access_policy(config)
    counts, lag, turns = CallCounts(), LoopLag(), Turns()
    handlers = PreparedHandlers(
        ErrorInterceptor(counts), AccessInterceptor(policy), DecodingInterceptor(turns), UnknownCallInterceptor()
    )
    server = grpc.aio.server(interceptors=(handlers,), options=_server_options(limits, config.keepalive_seconds))
    queues: Any = CallQueues(server)
    facts = ServerFacts(durability=config.durability, started_at_us=now_us())
    session_store_service_pb2_grpc.add_SessionStoreServiceServicer_to_server(
        SessionStoreService(store, limits, draining, counts, turns), queues
    )
    admin = AdminService(store, limits, facts, counts, lag)
    admin_service_pb2_grpc.add_AdminServiceServicer_to_server(admin, queues)
    health = StoreHealth(store, ("", _SESSION_STORE.full_name, _ADMIN.full_name))
    health_pb2_grpc.add_HealthServicer_to_server(health.servicer, queues)
    services = (_SESSION_STORE, _ADMIN, _HEALTH)
    add_reflection((*(service.full_name for service in services), reflection.SERVICE_NAME), draining, queues)
    addresses = bind(server, [listener for listener in config.listeners if not listener.web], credentials)
    web = _bind_web(config, tls)
    try:
        if web is not None:
            bind(server, [web.inlet])
        await health.start()
        await server.start()
        if web is not None:
            max_bytes = limits.max_request_bytes
            web.start(services, policy, turns, allowed_origins=config.allowed_origins, max_request_bytes=max_bytes)
            addresses.extend(web.addresses)
    except BaseException:
        lag.close()
        await health.stop()
        await server.stop(None)
        if web is not None:
            await web.stop(0)
        raise
    return Daemon(tuple(addresses), server, store, health, lag, draining, counts, config.grace_seconds, web)


def _require_web() -> None:
    """Raises ConfigError where the libraries for browsers are not installed."""
    try:
        import_module("sessiond.web.gateway")
    except ImportError as error:
        raise ConfigError(
            "listen: http:// and https:// need libraries that are not installed; run: pip install 'sessiond[web]'"
        ) from error


def _bind_web(config: ServeConfig, tls: TlsFiles | None) -> "WebGateway | None":
    listeners = [listener for listener in config.listeners if listener.web]
    if not listeners:
        return None
    from sessiond.web.gateway import WebGateway

    return WebGateway(listeners, tls)


def _access_policy(config: ServeConfig) -> AccessPolicy:
    tokens = None
    if config.uses_tokens:
        file = TokenFile(config.data_dir)
        file.ensure()
        tokens = TokenAuthority(file)
    return AccessPolicy(
        tokens=tokens,
        insecure=config.insecure,
        token_on_socket=config.require_token,
        token_with_certificate=config.require_token,
        certificate_right=Right.named(config.client_certificate_right),
        open_health=config.open_health,
    )


def _tls_files(config: ServeConfig) -> TlsFiles | None:
    if config.tls_certificate is None or config.tls_key is None:
        return None
    return TlsFiles(config.tls_certificate, config.tls_key, config.tls_client_authority)


async def serve(config: ServeConfig, ready: Callable[[Sequence[Listener]], None]) -> None:
    """Serves until SIGTERM or SIGINT; a second signal stops at once.

    `ready` is called once, with the addresses, when calls are accepted. Raises what `running_daemon` raises.
    """
    raise_descriptor_limit()
    leave_out_lost_answers()
    stop_requested = asyncio.Event()
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()

    def on_signal() -> None:
        if stop_requested.is_set() and main is not None:
            _log.warning("stopping at once")
            main.cancel()
        stop_requested.set()

    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, on_signal)
    try:
        async with running_daemon(config) as daemon, memory_given_back(), collected_when_quiet():
            ready(daemon.addresses)
            await stop_requested.wait()
            _log.info("draining")
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
