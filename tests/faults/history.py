"""What clients saw: every write with its answer, every frame of a tail, every read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["ARCHIVED", "GONE", "LIVE", "Frame", "Look", "SessionHistory", "TailHistory", "Write"]

LIVE, ARCHIVED, GONE = "live", "archived", "gone"
"""Where a session may be."""


@dataclass
class Write:
    """A commit that was sent.

    Attributes:
        events: The encoded events by their ids, in their order.
        messages: The encoded messages by their ids, in their order.
        expected_last: The sequence that was expected to be the newest; -1 for none at all; None when nothing was.
        sequences: The sequences that the server gave to the events; None as long as it has not acknowledged.
        refused: Whether the server said that it stored nothing of it, and nobody sent it again.
        unlike: What the server answered to a repeat, where that was not what it had answered before.
    """

    events: dict[str, bytes]
    messages: dict[str, bytes]
    expected_last: int | None = None
    sequences: dict[str, int] | None = None
    refused: bool = False
    unlike: str = ""

    @classmethod
    def of(cls, mutations: Sequence[pb.Mutation], expected_last: int | None = None) -> "Write":
        """The items of a commit that carry an id."""
        events = [mutation.append_event for mutation in mutations if mutation.HasField("append_event")]
        messages = [mutation.append_message for mutation in mutations if mutation.HasField("append_message")]
        return cls(
            {append.event_id: append.event.SerializeToString(deterministic=True) for append in events},
            {message.id: message.SerializeToString(deterministic=True) for message in messages},
            expected_last,
        )

    def acknowledge(self, response: pb.CommitResponse) -> None:
        """Notes what the server says it has stored, or had stored when it was asked before."""
        given = [result.append_event.sequence for result in response.results if result.HasField("append_event")]
        sequences = dict(zip(self.events, given, strict=True))
        if self.sequences is not None:
            if sequences != self.sequences:
                self.unlike = f"{sequences} after {self.sequences}"
            elif not response.already_applied:
                self.unlike = f"{sequences}, as if it were new"
        self.sequences = sequences


@dataclass(frozen=True)
class Frame:
    """A batch of a tail.

    Attributes:
        first: The first sequence that it accounts for.
        last: The last one.
        events: The sequences and ids of its events.
    """

    first: int
    last: int
    events: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Look:
    """What an answer said of where a session is.

    Attributes:
        seen: The places that the answer fits.
        possible: Where the session may have been between the call and its answer.
    """

    seen: frozenset[str]
    possible: frozenset[str]


@dataclass
class TailHistory:
    """A tail from the first event or from some moment on, over all of its reconnections.

    Attributes:
        types: The types that it asked for; empty for all.
        batches: What it accounted for, in the order in which it did.
        knows_batches: Whether the batches are those of the server; a client library gives the events one by one.
        pinned: The sequence after which it starts, as its first frame said, -1 for the first event; None for a tail
            that asked for all events, and for one that was not answered yet.
        acknowledged_before: The newest sequence that was acknowledged before it was opened; -1 for none.
        misbegun: The kind of the first frame of a tail from some moment on, where that was not the one that pins.
        whole: Whether it was followed to the last event of its session, and not only to what it accounted for.
        unexplained: How often the server ended it in good order and did not say why.
        stayed_open: How it is known that it went on although its session was archived; empty when it did not.
        skips: Whether it asked to be spared of what was deleted; one that did not is told of it.
        misrefused: Of what it was told that would have been deleted, and was not; empty when it was not.
    """

    types: tuple[str, ...] = ()
    batches: list[Frame] = field(default_factory=list)
    knows_batches: bool = True
    pinned: int | None = None
    acknowledged_before: int = -1
    misbegun: str | None = None
    whole: bool = True
    unexplained: int = 0
    stayed_open: str = ""
    skips: bool = True
    misrefused: str = ""

    @property
    def accounted(self) -> int | None:
        """The last sequence that it accounted for."""
        return self.batches[-1].last if self.batches else self.pinned

    def account(self, last: int, events: Iterable[tuple[int, str]] = (), first: int | None = None) -> None:
        """Takes in what a frame says: events with their range, or that there was none until a sequence."""
        following = 0 if self.accounted is None else self.accounted + 1
        if first is not None or last >= following:
            self.batches.append(Frame(following if first is None else first, last, tuple(events)))


@dataclass
class SessionHistory:
    """Everything that clients did to one session.

    Attributes:
        writes: The commits, in the order in which they were sent.
        tails: The tails.
        reads: The ids of the events that each complete read of the session gave.
        trim_sent: Before which sequence events were asked to be deleted, at most.
        trim_acknowledged: Before which the server said that they are.
        tool_calls: For each tool call the states that it may be in, after what was sent and acknowledged.
        places: Where the session may have been, from one step to the next: each that was sent adds a place, each that
            was acknowledged leaves one.
        looks: What answers said of where it is.
        ended_at: The sequence of its last event, as soon as that is acknowledged.
        replaced: Whether it was deleted, and another one has its id.
    """

    session_id: str
    writes: list[Write] = field(default_factory=list)
    tails: list[TailHistory] = field(default_factory=list)
    reads: list[list[str]] = field(default_factory=list)
    trim_sent: int = 0
    trim_acknowledged: int = 0
    tool_calls: dict[str, set[int]] = field(default_factory=dict)
    places: list[frozenset[str]] = field(default_factory=lambda: [frozenset({LIVE})])
    looks: list[Look] = field(default_factory=list)
    ended_at: int | None = None
    replaced: bool = False

    def note(self, mutations: Sequence[pb.Mutation], expected_last: int | None = None) -> Write:
        """Notes a commit that is about to be sent."""
        write = Write.of(mutations, expected_last)
        self.writes.append(write)
        return write

    def has_ended(self, accounted: int | None) -> bool:
        """Whether there is nothing more to come for a tail that accounted for this sequence."""
        return self.ended_at is not None and accounted is not None and accounted >= self.ended_at

    @property
    def newest_acknowledged(self) -> int:
        """The highest sequence that was acknowledged; -1 for none."""
        return max((max(write.sequences.values(), default=-1) for write in self.writes if write.sequences), default=-1)

    def send(self, place: str) -> None:
        """Notes that the session is about to be asked to be somewhere else."""
        self.places.append(self.places[-1] | {place})

    def arrive(self, place: str) -> None:
        """Notes that the server said that the session is there."""
        self.places.append(frozenset({place}))

    @property
    def moment(self) -> int:
        """What `look` needs to know of when a call began."""
        return len(self.places) - 1

    def look(self, since: int, *seen: str) -> None:
        """Notes an answer that fits these places, to a call that began at a moment."""
        self.looks.append(Look(frozenset(seen), frozenset().union(*self.places[since:])))
