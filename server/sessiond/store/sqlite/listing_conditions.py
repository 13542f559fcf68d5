"""What the filter of ListSessions and the page before ask of sessions, as the clauses of a query."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from sessiond.contract.timestamps import ceil_us, floor_us
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["Conditions", "Label", "Span"]

Label = tuple[str, str]
"""The key and the value of a metadata pair."""


class Span(NamedTuple):
    """Which part of a list is looked at.

    Attributes:
        after: The value and the key of the place after which it begins; None for the beginning of the list.
        offset: How many sessions are passed over from there.
        limit: How many are taken at most.
    """

    after: tuple[int, int] | None
    offset: int
    limit: int


_LABELS = "session_metadata m{} LEFT JOIN sessions s ON s.session_key = m.session_key"
"""LEFT JOIN keeps the order of the tables: the matches first, then their sessions."""

_HAS_LABEL = (
    "EXISTS (SELECT 1 FROM session_metadata x WHERE x.session_key = s.session_key AND x.key = ? AND x.value = ?)"
)


@dataclass(slots=True)
class Conditions:
    """A FROM clause and a WHERE clause, with their values."""

    column: str
    """What the list is ordered by."""
    source: str = "sessions s"
    lead: str = "s"
    """The table that has the sorted column and the key, which breaks ties: the sessions, or their labels."""
    terms: list[str] = field(default_factory=lambda: ["s.archived_at_us IS NULL"])
    values: list[object] = field(default_factory=list)
    copied: tuple[str, str] | None = None
    """The index that exists twice and is walked over, after its table; None when another one is."""
    from_labels: bool = False
    """Whether the walk is over labels, and from there to the sessions."""
    range_terms: list[str] = field(default_factory=list)
    range_values: list[object] = field(default_factory=list)
    """The conditions that make the range of it."""

    @property
    def by_creation(self) -> bool:
        """Whether the list is in the order of creation."""
        return self.column == "created_at_us"

    @property
    def where(self) -> str:
        """The WHERE clause."""
        others = " AND ".join(self.terms)
        if self.from_labels:
            # A session that is not there is not to be left out: its row is damaged.
            others = f"(s.session_key IS NULL OR ({others}))"
        return " AND ".join([*self.range_terms, others])

    @property
    def all_values(self) -> list[object]:
        """The values of the WHERE clause."""
        return [*self.range_values, *self.values]

    @property
    def place(self) -> str:
        """What a session's place in the list is told by."""
        return f"{self.lead}.{self.column}, {self.lead}.session_key"

    def add(self, term: str, *values: object) -> None:
        """Adds a condition on sessions."""
        self.terms.append(term)
        self.values += values

    def add_range(self, term: str, *values: object) -> None:
        """Adds a condition on the entries of the index that is walked over."""
        self.range_terms.append(term)
        self.range_values += values

    def order(self, *, ascending: bool) -> str:
        """The ORDER BY clause."""
        direction = "ASC" if ascending else "DESC"
        return f"ORDER BY {self.lead}.{self.column} {direction}, {self.lead}.session_key {direction}"

    def walk_label(self, label: Label, index: str = "") -> None:
        """Has the walk go over those who have a label, in the order of an index if one is named."""
        self.source = _LABELS.format(f" INDEXED BY {index}" if index else "")
        self.from_labels = True
        self.add_range("m.key = ? AND m.value = ?", *label)
        if index or self.by_creation:
            # The index of the labels has them in this order: the walk ends when the page is full.
            self.lead = "m"

    def add_labels(self, labels: Iterable[Label]) -> None:
        """Has those pass only who have all these labels."""
        for label in labels:
            self.add(_HAS_LABEL, *label)

    def add_filter(self, chosen: pb.SessionFilter) -> None:
        """Has those pass only who match, whatever their labels are; when it is clear what is walked over."""
        for name, column, operator, convert in (
            ("created_after", "created_at_us", ">=", ceil_us),
            ("created_before", "created_at_us", "<=", floor_us),
            ("updated_after", "updated_at_us", ">=", ceil_us),
            ("updated_before", "updated_at_us", "<=", floor_us),
        ):
            if chosen.HasField(name):
                sorted_by = column == self.column
                add = self.add_range if sorted_by and self.is_walked_in_order else self.add
                table = self.lead if sorted_by else "s"
                add(f"{table}.{column} {operator} ?", convert(getattr(chosen, name)))
        if chosen.HasField("status"):
            self.add("s.status = ?", int(chosen.status))
        if chosen.id_prefix:
            self._add_prefix(chosen.id_prefix)

    def begin_after(self, place: tuple[int, int] | None, *, ascending: bool) -> None:
        """Has the walk begin after a place, if there is one."""
        if place is not None:
            add = self.add_range if self.is_walked_in_order else self.add
            add(f"({self.place}) {'>' if ascending else '<'} (?, ?)", *place)

    @property
    def is_walked_in_order(self) -> bool:
        """Whether conditions on the place are conditions on the entries that are walked over."""
        return self.by_creation or self.lead == "m"

    def _add_prefix(self, prefix: str) -> None:
        # Text compares byte by byte, which for UTF-8 is the order of the code points.
        self.add("s.id >= ? AND substr(s.id, 1, ?) = ?", prefix, len(prefix), prefix)
        code = ord(prefix[-1]) + 1
        code = 0xE000 if 0xD800 <= code <= 0xDFFF else code
        if code <= 0x10FFFF:
            self.add("s.id < ?", prefix[:-1] + chr(code))
