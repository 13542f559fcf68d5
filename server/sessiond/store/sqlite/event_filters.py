"""Filters by event type, as conditions on the table of events."""

from collections.abc import Sequence
from dataclasses import dataclass

from sessiond.contract.items import UNKNOWN_EVENT_TYPE
from sessionstore.v1.event_pb2 import Event

__all__ = ["EventFilter", "no_type"]

_CUSTOM = "custom"
_CUSTOM_PREFIX = "custom:"
_AFTER_CUSTOM_PREFIX = "custom;"  # the character after the colon
_KINDS = [UNKNOWN_EVENT_TYPE, *(field.name for field in Event.DESCRIPTOR.oneofs_by_name["kind"].fields)]


def _is_custom(column: str) -> str:
    return f"({column} >= '{_CUSTOM_PREFIX}' AND {column} < '{_AFTER_CUSTOM_PREFIX}')"


def no_type(column: str) -> str:
    """The SQL condition that holds where a column has what is the type of no event."""
    return f"NOT ({column} IN ({', '.join(repr(kind) for kind in _KINDS)}) OR {_is_custom(column)})"


_COLUMN = "events.type"


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which event types are let through; none named means all. `custom` stands for every custom event."""

    types: frozenset[str]

    @classmethod
    def of(cls, types: Sequence[str]) -> "EventFilter":
        """The filter of a request."""
        return cls(frozenset(types))

    @property
    def passes_all(self) -> bool:
        """Whether every event is let through."""
        return not self.types

    @property
    def single_type(self) -> str | None:
        """The one type that is let through: an index holds its events in the order of their sequences."""
        if len(self.types) != 1:
            return None
        (only,) = self.types
        return None if only == _CUSTOM else only

    def passes(self, event_type: str) -> bool:
        """Whether events of a type are let through."""
        if not self.types or event_type in self.types:
            return True
        return _CUSTOM in self.types and event_type.startswith(_CUSTOM_PREFIX)

    def condition(self) -> tuple[str, list[str]]:
        """The SQL condition on the types of events, of which some are named, and its values.

        What is no type at all meets it too: it is damage, which nobody would be told of if it were passed over.
        """
        exact = sorted(self.types - {_CUSTOM})
        parts = []
        if exact:
            parts.append(f"{_COLUMN} IN ({', '.join('?' * len(exact))})")
        if _CUSTOM in self.types:
            parts.append(_is_custom(_COLUMN))
        parts.append(no_type(_COLUMN))
        return f"({' OR '.join(parts)})", exact
