"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sessiond.cli.home import with_home

__all__ = ["Address", "DataDir", "Json", "RightChoice", "SessionId"]


def _folder(value: str | Path) -> Path | None:
    """The folder that an option names. An empty name would be that of the working directory."""
    if not str(value):
        raise typer.BadParameter("it is empty; name a folder")
    return with_home(Path(value))


class RightChoice(StrEnum):
    """What credentials give; each right includes those before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


Address = Annotated[
    str,
    typer.Option(
        "--address",
        envvar="SESSIOND_ADDRESS",
        metavar="unix:PATH|HOST:PORT",
        help="Where the daemon listens. [default: the socket in the user's runtime folder]",
        show_default=False,
    ),
]

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="SESSIOND_DATA_DIR",
        parser=_folder,
        metavar="FOLDER",
        help="Where the database is. [default: the user's data folder]",
        show_default=False,
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line, for scripts.")]

SessionId = Annotated[
    str, typer.Argument(metavar="ID", help="The id of the session, or an unambiguous beginning of it.")
]
