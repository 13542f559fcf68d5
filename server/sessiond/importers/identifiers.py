"""Ids that stay the same when a transcript grows or gets an entry in its middle."""

import hashlib

from sessiond.contract.fields import Refusal, check_identifier
from sessiond.contract.limits import MAX_ID_BYTES
from sessiond.importers.entry_json import Json

__all__ = ["MAX_BASE_BYTES", "Occurrences", "content_id", "digest64", "event_type_name", "usable_id"]

MAX_BASE_BYTES = 200
"""The longest id to which a suffix such as `/entry` can be added."""

_DIGEST_HEX_DIGITS = 32


def usable_id(value: Json, max_bytes: int = MAX_ID_BYTES) -> str | None:
    """The value when the store takes it as an id, else None."""
    if not isinstance(value, str):
        return None
    try:
        check_identifier(value)
    except Refusal:
        return None
    return value if len(value.encode()) <= max_bytes else None


def content_id(*parts: bytes) -> str:
    """An id made of content: the same parts give the same id."""
    digest = hashlib.sha256()
    for part in parts:
        # The length keeps apart what the mere concatenation would not.
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:_DIGEST_HEX_DIGITS]


def digest64(data: bytes) -> int:
    """A number that stands for the data in memory, where the data itself would take too much."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def event_type_name(*parts: Json) -> str:
    """The type of a custom event, such as `claude-code/progress`; `unknown` stands for a part that cannot be in it."""
    name = "/".join(part if usable_id(part) else "unknown" for part in parts)
    return name if usable_id(name) else f"{parts[0]}/unknown"


class Occurrences:
    """Counts how often an id has been asked for, in memory that does not depend on the length of the ids.

    Identical entries have identical content, so it does not matter which of them is called the second: an entry that
    is inserted before them changes none of their ids.
    """

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._repeated: dict[int, int] = {}

    def number(self, identifier: str) -> int:
        """Counts the id: 1 at the first time."""
        key = digest64(identifier.encode())
        if key not in self._seen:
            self._seen.add(key)
            return 1
        number = self._repeated.get(key, 1) + 1
        self._repeated[key] = number
        return number

    def distinct(self, identifier: str) -> str:
        """The id at its first time, then `<id>#2`, `<id>#3` and so on."""
        number = self.number(identifier)
        if number == 1:
            return identifier
        # Someone may have chosen an id of this very form.
        while self.number(f"{identifier}#{number}") != 1:
            number += 1
        return f"{identifier}#{number}"
