"""The command that shows one session."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sessionstore.v1.session_pb2 import Session

from sessiond.cli.options import Address, Json, SessionId
from sessiond.cli.registration import add_command

__all__ = ["register"]

SHORT = 2000
"""So many characters of a text are shown without --full."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    add_command(app, show)


def show(
    session_id: SessionId,
    full: Annotated[bool, typer.Option("--full", help="Show long texts and results whole.")] = False,
    address: Address = "",
    as_json: Json = False,
) -> None:
    """Show a session: its state, its conversation and its tool calls.

    With --json: one object for the session, then one a message, then one a tool call.

    Example: sessiond show 019e1625
    """
    from sessiond.cli.connection import connected, resolve_session_id, run_client
    from sessiond.cli.output import print_message

    async def read() -> "Session":
        async with connected(address) as client:
            return await client.get_session(await resolve_session_id(client, session_id))

    session = run_client(read())
    if not as_json:
        _print_session(session, full=full)
        return
    messages, tool_calls = list(session.state.messages), list(session.state.tool_calls)
    session.state.ClearField("messages")
    session.state.ClearField("tool_calls")
    print_message(session, kind="session")
    for message in messages:
        print_message(message, kind="message")
    for tool_call in tool_calls:
        print_message(tool_call, kind="tool_call")


def _print_session(session: "Session", *, full: bool) -> None:
    from sessiond.cli.conversation import message_lines, tool_call_line
    from sessiond.cli.output import console
    from sessiond.cli.text import visible

    out = console()
    limit = None if full else SHORT

    def print_all(lines: Iterable[tuple[str, str]]) -> None:
        for style, line in lines:
            out.print(visible(line), style=style or None)

    print_all(_header(session))
    for stored in session.state.messages:
        out.print()
        print_all(message_lines(stored, limit))
    if session.state.tool_calls:
        out.print()
        out.print("tool calls", style="bold")
        for state in session.state.tool_calls:
            print_all([tool_call_line(state)])


def _header(session: "Session") -> Iterable[tuple[str, str]]:
    from sessiond.cli.text import local_time

    state = session.state
    yield "bold", f"session {session.id}"
    yield "", f"  created {local_time(session.created_at)}, updated {local_time(session.updated_at)}"
    status = {1: "inactive", 2: "active"}.get(session.status, str(session.status))
    events = state.last_event_sequence + 1 if state.HasField("last_event_sequence") else 0
    yield "", f"  {status}, {state.message_count} messages, {len(state.tool_calls)} tool calls, {events} events"
    if state.HasField("last_model"):
        yield "", f"  model {state.last_model}"
    if session.config.workspace.HasField("local"):
        yield "", f"  in {session.config.workspace.local.path}"
    if state.HasField("active_message_id"):
        yield "", f"  active message {state.active_message_id}"
    for name, values in (("approved tools", state.approved_tools), ("approved patterns", state.approved_bash_patterns)):
        if values:
            yield "", f"  {name} {', '.join(values)}"
    for key, value in sorted(session.config.metadata.items()):
        yield "dim", f"  {key} = {value}"
