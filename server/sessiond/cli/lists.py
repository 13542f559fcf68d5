"""The command that lists sessions."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from sessionstore.v1.session_pb2 import SessionInfo

from sessiond.cli.exits import CommandError, ExitCode
from sessiond.cli.options import Address, Json
from sessiond.cli.registration import add_command

__all__ = ["register"]

TERMINAL_LIMIT = 50

MOST = 2**31 - 1
"""What the API takes at most."""

LABELS_ROOM = 82
COLUMNS = {"updated": 0, "messages": 31, "events": 39, "status": 49, "model": 75, "labels": LABELS_ROOM + 20}
"""The columns after the id, and how wide a terminal must be beside the id to show each."""

Time = Annotated[str, typer.Option(metavar="TIME", help="ISO 8601, such as 2026-05-11 or 2026-05-11T11:26:55Z.")]


class Order(StrEnum):
    """What to sort by."""

    CREATED_AT = "created-at"
    UPDATED_AT = "updated-at"
    MESSAGE_COUNT = "message-count"


class Status(StrEnum):
    """Whether an agent is at work."""

    INACTIVE = "inactive"
    ACTIVE = "active"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    add_command(app, sessions)


def sessions(
    metadata: Annotated[
        list[str] | None,
        typer.Option("--metadata", "-m", metavar="KEY=VALUE", help="Only sessions with this label; all must match."),
    ] = None,
    status: Annotated[Status | None, typer.Option(help="Only sessions of this status.")] = None,
    created_after: Time = "",
    created_before: Time = "",
    updated_after: Time = "",
    updated_before: Time = "",
    order_by: Annotated[Order, typer.Option(help="What to sort by.")] = Order.CREATED_AT,
    ascending: Annotated[bool, typer.Option("--ascending", help="The smallest or oldest first.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=0, max=MOST, help="At most so many. [default: 50 on a terminal, else all]")
    ] = None,
    offset: Annotated[int, typer.Option(min=0, max=MOST, help="Skip so many.")] = 0,
    archived: Annotated[
        bool,
        typer.Option("--archived", help="Those in the archive instead, the newest archive first; without a filter."),
    ] = False,
    address: Address = "",
    as_json: Json = False,
) -> None:
    """List sessions, the newest first.

    Example: sessiond sessions --metadata source.format=codex --order-by message-count --limit 5
    """
    from sessiond.cli.archives import print_archives, refuse_beside_archived
    from sessiond.cli.connection import connected, run_client
    from sessiond.cli.output import console, print_message
    from sessionstore.v1 import session_store_service_pb2 as pb
    from sessionstore.v1.session_pb2 import SessionInfo

    shown = console()
    most = limit if limit is not None or as_json or not shown.is_terminal else TERMINAL_LIMIT

    def print_rest(count: int) -> None:
        if not as_json and limit is None and count == most:
            shown.print(f"the first {most}; --limit shows more")

    if archived:
        refuse_beside_archived(
            {
                "--metadata": metadata,
                "--status": status,
                "--created-after": created_after,
                "--created-before": created_before,
                "--updated-after": updated_after,
                "--updated-before": updated_before,
                "--order-by": order_by is not Order.CREATED_AT,
                "--ascending": ascending,
            }
        )
        print_rest(print_archives(address, most=most, offset=offset, as_json=as_json))
        return
    chosen = pb.SessionFilter(metadata=dict(_pair(text) for text in metadata or ()))
    if status is not None:
        chosen.status = {"inactive": 1, "active": 2}[status]  # type: ignore[assignment]
    for name, text in (
        ("created_after", created_after),
        ("created_before", created_before),
        ("updated_after", updated_after),
        ("updated_before", updated_before),
    ):
        if text:
            getattr(chosen, name).CopyFrom(_time(name, text))
    order = {
        Order.CREATED_AT: pb.SessionOrder.SESSION_ORDER_CREATED_AT,
        Order.UPDATED_AT: pb.SessionOrder.SESSION_ORDER_UPDATED_AT,
        Order.MESSAGE_COUNT: pb.SessionOrder.SESSION_ORDER_MESSAGE_COUNT,
    }[order_by]

    async def collect() -> list[SessionInfo]:
        found = []
        async with connected(address) as client:
            async for session in client.list_sessions(
                filter=chosen, order_by=order, ascending=ascending, limit=most, offset=offset
            ):
                if as_json:
                    print_message(session)
                else:
                    found.append(session)
        return found

    found = run_client(collect())
    if not as_json:
        _print_table(found)
        print_rest(len(found))


def _print_table(found: "list[SessionInfo]") -> None:
    from rich.table import Table
    from rich.text import Text

    from sessiond.cli.output import console
    from sessiond.cli.text import local_time, one_line

    out = console()
    # An id must be there whole, to be copied; on a narrow terminal the columns at the end give way.
    id_width = max((len(session.id) for session in found), default=2)
    shown = [name for name, room in COLUMNS.items() if out.width - id_width >= room]
    table = Table(box=None, pad_edge=False)
    table.add_column("id", no_wrap=True, min_width=id_width)
    for name in shown:
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    for session in found:
        events = session.last_event_sequence + 1 if session.HasField("last_event_sequence") else 0
        values = {
            "updated": local_time(session.updated_at),
            "messages": str(session.message_count),
            "events": str(events),
            "status": {1: "inactive", 2: "active"}.get(session.status, str(session.status)),
            "model": one_line(session.last_model, 24),
            "labels": " ".join(f"{key}={value}" for key, value in sorted(session.metadata.items())),
        }
        row = [Text(one_line(values[name], max(24, out.width - id_width - LABELS_ROOM))) for name in shown]
        table.add_row(Text(one_line(session.id, 256)), *row)
    out.print(table)


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise CommandError(f"--metadata {text!r} is no pair; write KEY=VALUE", ExitCode.USAGE)
    return key, value


def _time(option: str, text: str) -> "Timestamp":
    from google.protobuf.timestamp_pb2 import Timestamp

    name = option.replace("_", "-")
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"--{name} {text!r} is no time; write it like 2026-05-11T11:26:55Z", ExitCode.USAGE
        ) from None
    found = Timestamp()
    try:
        # Without a zone it is a time of the reader's.
        found.FromDatetime((time if time.tzinfo else time.astimezone()).astimezone(UTC))
    except (ValueError, OverflowError):
        raise CommandError(
            f"--{name} {text!r} lies outside the years 1 to 9999 in the time zone UTC", ExitCode.USAGE
        ) from None
    return found
