"""The commands that make certificates for daemons and clients."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sessiond.cli.exits import CommandError
from sessiond.cli.home import with_home
from sessiond.cli.options import RightChoice
from sessiond.cli.registration import add_command
from sessiond.config import default_tls_dir

if TYPE_CHECKING:
    from sessiond.access.certificates import Pair

__all__ = ["register"]

TlsDir = Annotated[
    Path | None,
    typer.Option(
        "--tls-dir",
        envvar="SESSIOND_TLS_DIR",
        metavar="FOLDER",
        help="Where the authority and its pairs lie. [default: tls in the user's configuration folder]",
        show_default=False,
        callback=with_home,
    ),
]
Hosts = Annotated[
    list[str] | None,
    typer.Option("--host", help="A name or address by which clients reach the daemon; may be given several times."),
]

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="Make certificates for TLS.", no_args_is_help=True)
    for function in (init, server, client):
        add_command(group, function)
    app.add_typer(group, name="tls")


def init(tls_dir: TlsDir = None, host: Hosts = None) -> None:
    """Make a local authority, a pair for the daemon and one for a client with all rights.

    The daemon and the clients of this user find them by themselves at tls: addresses.

    Example: sessiond tls init --host build-machine.example
    """
    from sessiond.access.certificates import CertificateAuthority, CertificateError
    from sessiond.access.rights import Right

    folder = tls_dir or default_tls_dir()
    authority = CertificateAuthority(folder)
    try:
        hosts = (*LOCAL_HOSTS, *(host or ()))
        authority.create(hosts)
        made = [authority.issue_server("server", hosts)]
        made.append(authority.issue_client("client", Right.ADMIN))
    except CertificateError as error:
        raise CommandError(str(error)) from error
    sys.stdout.write(f"authority    {authority.files.certificate}\n")
    for pair in made:
        _show(pair)


def server(
    name: Annotated[str, typer.Argument(help="The name of the pair.")] = "server",
    tls_dir: TlsDir = None,
    host: Hosts = None,
) -> None:
    """Make, or renew, a pair for a daemon. A running daemon takes it up with the next connection.

    Without --host, a pair that is renewed keeps the names and addresses that it had.

    Example: sessiond tls server --host build-machine.example
    """
    from sessiond.access.certificates import CertificateAuthority, CertificateError

    authority = CertificateAuthority(tls_dir or default_tls_dir())
    try:
        hosts = (*LOCAL_HOSTS, *(host or authority.hosts(name)))
        pair = authority.issue_server(name, tuple(dict.fromkeys(hosts)))
    except CertificateError as error:
        raise CommandError(str(error)) from error
    _show(pair)


def client(
    name: Annotated[str, typer.Argument(help="The name of the client, which is also that of the pair.")],
    right: Annotated[RightChoice, typer.Option("--right", "--rights", help="What it gives.")] = RightChoice.WRITE,
    tls_dir: TlsDir = None,
) -> None:
    """Make, or renew, a pair for a client; the certificate carries its right.

    Example: sessiond tls client my-agent --right write
    """
    from sessiond.access.certificates import CertificateAuthority, CertificateError
    from sessiond.access.rights import Right

    try:
        pair = CertificateAuthority(tls_dir or default_tls_dir()).issue_client(name, Right.named(right.value))
    except CertificateError as error:
        raise CommandError(str(error)) from error
    _show(pair)


def _show(pair: "Pair") -> None:
    sys.stdout.write(f"certificate  {pair.certificate}\nprivate key  {pair.key}\n")
