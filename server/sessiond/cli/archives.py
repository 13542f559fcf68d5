"""The list of the archived sessions."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sessionstore.v1.admin_service_pb2 import ArchiveInfo

from sessiond.cli.exits import CommandError, ExitCode

__all__ = ["print_archives", "refuse_beside_archived"]


def refuse_beside_archived(given: dict[str, object]) -> None:
    """Raises CommandError when one of these options was given: the API lists archives whole, in one order."""
    for option, value in given.items():
        if value:
            raise CommandError(f"--archived and {option} do not go together", ExitCode.USAGE)


def print_archives(address: str, *, most: int | None, offset: int, as_json: bool) -> int:
    """Prints the archived sessions, the newest archive first, and says how many it printed."""
    from sessiond.cli.connection import connected, run_client
    from sessiond.cli.output import print_message

    end = None if most is None else offset + most

    async def collect() -> "list[ArchiveInfo]":
        found: list[ArchiveInfo] = []
        position = 0
        async with connected(address) as client, client.list_archives() as archives:
            async for archive in archives:
                if end is not None and position >= end:
                    break
                if position >= offset:
                    found.append(archive)
                position += 1
        return found

    found = run_client(collect())
    if not as_json:
        _print_table(found)
        return len(found)
    for archive in found:
        print_message(archive)
    return len(found)


def _print_table(found: "list[ArchiveInfo]") -> None:
    from rich.table import Table
    from rich.text import Text

    from sessiond.cli.output import console
    from sessiond.cli.text import local_time, one_line

    table = Table(box=None, pad_edge=False)
    # An id must be there whole, to be copied.
    table.add_column("id", no_wrap=True, min_width=max((len(each.session.id) for each in found), default=2))
    table.add_column("archived", no_wrap=True, overflow="ellipsis")
    for archive in found:
        table.add_row(Text(one_line(archive.session.id, 256)), local_time(archive.archived_at))
    console().print(table)
