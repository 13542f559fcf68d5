"""The command that tells what the daemon is doing."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sessionstore.v1.admin_service_pb2 import GetServerMetricsResponse

from sessiond.cli.options import Address, Json
from sessiond.cli.registration import add_command

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    add_command(app, metrics)


def metrics(address: Address = "", as_json: Json = False) -> None:
    """Tell what the daemon is doing, has in use, and did since it started.

    Example: sessiond metrics --json | jq .open_tails
    """
    from sessiond.cli.connection import connected, run_client
    from sessiond.cli.output import print_json

    async def ask() -> "GetServerMetricsResponse":
        async with connected(address) as client:
            return await client.get_server_metrics()

    found = run_client(ask())
    if as_json:
        print_json(_values(found))
    else:
        _print_table(found)


def _values(found: "GetServerMetricsResponse") -> dict[str, object]:
    """All figures, those that are 0 too, in the order of the protos; what the system does not tell is left out."""
    values: dict[str, object] = {}
    for field in type(found).DESCRIPTOR.fields:
        value = getattr(found, field.name)
        if not field.has_presence or found.HasField(field.name):
            values[field.name] = dict(sorted(value.items())) if field.name == "refusals" else value
    return values


def _print_table(found: "GetServerMetricsResponse") -> None:
    from rich.table import Table

    from sessiond.cli.output import console

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    for name, value in _values(found).items():
        if not isinstance(value, dict):
            table.add_row(*_shown(name, value))
            continue
        for reason, count in value.items():
            table.add_row(f"refused: {reason}", f"{count:,}")
    console().print(table)


def _shown(name: str, value: object) -> tuple[str, str]:
    """What a figure is called, and the figure with its unit."""
    if isinstance(value, float):
        return name.removesuffix("_seconds").replace("_", " "), f"{value * 1000:.1f} ms"
    if name.endswith("_bytes") and isinstance(value, int):
        return name.removesuffix("_bytes").replace("_", " "), f"{value / 1_000_000:,.1f} MB"
    return name.replace("_", " "), f"{value:,}"
