"""The command that imports recorded sessions."""

from pathlib import Path
from typing import Annotated

import typer

from sessiond.cli.exits import CommandError, ExitCode
from sessiond.cli.options import Address, Json
from sessiond.cli.registration import add_command

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    add_command(app, import_, "import")


def import_(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Transcripts, and folders that are searched for them.")
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Check everything first, and write nothing when anything is wrong.")
    ] = False,
    address: Address = "",
    as_json: Json = False,
) -> None:
    """Import sessions that agents recorded: Claude Code, Codex, SWE-agent and mini-swe-agent.

    The format is told by the content. What is stored already is not stored again, so a transcript that has grown can
    simply be imported again. Lines, files and folders that cannot be read are reported, and the exit code is then 4.
    What comes through a pipe must be saved to a file first.

    Example: sessiond import ~/.claude/projects
    """
    from sessiond.cli.connection import connected, run_client
    from sessiond.cli.import_run import ImportRun

    run = ImportRun(paths, as_json=as_json)
    if strict:
        run.check()

    async def work() -> None:
        async with connected(address) as client:
            await run.carry_out(client)

    run_client(work())
    run.print_summary()
    if run.problems:
        raise CommandError(f"{run.problems} entries, files or folders were left out, see above", ExitCode.INCOMPLETE)
