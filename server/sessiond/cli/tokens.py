"""The commands around the tokens of a daemon; they work on its data directory, whether it runs or not."""

import sys
from typing import Annotated

import typer

from sessiond.cli.exits import CommandError
from sessiond.cli.options import DataDir, Json, RightChoice
from sessiond.cli.registration import add_command
from sessiond.config import default_data_dir

__all__ = ["register"]

Name = Annotated[str, typer.Argument(help="The name of the token.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="Make and withdraw the tokens that clients show over TCP.", no_args_is_help=True)
    for function in (create, list_tokens, rotate, revoke):
        add_command(group, function, "list" if function is list_tokens else None)
    app.add_typer(group, name="token")


def create(
    name: Name,
    right: Annotated[
        RightChoice, typer.Option("--right", "--rights", help="What the token gives; each includes those before it.")
    ] = RightChoice.WRITE,
    data_dir: DataDir = None,
) -> None:
    """Make a token and print it. It cannot be shown again; a running daemon knows it at once.

    Example: sessiond token create my-agent --right write > my-agent.token
    """
    from sessiond.access.rights import Right
    from sessiond.access.tokens import TokenError, TokenFile

    try:
        secret = TokenFile(data_dir or default_data_dir()).create(name, Right.named(right.value))
    except TokenError as error:
        raise CommandError(str(error)) from error
    sys.stdout.write(f"{secret}\n")


def list_tokens(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List the tokens, without their secrets.

    Example: sessiond token list
    """
    from sessiond.access.tokens import TokenError, TokenFile
    from sessiond.cli.output import print_json

    try:
        tokens = TokenFile(data_dir or default_data_dir()).read()
    except TokenError as error:
        raise CommandError(str(error)) from error
    width = max((len(token.name) for token in tokens), default=0)
    for token in tokens:
        if as_json:
            print_json({"name": token.name, "right": str(token.right), "created_at": token.created_at.isoformat()})
        else:
            created = token.created_at.isoformat(timespec="seconds")
            sys.stdout.write(f"{token.name:{width}}  {token.right!s:5}  {created}\n")


def rotate(name: Name, data_dir: DataDir = None) -> None:
    """Give a token a new secret and print it. The old one is refused from that moment on, also in open streams.

    Example: sessiond token rotate my-agent > my-agent.token
    """
    from sessiond.access.tokens import TokenError, TokenFile

    try:
        secret = TokenFile(data_dir or default_data_dir()).rotate(name)
    except TokenError as error:
        raise CommandError(str(error)) from error
    sys.stdout.write(f"{secret}\n")


def revoke(name: Name, data_dir: DataDir = None) -> None:
    """Withdraw a token. It is refused from that moment on, also in open streams.

    Example: sessiond token revoke my-agent
    """
    from sessiond.access.tokens import TokenError, TokenFile

    try:
        TokenFile(data_dir or default_data_dir()).revoke(name)
    except TokenError as error:
        raise CommandError(str(error)) from error
    sys.stdout.write(f"the token {name} is withdrawn\n")
