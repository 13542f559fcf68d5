"""The numbers of an import: what a file holds, and what of it was new to the store."""

from dataclasses import asdict, dataclass, field

from sessiond.importers.steps import Additions, Outcome, Step, count_additions
from sessionstore.v1.session_store_service_pb2 import CommitResponse, Mutation, MutationResult

__all__ = ["ImportTally", "Summary"]


@dataclass(slots=True)
class Summary:
    """What a transcript holds.

    Attributes:
        entries: The entries of the conversation: lines, or items of the one array that holds the messages. It is the
            sum of the next four.
        message_entries: Entries that became one or more messages, with their tool calls and events.
        raw_entries: Entries that were kept whole as custom events.
        skipped: Entries of which nothing is stored: blank lines, and repeats of an earlier entry of the same id.
        invalid: Entries that cannot be read; those beside the conversation count too.
        attachments: What lies beside the conversation in a file that is one JSON object, kept as custom events; not
            among the entries.
        adds: The messages, tool calls and events that all entries and attachments became.
    """

    entries: int = 0
    message_entries: int = 0
    raw_entries: int = 0
    skipped: int = 0
    invalid: int = 0
    attachments: int = 0
    adds: Additions = field(default_factory=Additions)

    def count(self, step: Step) -> None:
        """Adds an entry."""
        self.adds = self.adds + step.adds
        match step.outcome:
            case Outcome.MESSAGE:
                self.message_entries += 1
            case Outcome.KEPT_RAW:
                self.raw_entries += 1
            case Outcome.SKIPPED:
                self.skipped += 1
            case Outcome.INVALID:
                self.invalid += 1
            case Outcome.ATTACHMENT:
                self.attachments += 1
                return
            case Outcome.CONTINUATION:
                return
        self.entries += 1

    @property
    def adds_up(self) -> bool:
        """Whether every entry is in exactly one class, and what was stored agrees with the classes."""
        classes = self.message_entries + self.raw_entries + self.skipped + self.invalid
        stored_enough = (
            self.adds.messages >= self.message_entries
            and self.adds.customs >= self.message_entries + self.raw_entries + self.attachments
        )
        return self.entries == classes and stored_enough

    def as_dict(self) -> dict[str, int]:
        """The numbers by name, with those of `adds` among them."""
        numbers = asdict(self)
        adds: dict[str, int] = numbers.pop("adds")
        return {**numbers, **adds}


@dataclass(slots=True)
class ImportTally:
    """What an import of one file added to the store, and what it found there.

    Attributes:
        new: What was stored now.
        present: What had been stored before.
    """

    new: Additions = field(default_factory=Additions)
    present: Additions = field(default_factory=Additions)

    def count(self, step: Step, response: CommitResponse) -> None:
        """Adds the answer to a step's commit.

        Raises:
            ValueError: The answer is not one to this commit.
        """
        if step.commit is None or len(step.commit.mutations) != len(response.results):
            raise ValueError(f"the response does not answer the commit of {step.location}")
        new: list[Mutation] = []
        present: list[Mutation] = []
        for mutation, result in zip(step.commit.mutations, response.results, strict=True):
            (present if response.already_applied or _already_existed(result) else new).append(mutation)
        self.new = self.new + count_additions(new)
        self.present = self.present + count_additions(present)

    @property
    def added_anything(self) -> bool:
        """Whether anything was new."""
        return self.new != Additions()


def _already_existed(result: MutationResult) -> bool:
    kind = result.WhichOneof("kind")
    return kind is not None and bool(getattr(getattr(result, kind), "already_existed", False))
