"""How a function becomes a command: with the endings that all commands share."""

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from sessiond.cli.exits import ExitCode

__all__ = ["add_command"]

P = ParamSpec("P")


def add_command(app: typer.Typer, function: Callable[P, None], name: str | None = None) -> None:
    """Adds a command that ends quietly when whoever reads its output has seen enough, as `head` has."""

    @functools.wraps(function)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
            sys.stdout.flush()
        except BrokenPipeError:
            # What is still buffered must not fail again at the exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(ExitCode.OK) from None

    app.command(name)(command)
