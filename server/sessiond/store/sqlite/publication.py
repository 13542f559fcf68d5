"""What the tails of a session have to know about a transaction, once it is on disk."""

from dataclasses import dataclass, field

__all__ = ["Publication", "PublishedEvent"]


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event that was stored, with what a reader of the table would see beside it.

    Attributes:
        encoded: The StoredEvent as it is sent.
    """

    sequence: int
    commit_index: int
    type: str
    encoded: bytes


@dataclass(slots=True)
class Publication:
    """What changed in one session.

    Attributes:
        appended: The number of events that were appended.
        events: Those events, or none of them when nobody followed the session as they were written.
        trimmed: Whether events were deleted.
        gone: Whether the session was deleted or archived.
        archived: Whether it was archived.
    """

    appended: int = 0
    events: list[PublishedEvent] = field(default_factory=list)
    trimmed: bool = False
    gone: bool = False
    archived: bool = False

    def add(self, later: "Publication") -> None:
        """Takes in what changed later."""
        self.appended += later.appended
        self.events += later.events
        self.trimmed |= later.trimmed
        self.gone |= later.gone
        self.archived |= later.archived
