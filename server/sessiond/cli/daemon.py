"""The commands around the daemon itself: serve, ping, migrate, version."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from sessiond.cli.databases import existing_database, unusable_database
from sessiond.cli.exits import CommandError, ExitCode
from sessiond.cli.options import Address, DataDir, Json
from sessiond.cli.registration import add_command
from sessiond.cli.serving import serve
from sessiond.config import default_data_dir

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    add_command(app, serve)
    add_command(app, ping)
    add_command(app, migrate)
    add_command(app, version)


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

    try:
        if status:
            _print_migrations(existing_database(data_dir), as_json=as_json)
            return
        folder = data_dir or default_data_dir()
        with DataDirLock(folder):
            report = apply(folder / DATABASE_NAME)
    except DataDirInUseError as error:
        raise CommandError(str(error), ExitCode.IN_USE) from error
    except DataDirError as error:
        raise CommandError(str(error)) from error
    except MigrationError as error:
        raise unusable_database(error) from error
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
