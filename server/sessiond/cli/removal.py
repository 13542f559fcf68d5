"""The commands that take sessions away, and bring them back."""

import sys
from typing import Annotated

import typer

from sessiond.cli.exits import CommandError, ExitCode
from sessiond.cli.options import Address, Json, SessionId
from sessiond.cli.registration import add_command

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    add_command(app, delete)
    add_command(app, archive)
    add_command(app, restore)


def delete(
    session_id: SessionId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    address: Address = "",
    as_json: Json = False,
) -> None:
    """Delete a session and everything in it, for good; `sessiond archive` keeps it out of the way instead.

    Example: sessiond delete 019e1625 --yes
    """
    from sessiond.cli.connection import connected, resolve_session_id, run_client
    from sessiond.cli.output import print_message
    from sessionstore.v1.session_store_service_pb2 import DeleteSessionResponse

    async def find() -> str:
        async with connected(address) as client:
            return await resolve_session_id(client, session_id)

    async def remove(found: str) -> DeleteSessionResponse:
        async with connected(address) as client:
            return await client.delete_session(found)

    found = run_client(find())
    if not yes:
        if not sys.stdin.isatty():
            raise CommandError(f"would delete {found}; say --yes where nobody can be asked", ExitCode.USAGE)
        typer.confirm(f"Delete session {found} and everything in it?", abort=True)
    removed = run_client(remove(found))
    if as_json:
        print_message(removed, id=found)
        return
    sys.stdout.write(
        f"deleted {found}: {removed.deleted_messages} messages, {removed.deleted_tool_calls} tool calls,"
        f" {removed.deleted_events} events\n"
    )


def archive(session_id: SessionId, address: Address = "", as_json: Json = False) -> None:
    """Take a session out of the lists and keep it whole; `sessiond restore` brings it back.

    Example: sessiond archive 019e1625
    """
    from sessiond.cli.connection import connected, resolve_session_id, run_client
    from sessiond.cli.output import print_message

    async def put_away() -> None:
        async with connected(address) as client:
            response = await client.archive_session(await resolve_session_id(client, session_id))
            if as_json:
                print_message(response.archive)
            else:
                sys.stdout.write(f"archived {response.archive.session.id}\n")

    run_client(put_away())


def restore(
    session_id: Annotated[str, typer.Argument(metavar="ID", help="The whole id of the session.")],
    address: Address = "",
    as_json: Json = False,
) -> None:
    """Bring an archived session back, as it was; `sessiond sessions --archived` lists them.

    Example: sessiond restore 019e1625-789d-76c0-80ab-3724b5ddb799
    """
    from sessiond.cli.connection import connected, run_client
    from sessiond.cli.output import print_message
    from sessionstore.errors import ArchiveNotFoundError

    async def bring_back() -> None:
        async with connected(address) as client:
            try:
                response = await client.restore_session(session_id)
            except ArchiveNotFoundError as error:
                raise CommandError(
                    f"{error}; it takes the whole id, `sessiond sessions --archived` lists them"
                ) from error
            if as_json:
                print_message(response.session)
            else:
                sys.stdout.write(f"restored {response.session.id}\n")

    run_client(bring_back())
