"""The importers as targets: whatever a file holds, its entries are accounted for, and what is stored is acceptable."""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from random import Random

from sessiond.cli.text import visible
from sessiond.contract.limits import Limits
from sessiond.contract.requests import check_commit, check_request
from sessiond.importers import (
    Outcome,
    Step,
    Transcript,
    UnknownFormatError,
    open_transcript,
    rebuild_entry,
    remainder_message_ids,
)
from sessiond.importers.claude_code import ClaudeCodeFormat
from sessiond.importers.codex import CodexFormat
from sessiond.importers.dialects import TranscriptFormat
from sessiond.importers.entry_json import parse_entry
from sessiond.importers.json_members import TornFileError
from sessiond.importers.mini_swe_agent import MiniSweAgentFormat
from sessiond.importers.raw_entries import RawEntry
from sessiond.importers.swe_agent import SweAgentFormat
from sessionstore.v1.event_pb2 import CustomEvent
from sessionstore.v1.session_store_service_pb2 import Mutation
from tests.fuzz.guided.json_mutations import mutated_json
from tests.fuzz.guided.targets import Target
from tests.fuzz.model_commits import apply_commit
from tests.fuzz.model_sessions import ModelSession

__all__ = ["IMPORTERS", "ImporterTarget"]

_LIMITS = Limits()
_NUMBER, _WORDS = re.compile(r"\d+"), re.compile(r"[\w ,;-]*")
CLOSER_LOOKS = 4
"""Of so many inputs one is imported into a model of the store, and its entries are rebuilt."""

SECOND_PASSES = 16
"""Of so many inputs one is read a second time."""


class ImporterTarget(Target):
    """Reads a file as a transcript of a format, or of the one that its content tells."""

    max_bytes = 1536

    def __init__(self, folder: Path, transcript_format: Callable[[], TranscriptFormat] | None) -> None:
        super().__init__(folder)
        self._path = folder / "transcript"
        self._format = transcript_format
        self._taken = 0

    def take(self, data: bytes) -> None:
        """See Target."""
        self._taken += 1
        self._path.write_bytes(data)
        try:
            transcript = self._opened()
        except UnknownFormatError as error:
            str(error).encode()
            self.refusals["unknown format"] += 1
            return
        except TornFileError as error:
            self.refusals[_told(str(error))] += 1
            return
        check_request(transcript.create, _LIMITS)
        steps = list(transcript.steps())
        self._check_summary(transcript, steps)
        _check_commits(steps)
        if self._taken % CLOSER_LOOKS == 0:
            _check_imports(transcript, steps)
            if self._format is not None:
                _check_rebuilding(self._format().read(self._path), steps)
        if self._taken % SECOND_PASSES == 0:
            _check_repeat(steps, list(transcript.steps()))
        self.accepted += 1

    def mutated(self, data: bytes, chance: Random) -> bytes | None:
        """See Target."""
        return mutated_json(data, chance)

    def _opened(self) -> Transcript:
        if self._format is None:
            return open_transcript(self._path, root=self.folder)
        return Transcript(self._path, "transcript", self._format())

    def _check_summary(self, transcript: Transcript, steps: list[Step]) -> None:
        if not transcript.summary.adds_up:
            raise AssertionError("the summary does not add up")
        for step in steps:
            if (problem := step.problem) is not None:
                self.refusals[_told(problem.error)] += 1
                visible(f"{problem.location}: {problem.error}").encode()  # as the command shows it


def _told(error: str) -> str:
    """What is wrong with an entry, without what is found in it."""
    words = _WORDS.match(_NUMBER.sub("N", error))
    return "" if words is None else words.group().strip()


def _check_commits(steps: Iterable[Step]) -> None:
    """The store takes each of the commits, and no id stands for two things."""
    seen: set[tuple[str, str]] = set()
    for step in steps:
        if step.commit is None:
            continue
        check_commit(step.commit, _LIMITS)
        for mutation in step.commit.mutations:
            identity = _identity(mutation)
            if identity is not None and identity in seen:
                raise AssertionError(f"{identity[0]} has an id that was given before")
            if identity is not None:
                seen.add(identity)


def _identity(mutation: Mutation) -> tuple[str, str] | None:
    match mutation.WhichOneof("kind"):
        case "append_message":
            return "message", mutation.append_message.id
        case "create_tool_call":
            return "tool call", mutation.create_tool_call.id
        case "append_event":
            return "event", mutation.append_event.event_id
        case _:
            return None


def _check_imports(transcript: Transcript, steps: Iterable[Step]) -> None:
    """The store refuses none of the commits, and takes those of a second import for repeats."""
    session = ModelSession(transcript.session_id, None, transcript.create.config, 0)
    for now_us in (1, 2):
        for commit in (step.commit for step in steps if step.commit is not None):
            if apply_commit(session, commit, now_us).already_applied != (now_us == 2):
                raise AssertionError("a commit is a repeat at its first time, or none at its second")


def _check_rebuilding(entries: Iterable[RawEntry], steps: Iterable[Step]) -> None:
    """An entry that became messages comes back in its value."""
    data = {entry.end_offset: entry.data for entry in entries}
    for end_offset, of_entry in groupby(steps, key=lambda step: step.end_offset):
        first, *further = of_entry
        if first.outcome is not Outcome.MESSAGE:
            continue
        commits = [step.commit for step in (first, *further) if step.commit is not None]
        mutations = [mutation for commit in commits for mutation in commit.mutations]
        appended = (item.append_message for item in mutations if item.HasField("append_message"))
        messages = {message.id: message for message in appended}
        (kept,) = (custom for custom in map(_custom, mutations) if custom.type.endswith("/entry"))
        with suppress(RecursionError):  # the entry may be nested as deeply as can be read just so
            rebuilt = rebuild_entry(kept.data, [messages[name] for name in remainder_message_ids(kept.data)])
            if parse_entry(rebuilt.encode()).value != parse_entry(data[end_offset]).value:
                raise AssertionError("an entry does not come back")


def _custom(mutation: Mutation) -> CustomEvent:
    return mutation.append_event.event.custom


def _check_repeat(first: list[Step], second: list[Step]) -> None:
    """A second pass makes the same commits, so that an import can be repeated."""
    if [step.commit for step in first] != [step.commit for step in second]:
        raise AssertionError("a second pass makes other commits")


def _importer(transcript_format: type[TranscriptFormat] | None) -> Callable[[Path], Target]:
    return lambda folder: ImporterTarget(folder, transcript_format)


IMPORTERS: dict[str, Callable[[Path], Target]] = {
    "claude-code": _importer(ClaudeCodeFormat),
    "codex": _importer(CodexFormat),
    "swe-agent": _importer(SweAgentFormat),
    "mini-swe-agent": _importer(MiniSweAgentFormat),
    "detection": _importer(None),
}
"""By the name of the target."""
