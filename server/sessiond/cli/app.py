"""All commands under one name."""

from pathlib import Path
from typing import Annotated

import typer

from sessiond.cli import certificates, checking, daemon, importing, lists, metrics, removal, showing, tailing, tokens
from sessiond.cli.credential_files import CredentialFiles, named_files, token_in_environment
from sessiond.cli.home import with_home
from sessiond.cli.settings import load_settings, path_setting
from sessiond.config import default_config_file

__all__ = ["app"]

app = typer.Typer(
    name="sessiond",
    help="Keeps the sessions of AI agents, and lets you follow them live.",
    epilog=(
        "Start the daemon with `sessiond serve`, import what your agent recorded with `sessiond import`, look around"
        " with `sessiond sessions` and `sessiond show`, and follow a session with `sessiond tail`."
        " Exit codes: 0 done, 1 the daemon refused or something failed, 2 wrong usage, 3 no daemon answers, 4 an import"
        " left something out, 5 data directory or address in use, 6 the database needs another"
        " version, or is damaged."
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        daemon.version()
        raise typer.Exit


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
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The file of the token to show to the daemon. SESSIOND_TOKEN_FILE names one too, and SESSIOND_TOKEN"
            " holds the token itself. [default: that of this user's daemon, at ports of this machine]",
            show_default=False,
        ),
    ] = None,
    tls_ca: Annotated[
        Path | None,
        typer.Option(
            envvar="SESSIOND_TLS_CA",
            metavar="FILE",
            help="The authority of the daemon's certificate at tls: addresses. [default: what `sessiond tls init` made,"
            " else those that the system trusts]",
            show_default=False,
            callback=with_home,
        ),
    ] = None,
    tls_client_cert: Annotated[
        Path | None,
        typer.Option(
            envvar="SESSIOND_TLS_CLIENT_CERT",
            metavar="FILE",
            help="The certificate to show to the daemon. [default: what `sessiond tls init` made]",
            show_default=False,
            callback=with_home,
        ),
    ] = None,
    tls_client_key: Annotated[
        Path | None,
        typer.Option(
            envvar="SESSIOND_TLS_CLIENT_KEY",
            metavar="FILE",
            help="Its private key.",
            show_default=False,
            callback=with_home,
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="The same as the command `version`.",
            show_default=False,
        ),
    ] = False,
) -> None:
    """Keeps the sessions of AI agents, and lets you follow them live."""
    path = config or default_config_file()
    own, context.default_map = load_settings(context, path, required=config is not None)
    named_files.set(
        CredentialFiles(
            token_file=token_file or (None if token_in_environment() else path_setting(own, "token_file")),
            ca_file=tls_ca or path_setting(own, "tls_ca"),
            certificate_file=tls_client_cert or path_setting(own, "tls_client_cert"),
            key_file=tls_client_key or path_setting(own, "tls_client_key"),
            data_dir=path_setting(context.default_map.get("serve", {}), "data_dir"),
        )
    )


for module in (daemon, checking, importing, lists, showing, tailing, removal, tokens, certificates, metrics):
    module.register(app)
