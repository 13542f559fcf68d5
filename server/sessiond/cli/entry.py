"""From the process's arguments to its exit code."""

import sys

from sessiond.cli.app import app
from sessiond.cli.exits import CommandError
from sessiond.cli.standard_streams import prepare_standard_streams

__all__ = ["run"]


def run() -> None:
    """Runs the command and exits; never shows a traceback for what a user can cause."""
    prepare_standard_streams()
    try:
        app(prog_name="sessiond")
    except CommandError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(error.code)
