"""The command that runs the daemon."""

import asyncio
import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sessiond.cli.databases import unusable_database
from sessiond.cli.exits import CommandError, ExitCode
from sessiond.cli.options import DataDir, RightChoice
from sessiond.cli.serve_options import (
    AllowOrigin,
    Durability,
    DurabilityChoice,
    GraceSeconds,
    Insecure,
    KeepaliveSeconds,
    Listen,
    LogLevel,
    LogLevelChoice,
    MaxBytesPerSession,
    MaxCommitsInFlight,
    MaxEventsPerSession,
    MaxItemBytes,
    MaxSessions,
    MaxTailsPerClient,
    OpenHealth,
    RequireToken,
    TlsCert,
    TlsClientCa,
    TlsClientRight,
    TlsKey,
)
from sessiond.config import ConfigError, Listener, ServeConfig, default_data_dir, default_listen, default_tls_dir
from sessiond.contract.limits import Limits
from sessionstore import EventLoop

__all__ = ["serve"]

_DEFAULTS = Limits()


def serve(
    data_dir: DataDir = None,
    listen: Listen = None,
    durability: Durability = DurabilityChoice.FULL,
    insecure: Insecure = False,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_client_ca: TlsClientCa = None,
    tls_client_right: TlsClientRight = RightChoice.READ,
    require_token: RequireToken = False,
    open_health: OpenHealth = False,
    allow_origin: AllowOrigin = None,
    grace_seconds: GraceSeconds = 10.0,
    keepalive_seconds: KeepaliveSeconds = 30,
    max_item_bytes: MaxItemBytes = _DEFAULTS.max_item_bytes,
    max_commits_in_flight: MaxCommitsInFlight = _DEFAULTS.max_commits_in_flight,
    max_sessions: MaxSessions = _DEFAULTS.max_sessions,
    max_events_per_session: MaxEventsPerSession = _DEFAULTS.max_events_per_session,
    max_bytes_per_session: MaxBytesPerSession = _DEFAULTS.max_bytes_per_session,
    max_tails_per_client: MaxTailsPerClient = _DEFAULTS.max_tails_per_client,
    log_level: LogLevel = LogLevelChoice.WARNING,
) -> None:
    """Run the daemon until SIGTERM or Ctrl-C; a second one stops it at once.

    Prints one line when it is ready, naming its addresses.

    Example: sessiond serve --data-dir ~/agents --listen unix:/tmp/agents.sock
    """
    logging.basicConfig(
        level=log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    addresses = tuple(listen or (default_listen(),))
    tls = any(address.startswith(("tls:", "https:")) for address in addresses)
    try:
        config = ServeConfig(
            data_dir=data_dir or default_data_dir(),
            listen=addresses,
            durability=durability.value,
            insecure=insecure,
            tls_certificate=tls_cert or _default_tls_file("server.pem", tls),
            tls_key=tls_key or _default_tls_file("server.key", tls),
            tls_client_authority=tls_client_ca,
            client_certificate_right=tls_client_right.value,
            require_token=require_token,
            open_health=open_health,
            allowed_origins=tuple(allow_origin or ()),
            grace_seconds=grace_seconds,
            keepalive_seconds=keepalive_seconds,
            limits=Limits(
                max_item_bytes=max_item_bytes,
                max_commits_in_flight=max_commits_in_flight,
                max_sessions=max_sessions,
                max_events_per_session=max_events_per_session,
                max_bytes_per_session=max_bytes_per_session,
                max_tails_per_client=max_tails_per_client,
            ),
        )
    except ConfigError as error:
        raise CommandError(str(error), ExitCode.USAGE) from error
    _serve(config)


def _default_tls_file(name: str, used: bool) -> Path | None:
    path = default_tls_dir() / name
    return path if used and path.exists() else None


def _serve(config: ServeConfig) -> None:
    from sessiond.access.tls_files import TlsError
    from sessiond.access.tokens import TokenError
    from sessiond.listeners import AddressInUseError
    from sessiond.locking import DataDirError, DataDirInUseError
    from sessiond.server import serve as serve_until_signal
    from sessiond.store.errors import StoreError
    from sessiond.store.sqlite.migration_files import MigrationError

    for warning in config.warnings:
        with suppress(OSError):
            sys.stderr.write(f"Warning: {warning}\n")
    try:
        with asyncio.Runner(loop_factory=EventLoop) as runner:
            runner.run(serve_until_signal(config, _ready))
    except (DataDirInUseError, AddressInUseError) as error:
        raise CommandError(str(error), ExitCode.IN_USE) from error
    except MigrationError as error:
        raise unusable_database(error) from error
    except (TlsError, ConfigError) as error:
        raise CommandError(str(error), ExitCode.USAGE) from error
    except (DataDirError, StoreError, TokenError) as error:
        raise CommandError(str(error)) from error
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise CommandError("stopped at once, by a second signal") from None


def _ready(addresses: Sequence[Listener]) -> None:
    # Where nobody can be told, such as on a full disk, those who call are served all the same.
    with suppress(CommandError, SystemExit):
        sys.stdout.write(f"sessiond is ready on {', '.join(map(str, addresses))}\n")
        sys.stdout.flush()
