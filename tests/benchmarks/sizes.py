"""How much each workload does, and how often."""

from dataclasses import dataclass

__all__ = ["Sizes"]


@dataclass(frozen=True)
class Sizes:
    """The sizes of one run.

    Attributes:
        rounds: How often each candidate does its work; the figures are medians of that.
        single: Appends one at a time, in a round.
        box_seconds: How long concurrent appenders go on, in a round.
        appenders: How many append at once.
        bulk: Events of a bulk load, in a round.
        batch: Events of a commit in a bulk load.
        tails: How many tails follow at once.
        channels: Over how many connections the tails are spread.
        shared_events: Events that each of the tails of one session sees, in a round.
        own_events: Events of each session when each tail has its own, in a round.
        replay: Events that one client reads.
        replay_rounds: How often it does.
        scale_events: Events of the filled database.
        scale_sessions: Sessions of the filled database.
        scale_few_sessions: Sessions of the database that its lists are compared with.
        scale_replay: Events that one client reads, when the filled database is compared with an empty one.
        lives: How many sessions are at work at a time, when the memory is watched for minutes.
        memory_minutes: How long it is watched.
        pages: How often each page of a list is asked for, in a round.
    """

    rounds: int = 5
    single: int = 400
    box_seconds: float = 2.0
    appenders: int = 64
    bulk: int = 50_000
    batch: int = 100
    tails: int = 1000
    channels: int = 4
    shared_events: int = 30
    own_events: int = 20
    replay: int = 1_000_000
    replay_rounds: int = 3
    scale_events: int = 1_000_000
    scale_sessions: int = 10_000
    scale_few_sessions: int = 1000
    scale_replay: int = 100_000
    lives: int = 16
    memory_minutes: float = 1.0
    pages: int = 60

    def __post_init__(self) -> None:
        """Raises ValueError for a filled database of which not every page of a list would be full."""
        if self.scale_sessions < self.scale_few_sessions or self.scale_events < self.scale_sessions:
            raise ValueError(f"a filled database has {self.scale_few_sessions:,} sessions at least, each with an event")

    @classmethod
    def quick(cls) -> "Sizes":
        """Small enough to prove that it runs; the figures mean nothing."""
        return cls(
            rounds=1,
            single=30,
            box_seconds=0.3,
            bulk=2000,
            tails=50,
            shared_events=5,
            own_events=5,
            replay=5000,
            replay_rounds=1,
            scale_events=6000,
            scale_sessions=2000,
            scale_replay=2000,
            memory_minutes=0.03,
            pages=3,
        )
