"""The turns of a client of the crash campaign, which goes on until it is told to stop."""

import asyncio
from collections.abc import Iterator
from itertools import count

__all__ = ["turns"]


def turns(stopped: asyncio.Event) -> Iterator[int]:
    """Numbers from zero on, for as long as nobody says stop."""
    for number in count():
        if stopped.is_set():
            return
        yield number
