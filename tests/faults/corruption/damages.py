"""What becomes of a page."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.faults.corruption.template import PAGE_BYTES

__all__ = ["DAMAGES", "damage_page"]


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
    with database.open("r+b") as file:
        file.seek((number - 1) * PAGE_BYTES)
        page = file.read(PAGE_BYTES)
        file.seek((number - 1) * PAGE_BYTES)
        file.write(DAMAGES[kind](page, chance))
