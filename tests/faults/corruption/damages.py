"""What becomes of a page."""

import random
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.faults.corruption.template import PAGE_BYTES

__all__ = ["DAMAGES", "damage_logged_page", "damage_page"]

_LOG_HEADER = struct.Struct(">16xII8x")
_FRAME_HEADER = struct.Struct(">I4xII8x")
"""Of a frame of the log: its page, and the salts of its log. Source: https://sqlite.org/walformat.html"""


def _zeros(_page: bytes, _chance: random.Random) -> bytes:
    return bytes(PAGE_BYTES)


def _noise(_page: bytes, chance: random.Random) -> bytes:
    return chance.randbytes(PAGE_BYTES)


def _flipped_bit(page: bytes, chance: random.Random) -> bytes:
    flipped = bytearray(page)
    # Where something is written: most of a fresh page is zeros that nobody reads.
    place = chance.choice([index for index, byte in enumerate(page) if byte] or [0])
    flipped[place] ^= 1 << chance.randrange(8)
    return bytes(flipped)


DAMAGES: Mapping[str, Callable[[bytes, random.Random], bytes]] = {
    "zeros": _zeros,
    "noise": _noise,
    "flipped bit": _flipped_bit,
}


def damage_page(database: Path, number: int, kind: str, chance: random.Random) -> None:
    """Overwrites a page, which are numbered from 1, in the file that may be open elsewhere."""
    _overwrite(database, (number - 1) * PAGE_BYTES, kind, chance)


def damage_logged_page(log: Path, number: int, kind: str, chance: random.Random) -> bool:
    """Overwrites the newest version of a page in the log; whether there is one."""
    data = log.read_bytes()
    salts = _LOG_HEADER.unpack_from(data)
    newest = None
    for at in range(_LOG_HEADER.size, len(data), _FRAME_HEADER.size + PAGE_BYTES):
        page, *frame_salts = _FRAME_HEADER.unpack_from(data, at)
        if (*frame_salts,) != salts:
            break
        if page == number:
            newest = at + _FRAME_HEADER.size
    if newest is not None:
        _overwrite(log, newest, kind, chance)
    return newest is not None


def _overwrite(path: Path, at: int, kind: str, chance: random.Random) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        page = file.read(PAGE_BYTES)
        file.seek(at)
        file.write(DAMAGES[kind](page, chance))
