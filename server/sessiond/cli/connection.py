"""Clients of the daemon for the commands, and what their failures mean to a person."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sessiond.cli.credential_files import named_files
from sessiond.cli.exits import CommandError, ExitCode
from sessiond.cli.unreachable import told_unreachable
from sessionstore import AsyncSessionStore, EventLoop
from sessionstore.address import default_address
from sessionstore.errors import ServerUnavailableError, SessionStoreError, UnauthenticatedError
from sessionstore.v1.session_store_service_pb2 import ListSessionsRequest, SessionFilter

__all__ = ["connected", "resolve_session_id", "run_client"]

T = TypeVar("T")

CANDIDATES = 5


def run_client(work: Coroutine[Any, Any, T]) -> T:
    """Runs the work of a command; its failures become one line and an exit code."""
    try:
        with asyncio.Runner(loop_factory=EventLoop) as runner:
            return runner.run(work)
    except UnauthenticatedError as error:
        raise CommandError(
            f"{error}; name a token with `sessiond --token-file FILE` or SESSIOND_TOKEN, see `sessiond token --help`"
        ) from error
    except SessionStoreError as error:
        raise CommandError(str(error)) from error


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[AsyncSessionStore]:
    """A client of the daemon at an address; the default one when it is empty."""
    address = address or default_address()
    try:
        client = AsyncSessionStore(address, credentials=named_files.get().credentials(address))
    except ValueError as error:
        raise CommandError(str(error), ExitCode.USAGE) from error
    async with client:
        try:
            yield client
        except ServerUnavailableError as error:
            raise CommandError(told_unreachable(client.address, str(error)), ExitCode.UNREACHABLE) from error


async def resolve_session_id(client: AsyncSessionStore, given: str) -> str:
    """The one session whose id is `given`, or begins so."""
    if not given:
        raise CommandError("the id of the session is empty; `sessiond sessions` lists them", ExitCode.USAGE)
    request = ListSessionsRequest(filter=SessionFilter(id_prefix=given), page_size=CANDIDATES + 1)
    found = [session.id for session in (await client.list_sessions_page(request)).sessions]
    if len(found) == 1 or given in found:
        return given if given in found else found[0]
    if not found:
        raise CommandError(f"no session {given!r}; `sessiond sessions` lists them")
    # The id itself may stand behind the first few that begin so.
    exact = [
        session.id async for session in client.list_sessions(filter=SessionFilter(id_prefix=given), ascending=True)
    ]
    if given in exact:
        return given
    shown = ", ".join(found[:CANDIDATES]) + (" …" if len(found) > CANDIDATES else "")
    raise CommandError(f"{given!r} is the beginning of several sessions ({shown}); give more of the id")
