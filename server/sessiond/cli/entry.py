"""From the process's arguments to its exit code."""

import sys

from sessiond.cli.app import app
from sessiond.cli.exits import CommandError

__all__ = ["run"]


def run() -> None:
    """Runs the command and exits; never shows a traceback for what a user can cause."""
    try:
        app(prog_name="sessiond")
    except CommandError as error:
        sys.stdout.flush()
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(error.code)
