"""What a filled database holds: each session is told by its number alone, so that whoever reads it can check it."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from uuid import UUID

from sessionstore.v1.event_pb2 import Event
from sessionstore.v1.message_pb2 import Message
from sessionstore.v1.session_pb2 import LocalWorkspace, SessionConfig, SessionStatus, Workspace
from tests.benchmarks.events import EVENT
from tests.builders import complete, said, user_message

__all__ = ["COMPLETE", "HUNDRED", "Contents", "FilledSession"]

AT_ONCE = 64
"""So many sessions are at work at a time: their events lie between each other's."""

HUNDRED = 100
"""Each value of the metadata key `ticket` is held by so many sessions, however many there are."""

MODELS = ("large-2", "small-2", "tiny-1")
COMPLETE = {model: complete(model) for model in MODELS}
"""The newest event of each session, by its model: the only one that names it."""

MAX_MESSAGES = 8
BEGIN_US = 1_700_000_000_000_000
STEP_US = 1000


@dataclass(frozen=True)
class FilledSession:
    """One session.

    Attributes:
        created_at_us: When it was created; grows with the number.
        updated_at_us: When somebody last changed it, some of them long after their newest event.
        events: How many it has; the newest one names the model.
    """

    id: str
    config: SessionConfig
    status: SessionStatus
    created_at_us: int
    updated_at_us: int
    model: str
    messages: int
    events: int

    def message(self, sequence: int) -> Message:
        """One of its messages."""
        text = f"message {sequence} of {self.id} "
        make = said if sequence % 2 else user_message
        return make(f"m{sequence}", text * 5)

    def event(self, sequence: int) -> Event:
        """One of its events: of 200 bytes, but for the last one."""
        return COMPLETE[self.model] if sequence == self.events - 1 else EVENT


@dataclass(frozen=True)
class Contents:
    """How much there is.

    Attributes:
        sessions: How many sessions.
        events: How many events each has.
    """

    sessions: int
    events: int

    def session(self, number: int) -> FilledSession:
        """A session by its number, from 0."""
        random = Random(number)
        span_us = self.sessions * self.events * STEP_US
        created_at_us = BEGIN_US + number * self.events * STEP_US
        # Somebody comes back to one session of four: the order of updates is another than that of creation.
        later_us = random.randrange(span_us + 1) if random.random() < 0.25 else 0
        return FilledSession(
            id=str(UUID(int=random.getrandbits(128), version=4)),
            config=SessionConfig(
                workspace=Workspace(local=LocalWorkspace(path=f"/home/user/project-{number % 40}")),
                system_prompt="You are a careful programmer. " * 8,
                metadata=self.metadata(number),
            ),
            status=SessionStatus.SESSION_STATUS_INACTIVE if number % 8 else SessionStatus.SESSION_STATUS_ACTIVE,
            created_at_us=created_at_us,
            updated_at_us=created_at_us + 2 * AT_ONCE * self.events * STEP_US + later_us,
            model=self.model(number),
            messages=random.randint(1, MAX_MESSAGES),
            events=self.events,
        )

    def model(self, number: int) -> str:
        """The model of a session."""
        return MODELS[number % len(MODELS)]

    def metadata(self, number: int) -> dict[str, str]:
        """The labels of a session: from one that half of all have to one that a hundred have."""
        return {
            "team": f"team-{number % 2}",
            "language": f"language-{number % 10}",
            "ticket": f"ticket-{number % max(1, self.sessions // HUNDRED)}",
            "era": f"era-{number * 10 // self.sessions}",
        }

    def stored_at_us(self, position: int) -> int:
        """When the event of a position was stored: after its session was created, before that was last changed."""
        return BEGIN_US + (AT_ONCE * self.events + position) * STEP_US

    def in_order_of_events(self) -> Iterator[tuple[int, int]]:
        """The number and the sequence of each event, in the order of the positions."""
        for first in range(0, self.sessions, AT_ONCE):
            group = range(first, min(first + AT_ONCE, self.sessions))
            for sequence in range(self.events):
                for number in group:
                    yield number, sequence
