"""All commands under one name."""

from pathlib import Path
from typing import Annotated

import typer

from sessiond.cli import daemon, importing, lists, removal, showing, tailing
from sessiond.cli.settings import load_settings
from sessiond.config import default_config_file

__all__ = ["app"]

app = typer.Typer(
    name="sessiond",
    help="Keeps the sessions of AI agents, and lets you follow them live.",
    epilog=(
        "Start the daemon with `sessiond serve`, import what your agent recorded with `sessiond import`, look around"
        " with `sessiond sessions` and `sessiond show`, and follow a session with `sessiond tail`."
        " Exit codes: 0 done, 1 the daemon refused or something failed, 2 wrong usage, 3 no daemon answers, 4 an import"
        " left entries out, 5 data directory or address in use, 6 the database needs another version."
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def configure(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            envvar="SESSIOND_CONFIG",
            metavar="FILE",
            help="The configuration file, in TOML. [default: config.toml in the user's configuration folder]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Keeps the sessions of AI agents, and lets you follow them live."""
    path = config or default_config_file()
    context.default_map = load_settings(context, path, required=config is not None)


for module in (daemon, importing, lists, showing, tailing, removal):
    module.register(app)
