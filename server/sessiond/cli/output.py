"""What the commands print: JSON lines for scripts, tables and text for people."""

import codecs
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
    """A message as one line of JSON, with the field names of the protos, and with what is 0 or empty."""
    fields = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    print_json({**more, **fields})


def print_json(value: dict[str, Any]) -> None:
    """An object as one line of JSON."""
    # What the output lacks is spelled out as JSON does it.
    ascii_only = codecs.lookup(sys.stdout.encoding).name != "utf-8"
    text = json.dumps(value, ensure_ascii=ascii_only)
    # The name of a file need not be text; what of it is none can only be written as an escape.
    sys.stdout.write(_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
