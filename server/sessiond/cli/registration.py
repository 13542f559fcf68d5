"""How a function becomes a command: with the refusals that all commands share."""

import functools
import os
from collections.abc import Callable
from typing import ParamSpec

import typer

from sessiond.cli.exits import CommandError, ExitCode

__all__ = ["add_command"]

P = ParamSpec("P")

_ADDRESSES = ("address", "listen")
_PATH_PREFIX = "unix:"


def add_command(app: typer.Typer, function: Callable[P, None], name: str | None = None) -> None:
    """Adds a command that takes text only as UTF-8, and paths of any bytes."""

    @functools.wraps(function)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        for parameter, value in kwargs.items():
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str) and not (parameter in _ADDRESSES and text.startswith(_PATH_PREFIX)):
                    _refuse_other_than_utf8(text)
        function(*args, **kwargs)

    app.command(name)(command)


def _refuse_other_than_utf8(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        spelled = ascii(os.fsencode(text)).removeprefix("b")
        raise CommandError(f"the argument {spelled} is not UTF-8", ExitCode.USAGE) from None
