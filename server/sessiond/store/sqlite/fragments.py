"""Runs of encoded items, cut to the size of a fragment."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from google.protobuf.message import Message

from sessiond.contract.limits import FRAGMENT_BYTES

__all__ = ["fragments"]

MessageT = TypeVar("MessageT", bound=Message)


def fragments(items: Iterable[MessageT]) -> Iterator[list[MessageT]]:
    """Groups items so that each group has about FRAGMENT_BYTES at most, unless one item alone is larger."""
    group: list[MessageT] = []
    size_bytes = 0
    for item in items:
        item_bytes = item.ByteSize()
        if group and size_bytes + item_bytes > FRAGMENT_BYTES:
            yield group
            group, size_bytes = [], 0
        group.append(item)
        size_bytes += item_bytes
    if group:
        yield group
