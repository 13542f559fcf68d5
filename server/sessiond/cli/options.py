"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Address", "DataDir", "Json", "RightChoice", "SessionId", "expanded_path"]


def expanded_path(value: str | Path) -> Path:
    """The path of an option, in which `~` is the user's folder where no shell has looked at it."""
    if not str(value):
        raise typer.BadParameter("it is empty; name a path")
    return Path(value).expanduser()


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
        parser=expanded_path,
        metavar="FOLDER",
        help="Where the database is. [default: the user's data folder]",
        show_default=False,
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line, for scripts.")]

SessionId = Annotated[
    str, typer.Argument(metavar="ID", help="The id of the session, or an unambiguous beginning of it.")
]
