"""What an importer says of each entry: where it lies, what became of it, and what to store."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sessionstore.v1.session_store_service_pb2 import CommitRequest, Mutation

__all__ = ["Additions", "Outcome", "Problem", "Step", "count_additions"]


class Outcome(StrEnum):
    """What became of an entry. Each entry has exactly one outcome."""

    MESSAGE = "message"
    """It became one or more messages, with what follows from them: tool calls, results and events."""
    KEPT_RAW = "kept_raw"
    """It became a custom event that holds its bytes, because the model has no place for it."""
    SKIPPED = "skipped"
    """Nothing is stored of it: the line is blank, or repeats an earlier entry of the same id to the byte."""
    INVALID = "invalid"
    """It cannot be read; `Step.error` says why."""
    ATTACHMENT = "attachment"
    """It is no entry of the conversation but lies beside it in the file, and became a custom event."""
    CONTINUATION = "continuation"
    """It is no entry but a further part of the one before, which is too large for one commit."""


@dataclass(frozen=True, slots=True)
class Additions:
    """What is in a commit.

    Attributes:
        messages: The messages.
        tool_calls: The tool calls that begin.
        tool_results: The messages that hold a tool's result.
        tool_errors: The tool calls that fail.
        events: The events other than custom ones.
        customs: The custom events.
    """

    messages: int = 0
    tool_calls: int = 0
    tool_results: int = 0
    tool_errors: int = 0
    events: int = 0
    customs: int = 0

    def __add__(self, other: "Additions") -> "Additions":
        return Additions(
            self.messages + other.messages,
            self.tool_calls + other.tool_calls,
            self.tool_results + other.tool_results,
            self.tool_errors + other.tool_errors,
            self.events + other.events,
            self.customs + other.customs,
        )


def count_additions(mutations: Iterable[Mutation]) -> Additions:
    """Counts what the mutations would add to an empty session."""
    messages = tool_calls = tool_results = tool_errors = events = customs = 0
    for mutation in mutations:
        match mutation.WhichOneof("kind"):
            case "append_message":
                messages += 1
                tool_results += mutation.append_message.WhichOneof("role") == "tool"
            case "create_tool_call":
                tool_calls += 1
            case "append_event":
                kind = mutation.append_event.event.WhichOneof("kind")
                customs += kind == "custom"
                events += kind != "custom"
                tool_errors += kind == "tool_call_failed"
            case _:
                pass
    return Additions(messages, tool_calls, tool_results, tool_errors, events, customs)


@dataclass(frozen=True, slots=True)
class Problem:
    """An entry that cannot be imported.

    Attributes:
        location: Where it lies in its file, such as `line 17` or `line 17, history[3]`.
        line: The number of the line on which it begins, from 1.
        error: What is wrong with it.
    """

    location: str
    line: int
    error: str


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a transcript.

    Attributes:
        location: Where it lies in its file, such as `line 17` or `line 17, history[3]`.
        line: The number of the line on which it begins, from 1.
        end_offset: The number of bytes of the file that have been read, for a progress bar.
        outcome: What became of the entry.
        commit: What to store; None for an entry of which nothing is stored. Repeating it changes nothing.
        adds: What is in the commit.
        error: Why an invalid entry cannot be imported; None for the others.
    """

    location: str
    line: int
    end_offset: int
    outcome: Outcome
    commit: CommitRequest | None = None
    adds: Additions = Additions()
    error: str | None = None

    @property
    def problem(self) -> Problem | None:
        """What is wrong with the entry, or None."""
        return None if self.error is None else Problem(self.location, self.line, self.error)
