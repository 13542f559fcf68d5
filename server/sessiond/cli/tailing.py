"""The command that follows a session live."""

import sys
from typing import Annotated

import typer

from sessiond.cli.exits import CommandError, ExitCode
from sessiond.cli.options import Address, Json, SessionId
from sessiond.cli.registration import add_command

__all__ = ["register"]

LAST_SEQUENCE = 2**63 - 1
"""What the API takes at most."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    add_command(app, tail)


def tail(
    session_id: SessionId,
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="start|now|SEQ",
            help="Where to begin: with the oldest event, with the next one, or after a sequence.",
        ),
    ] = "start",
    types: Annotated[
        list[str] | None,
        typer.Option("--type", "-t", metavar="TYPE", help="Only events of this type, such as message_complete."),
    ] = None,
    no_follow: Annotated[bool, typer.Option("--no-follow", help="End when everything stored was shown.")] = False,
    address: Address = "",
    as_json: Json = False,
) -> None:
    """Show the events of a session as they happen, one a line, until Ctrl-C.

    Goes on by itself when the daemon is restarted; no event is missed or shown twice.

    Example: sessiond tail 019e1625 --from now --type tool_call_started
    """
    from sessiond.cli.connection import connected, resolve_session_id, run_client
    from sessiond.cli.conversation import event_line
    from sessiond.cli.output import print_message

    after = _cursor(start)

    async def follow() -> None:
        async with connected(address) as client:
            known = await resolve_session_id(client, session_id)
            async with client.tail(
                known, after_sequence=after, from_now=start == "now", types=types or (), follow=not no_follow
            ) as events:
                async for event in events:
                    if as_json:
                        print_message(event)
                    else:
                        sys.stdout.write(event_line(event) + "\n")

    try:
        run_client(follow())
    except KeyboardInterrupt:
        # The natural end of a tail.
        return


def _cursor(start: str) -> int | None:
    if start in ("start", "now"):
        return None
    if not (start.isascii() and start.isdigit()):
        raise CommandError(f"--from {start!r} is neither start, nor now, nor a sequence", ExitCode.USAGE)
    # The length first: Python reads no number of thousands of digits.
    if len(start.lstrip("0")) > len(str(LAST_SEQUENCE)) or int(start) > LAST_SEQUENCE:
        raise CommandError(f"--from is beyond {LAST_SEQUENCE}, the largest sequence", ExitCode.USAGE)
    return int(start)
