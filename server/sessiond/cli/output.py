"""What the commands print: JSON lines for scripts, tables and text for people."""

import json
import re
import sys
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console

__all__ = ["console", "print_json", "print_message"]


PIPE_WIDTH = 200
"""The width of tables where there is no terminal to ask."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def console() -> Console:
    """The console of standard output: no colours and no wrapping when it is not a terminal."""
    terminal = sys.stdout.isatty()
    width = None if terminal else PIPE_WIDTH
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=not terminal, width=width)


def print_message(message: Message, **more: Any) -> None:
    """A message as one line of JSON, with the field names of the protos."""
    print_json({**more, **MessageToDict(message, preserving_proto_field_name=True)})


def print_json(value: dict[str, Any]) -> None:
    """An object as one line of JSON."""
    text = json.dumps(value, ensure_ascii=False)
    # The name of a file need not be text; what of it is none can only be written as an escape.
    sys.stdout.write(_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
    # Whoever reads a pipe live wants the line now.
    sys.stdout.flush()
