"""What clients saw: every write with its answer, every frame of a tail, every read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["Frame", "SessionHistory", "TailHistory", "Write"]


@dataclass
class Write:
    """A commit that was sent.

    Attributes:
        events: The encoded events by their ids, in their order.
        messages: The encoded messages by their ids, in their order.
        expected_last: The sequence that was expected to be the newest; -1 for none at all; None when nothing was.
        sequences: The sequences that the server gave to the events; None as long as it has not acknowledged.
    """

    events: dict[str, bytes]
    messages: dict[str, bytes]
    expected_last: int | None = None
    sequences: dict[str, int] | None = None

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
        """Notes what the server says it has stored."""
        given = [result.append_event.sequence for result in response.results if result.HasField("append_event")]
        self.sequences = dict(zip(self.events, given, strict=True))


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


@dataclass
class TailHistory:
    """A tail from the first event on, over all of its reconnections.

    Attributes:
        types: The types that it asked for; empty for all.
        batches: What it accounted for, in the order in which it did.
        knows_batches: Whether the batches are those of the server; a client library gives the events one by one.
    """

    types: tuple[str, ...] = ()
    batches: list[Frame] = field(default_factory=list)
    knows_batches: bool = True

    @property
    def accounted(self) -> int | None:
        """The last sequence that it accounted for."""
        return self.batches[-1].last if self.batches else None

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
        deletion_sent: Whether it was asked to delete the session.
        deletion_acknowledged: Whether the server said that it did.
    """

    session_id: str
    writes: list[Write] = field(default_factory=list)
    tails: list[TailHistory] = field(default_factory=list)
    reads: list[list[str]] = field(default_factory=list)
    trim_sent: int = 0
    trim_acknowledged: int = 0
    tool_calls: dict[str, set[int]] = field(default_factory=dict)
    deletion_sent: bool = False
    deletion_acknowledged: bool = False

    def note(self, mutations: Sequence[pb.Mutation], expected_last: int | None = None) -> Write:
        """Notes a commit that is about to be sent."""
        write = Write.of(mutations, expected_last)
        self.writes.append(write)
        return write
