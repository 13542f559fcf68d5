"""The commands around the daemon itself: serve, ping, migrate, version."""

import asyncio
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sessiond.cli.exits import CommandError, ExitCode
from sessiond.cli.options import Address, DataDir, Json, RightChoice
from sessiond.cli.registration import add_command
from sessiond.config import ConfigError, Listener, ServeConfig, default_data_dir, default_listen, default_tls_dir
from sessiond.contract.limits import Limits

__all__ = ["register"]

_DEFAULTS = Limits()
_LIMITS = "Limits"
_MAX_COUNT = 2**31 - 1
_MAX_BYTES = 2**53


class DurabilityChoice(StrEnum):
    """When a write is acknowledged."""

    FULL = "full"
    NORMAL = "normal"


class LogLevel(StrEnum):
    """What is logged to standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    add_command(app, serve)
    add_command(app, ping)
    add_command(app, migrate)
    add_command(app, version)


def serve(
    data_dir: DataDir = None,
    listen: Annotated[
        list[str] | None,
        typer.Option(
            "--listen",
            envvar="SESSIOND_LISTEN",
            metavar="unix:PATH|[tls:]HOST:PORT|http[s]://HOST:PORT",
            help="Where to listen; may be given several times. HOST:PORT asks for a token (`sessiond token`), tls: is"
            " encrypted too. http:// and https:// are for browsers (Connect and gRPC-Web), with a token."
            " [default: the socket in the user's runtime folder]",
            show_default=False,
        ),
    ] = None,
    durability: Annotated[
        DurabilityChoice,
        typer.Option(
            envvar="SESSIOND_DURABILITY",
            help="full: an acknowledged write is on disk and survives a power cut. normal: faster, it survives a crash"
            " of the daemon, and a power cut may lose the newest writes.",
        ),
    ] = DurabilityChoice.FULL,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure",
            envvar="SESSIOND_INSECURE",
            help="Ask for no credentials at HOST:PORT: whoever reaches the port can read and write everything.",
        ),
    ] = False,
    tls_cert: Annotated[
        Path | None,
        typer.Option(
            envvar="SESSIOND_TLS_CERT",
            metavar="FILE",
            help="The certificate for tls:, in PEM; replaced files are taken up without a restart. [default: what"
            " `sessiond tls init` made]",
            show_default=False,
        ),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(
            envvar="SESSIOND_TLS_KEY", metavar="FILE", help="The private key of the certificate.", show_default=False
        ),
    ] = None,
    tls_client_ca: Annotated[
        Path | None,
        typer.Option(
            envvar="SESSIOND_TLS_CLIENT_CA",
            metavar="FILE",
            help="Let in at tls: only clients with a certificate of this authority, without a token.",
            show_default=False,
        ),
    ] = None,
    tls_client_right: Annotated[
        RightChoice,
        typer.Option(
            envvar="SESSIOND_TLS_CLIENT_RIGHT",
            help="What a client certificate gives that names no right of its own (OU=sessiond:RIGHT).",
        ),
    ] = RightChoice.READ,
    require_token: Annotated[
        bool,
        typer.Option(
            "--require-token",
            envvar="SESSIOND_REQUIRE_TOKEN",
            help="Ask for a token everywhere: beside a client certificate, and at the Unix socket.",
        ),
    ] = False,
    open_health: Annotated[
        bool,
        typer.Option("--open-health", envvar="SESSIOND_OPEN_HEALTH", help="Answer health checks without credentials."),
    ] = False,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-origin",
            envvar="SESSIOND_ALLOW_ORIGIN",
            metavar="ORIGIN",
            help="The origin of pages that may call at http:// and https://, such as https://app.example.com; may be"
            " given several times. * is every page.",
            show_default=False,
        ),
    ] = None,
    grace_seconds: Annotated[
        float,
        typer.Option(
            envvar="SESSIOND_GRACE_SECONDS", min=0, help="How long calls under way may take when the daemon stops."
        ),
    ] = 10.0,
    keepalive_seconds: Annotated[
        int,
        typer.Option(
            envvar="SESSIOND_KEEPALIVE_SECONDS",
            min=1,
            max=7200,
            help="After so long without a word from a client it is asked whether it is still there; what it had open"
            " ends when it does not answer within as long again, or 20 seconds.",
        ),
    ] = 30,
    max_item_bytes: Annotated[
        int,
        typer.Option(
            envvar="SESSIOND_MAX_ITEM_BYTES",
            min=1024,
            max=_DEFAULTS.max_item_bytes,
            help="The largest message, tool call, event or configuration.",
            rich_help_panel=_LIMITS,
        ),
    ] = _DEFAULTS.max_item_bytes,
    max_commits_in_flight: Annotated[
        int,
        typer.Option(
            envvar="SESSIOND_MAX_COMMITS_IN_FLIGHT",
            min=1,
            max=65_536,
            help="How many commits of one Write stream may wait for their answers; beyond that it is not read on.",
            rich_help_panel=_LIMITS,
        ),
    ] = _DEFAULTS.max_commits_in_flight,
    max_sessions: Annotated[
        int,
        typer.Option(
            envvar="SESSIOND_MAX_SESSIONS",
            min=0,
            max=_MAX_COUNT,
            help="How many sessions the store may hold, archived ones included; 0 is any number.",
            rich_help_panel=_LIMITS,
        ),
    ] = _DEFAULTS.max_sessions,
    max_events_per_session: Annotated[
        int,
        typer.Option(
            envvar="SESSIOND_MAX_EVENTS_PER_SESSION",
            min=0,
            max=_MAX_COUNT,
            help="How many events a session may hold, deleted ones not counted; 0 is any number.",
            rich_help_panel=_LIMITS,
        ),
    ] = _DEFAULTS.max_events_per_session,
    max_bytes_per_session: Annotated[
        int,
        typer.Option(
            envvar="SESSIOND_MAX_BYTES_PER_SESSION",
            min=0,
            max=_MAX_BYTES,
            help="How many bytes a session may hold: messages, tool calls with their results, and events that were not"
            " deleted; 0 is any number.",
            rich_help_panel=_LIMITS,
        ),
    ] = _DEFAULTS.max_bytes_per_session,
    max_tails_per_client: Annotated[
        int,
        typer.Option(
            envvar="SESSIOND_MAX_TAILS_PER_CLIENT",
            min=0,
            max=_MAX_COUNT,
            help="How many tails may be open with one token, one certificate's name, through the Unix socket, or from"
            " one address with --insecure; 0 is any number.",
            rich_help_panel=_LIMITS,
        ),
    ] = _DEFAULTS.max_tails_per_client,
    log_level: Annotated[LogLevel, typer.Option(envvar="SESSIOND_LOG_LEVEL", help="What to log.")] = LogLevel.WARNING,
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
        sys.stderr.write(f"Warning: {warning}\n")
    try:
        asyncio.run(serve_until_signal(config, _ready))
    except (DataDirInUseError, AddressInUseError) as error:
        raise CommandError(str(error), ExitCode.IN_USE) from error
    except MigrationError as error:
        raise CommandError(str(error), ExitCode.MIGRATION) from error
    except (TlsError, ConfigError) as error:
        raise CommandError(str(error), ExitCode.USAGE) from error
    except (DataDirError, StoreError, TokenError) as error:
        raise CommandError(str(error)) from error
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise CommandError("stopped at once, by a second signal") from None


def _ready(addresses: Sequence[Listener]) -> None:
    sys.stdout.write(f"sessiond is ready on {', '.join(map(str, addresses))}\n")
    sys.stdout.flush()


def ping(address: Address = "", as_json: Json = False) -> None:
    """Ask the daemon whether it serves; exit with 0 only when it does.

    Example: sessiond ping && echo up
    """
    from sessiond.cli.connection import connected, run_client
    from sessiond.cli.output import print_message

    async def ask() -> None:
        async with connected(address) as client:
            if not await client.ping():
                raise CommandError(
                    f"the daemon at {client.address} does not serve: it stops, or answers reads and cannot write to its"
                    " disk; its log tells which",
                    ExitCode.UNREACHABLE,
                )
            info = await client.get_server_info()
            if as_json:
                print_message(info, address=client.address)
            else:
                sys.stdout.write(f"sessiond {info.version} serves at {client.address}\n")

    run_client(ask())


def migrate(
    data_dir: DataDir = None,
    status: Annotated[
        bool, typer.Option("--status", help="Only tell which migrations are applied and pending.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring a database to this version's schema; `serve` does so by itself. A copy of the old one is kept.

    Example: sessiond migrate --status
    """
    from sessiond.locking import DataDirError, DataDirInUseError, DataDirLock
    from sessiond.store.sqlite.engine import DATABASE_NAME
    from sessiond.store.sqlite.migration_files import MigrationError
    from sessiond.store.sqlite.migrations import migrate as apply

    folder = data_dir or default_data_dir()
    try:
        if status:
            _print_migrations(folder / DATABASE_NAME, as_json=as_json)
            return
        with DataDirLock(folder):
            report = apply(folder / DATABASE_NAME)
    except DataDirInUseError as error:
        raise CommandError(str(error), ExitCode.IN_USE) from error
    except DataDirError as error:
        raise CommandError(str(error)) from error
    except MigrationError as error:
        raise CommandError(str(error), ExitCode.MIGRATION) from error
    if as_json:
        from sessiond.cli.output import print_json

        print_json({"applied": list(report.applied), "copy": None if report.copy is None else str(report.copy)})
        return
    done = f"applied {', '.join(report.applied)}" if report.applied else "nothing to do"
    kept = f"; the database as it was is kept as {report.copy}" if report.copy else ""
    sys.stdout.write(f"{done}{kept}\n")


def _print_migrations(path: Path, *, as_json: bool) -> None:
    from sessiond.cli.output import print_json
    from sessiond.store.sqlite.migrations import migration_status

    for entry in migration_status(path):
        applied_at = (
            None
            if entry.applied_at_us is None
            else datetime.fromtimestamp(entry.applied_at_us / 1_000_000, tz=UTC).isoformat(timespec="seconds")
        )
        if as_json:
            print_json({"migration": entry.migration, "applied_at": applied_at})
        else:
            sys.stdout.write(f"{entry.migration}  {'pending' if applied_at is None else f'applied {applied_at}'}\n")


def version(as_json: Json = False) -> None:
    """Print the version of this program."""
    from sessiond import __version__

    if as_json:
        from sessiond.cli.output import print_json

        print_json({"version": __version__})
    else:
        sys.stdout.write(f"sessiond {__version__}\n")
