"""The options of `serve`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from typer.models import OptionInfo

from sessiond.cli.home import with_home
from sessiond.cli.options import RightChoice
from sessiond.contract.limits import Limits

__all__ = [
    "AllowOrigin",
    "Durability",
    "DurabilityChoice",
    "GraceSeconds",
    "Insecure",
    "KeepaliveSeconds",
    "Listen",
    "LogLevel",
    "LogLevelChoice",
    "MaxBytesPerSession",
    "MaxCommitsInFlight",
    "MaxEventsPerSession",
    "MaxItemBytes",
    "MaxSessions",
    "MaxTailsPerClient",
    "OpenHealth",
    "RequireToken",
    "TlsCert",
    "TlsClientCa",
    "TlsClientRight",
    "TlsKey",
]

_MAX_COUNT = 2**31 - 1
_MAX_BYTES = 2**53


class DurabilityChoice(StrEnum):
    """When a write is acknowledged."""

    FULL = "full"
    NORMAL = "normal"


class LogLevelChoice(StrEnum):
    """What is logged to standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _limit(variable: str, meaning: str, *, most: int, least: int = 0) -> OptionInfo:
    option: OptionInfo = typer.Option(envvar=variable, min=least, max=most, help=meaning, rich_help_panel="Limits")
    return option


Listen = Annotated[
    list[str] | None,
    typer.Option(
        "--listen",
        envvar="SESSIOND_LISTEN",
        metavar="unix:PATH|[tls:]HOST:PORT|http[s]://HOST:PORT",
        help="Where to listen; may be given several times. HOST:PORT asks for a token (`sessiond token`), tls: is"
        " encrypted too. http:// and https:// are for browsers (Connect and gRPC-Web), with a token."
        " [default: the socket in the user's runtime folder]",
        show_default=False,
    ),
]

Durability = Annotated[
    DurabilityChoice,
    typer.Option(
        envvar="SESSIOND_DURABILITY",
        help="full: an acknowledged write is on disk and survives a power cut. normal: faster, it survives a crash"
        " of the daemon, and a power cut may lose the newest writes.",
    ),
]

Insecure = Annotated[
    bool,
    typer.Option(
        "--insecure",
        envvar="SESSIOND_INSECURE",
        help="Ask for no credentials at HOST:PORT: whoever reaches the port can read and write everything.",
    ),
]

TlsCert = Annotated[
    Path | None,
    typer.Option(
        envvar="SESSIOND_TLS_CERT",
        metavar="FILE",
        help="The certificate for tls:, in PEM; replaced files are taken up without a restart. [default: what"
        " `sessiond tls init` made]",
        show_default=False,
        callback=with_home,
    ),
]

TlsKey = Annotated[
    Path | None,
    typer.Option(
        envvar="SESSIOND_TLS_KEY",
        metavar="FILE",
        help="The private key of the certificate.",
        show_default=False,
        callback=with_home,
    ),
]

TlsClientCa = Annotated[
    Path | None,
    typer.Option(
        envvar="SESSIOND_TLS_CLIENT_CA",
        metavar="FILE",
        help="Let in at tls: only clients with a certificate of this authority, without a token.",
        show_default=False,
        callback=with_home,
    ),
]

TlsClientRight = Annotated[
    RightChoice,
    typer.Option(
        envvar="SESSIOND_TLS_CLIENT_RIGHT",
        help="What a client certificate gives that names no right of its own (OU=sessiond:RIGHT).",
    ),
]

RequireToken = Annotated[
    bool,
    typer.Option(
        "--require-token",
        envvar="SESSIOND_REQUIRE_TOKEN",
        help="Ask for a token everywhere: beside a client certificate, and at the Unix socket.",
    ),
]

OpenHealth = Annotated[
    bool,
    typer.Option("--open-health", envvar="SESSIOND_OPEN_HEALTH", help="Answer health checks without credentials."),
]

AllowOrigin = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-origin",
        envvar="SESSIOND_ALLOW_ORIGIN",
        metavar="ORIGIN",
        help="The origin of pages that may call at http:// and https://, such as https://app.example.com; may be"
        " given several times. * is every page.",
        show_default=False,
    ),
]

GraceSeconds = Annotated[
    float,
    typer.Option(
        envvar="SESSIOND_GRACE_SECONDS", min=0, help="How long calls under way may take when the daemon stops."
    ),
]

KeepaliveSeconds = Annotated[
    int,
    typer.Option(
        envvar="SESSIOND_KEEPALIVE_SECONDS",
        min=1,
        max=7200,
        help="After so long without a word from a client it is asked whether it is still there; what it had open"
        " ends when it does not answer within as long again, or 20 seconds.",
    ),
]

MaxItemBytes = Annotated[
    int,
    _limit(
        "SESSIOND_MAX_ITEM_BYTES",
        "The largest message, tool call, event or configuration.",
        least=1024,
        most=Limits().max_item_bytes,
    ),
]

MaxCommitsInFlight = Annotated[
    int,
    _limit(
        "SESSIOND_MAX_COMMITS_IN_FLIGHT",
        "How many commits of one Write stream may wait for their answers; beyond that it is not read on.",
        least=1,
        most=65_536,
    ),
]

MaxSessions = Annotated[
    int,
    _limit(
        "SESSIOND_MAX_SESSIONS",
        "How many sessions the store may hold, archived ones included; 0 is any number.",
        most=_MAX_COUNT,
    ),
]

MaxEventsPerSession = Annotated[
    int,
    _limit(
        "SESSIOND_MAX_EVENTS_PER_SESSION",
        "How many events a session may hold, deleted ones not counted; 0 is any number.",
        most=_MAX_COUNT,
    ),
]

MaxBytesPerSession = Annotated[
    int,
    _limit(
        "SESSIOND_MAX_BYTES_PER_SESSION",
        "How many bytes a session may hold: messages, tool calls with their results, and events that were not"
        " deleted; 0 is any number.",
        most=_MAX_BYTES,
    ),
]

MaxTailsPerClient = Annotated[
    int,
    _limit(
        "SESSIOND_MAX_TAILS_PER_CLIENT",
        "How many tails may be open with one token, one certificate's name, through the Unix socket, or from"
        " one address with --insecure; 0 is any number.",
        most=_MAX_COUNT,
    ),
]

LogLevel = Annotated[LogLevelChoice, typer.Option(envvar="SESSIOND_LOG_LEVEL", help="What to log.")]
