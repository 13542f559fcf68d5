"""The command that looks for damage in a whole database."""

import sys

import typer

from sessiond.cli.databases import existing_database, unusable_database
from sessiond.cli.exits import CommandError
from sessiond.cli.options import DataDir, Json
from sessiond.cli.registration import add_command

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    add_command(app, check)


def check(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Look for damage in a database, in every row and every index; exit with 0 only when there is none.

    Changes nothing. A daemon may be at work meanwhile; its log is not begun anew until the look is over.

    Example: sessiond check --data-dir ~/agents
    """
    from sessiond.store.sqlite.inspection import inspect_database
    from sessiond.store.sqlite.migration_files import MigrationError

    path = existing_database(data_dir)
    found = 0
    try:
        for fault in inspect_database(path):
            found += 1
            if as_json:
                from sessiond.cli.output import print_json

                print_json({"fault": fault})
            else:
                sys.stdout.write(f"{fault}\n")
    except MigrationError as error:
        raise unusable_database(error) from error
    if found:
        raise CommandError(f"{path.name} is damaged, faults found: {found}; restore a copy")
    if not as_json:
        sys.stdout.write("no damage found\n")
