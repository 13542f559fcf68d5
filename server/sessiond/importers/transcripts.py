"""A transcript: one session, read entry by entry, each entry turned into one commit.

An entry that breaks a limit of the store is kept raw, in fragments when it is large; the tool calls that it ends are
ended nevertheless.
"""

from collections.abc import Iterator
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.contract.limits import Limits
from sessiond.contract.requests import check_commit
from sessiond.importers.dialects import TranscriptFormat
from sessiond.importers.entry_commits import EntryCommit
from sessiond.importers.entry_json import InvalidEntryError, ParsedEntry, parse_entry
from sessiond.importers.identifiers import (
    MAX_BASE_BYTES,
    Occurrences,
    content_id,
    digest64,
    event_type_name,
    usable_id,
)
from sessiond.importers.raw_entries import RawEntry
from sessiond.importers.steps import Outcome, Step, count_additions
from sessiond.importers.summary import Summary
from sessiond.importers.tool_calls import CallLedger
from sessiond.store.errors import InvalidRequestError, TooLargeError
from sessionstore.v1.session_store_service_pb2 import CommitRequest, CreateSessionRequest

__all__ = ["Transcript"]

FRAGMENT_BYTES = 1024 * 1024
_LIMITS = Limits()
_ROOM_BYTES = 1024
"""Beside the bytes themselves an event holds its type and its time, and a commit the ends of the entry's calls."""


class Transcript:
    """One transcript, which is one session.

    Attributes:
        path: The file.
        name: How to call the file when talking to a person.
        format_name: The format: `claude-code`, `codex`, `swe-agent` or `mini-swe-agent`.
        create: The request that creates the session; the same however far the transcript has grown.
        size_bytes: The size of the file when it was opened.
        summary: The numbers of the entries that the newest pass has read; complete when the pass has ended.
    """

    def __init__(self, path: Path, name: str, transcript_format: TranscriptFormat) -> None:
        self.path = path
        self.name = name
        self.format_name = transcript_format.name
        self.size_bytes = path.stat().st_size
        self.create: CreateSessionRequest = transcript_format.describe_session(path)
        self.summary = Summary()
        self._format = transcript_format

    @property
    def session_id(self) -> str:
        """The id of the session."""
        return self.create.session_id

    def steps(self, limits: Limits = _LIMITS) -> Iterator[Step]:
        """Reads the transcript from its beginning, one step for each entry, and counts them in `summary`.

        Args:
            limits: Those of the store. An entry that is beyond them is kept raw.

        Raises:
            OSError: The file cannot be read.
        """
        summary = self.summary = Summary()
        for step in _Pass(self.session_id, self._format, limits).steps(self._format.read(self.path)):
            summary.count(step)
            yield step


class _Pass:
    """One pass over the entries of a transcript."""

    def __init__(self, session_id: str, transcript_format: TranscriptFormat, limits: Limits) -> None:
        self._session_id = session_id
        self._limits = limits
        # A limit may be as small as the room that is left by others.
        self._max_raw_bytes = limits.max_item_bytes - min(_ROOM_BYTES, limits.max_item_bytes // 2)
        self._format = transcript_format
        self._dialect = transcript_format.new_dialect()
        self._calls = CallLedger()
        self._occurrences = Occurrences()
        self._contents_by_id: dict[int, int] = {}

    def steps(self, entries: Iterator[RawEntry]) -> Iterator[Step]:
        for entry in entries:
            if entry.error is not None:
                yield _step(entry, Outcome.INVALID, error=entry.error)
            elif not entry.data:
                yield _step(entry, Outcome.SKIPPED)
            elif entry.member != self._format.messages_member:
                yield from self._attachment_steps(entry)
            else:
                yield from self._entry_steps(entry)

    def _attachment_steps(self, entry: RawEntry) -> Iterator[Step]:
        try:
            parse_entry(entry.data)
        except InvalidEntryError as error:
            yield _step(entry, Outcome.INVALID, error=str(error))
            return
        base_id = self._occurrences.distinct(content_id(entry.member.encode(), entry.data))
        event_type = event_type_name(self._format.name, entry.member)
        yield from self._raw_steps(entry, self._new_commit(base_id, None), event_type, Outcome.ATTACHMENT)

    def _entry_steps(self, entry: RawEntry) -> Iterator[Step]:
        try:
            parsed = parse_entry(entry.data)
        except InvalidEntryError as error:
            yield _step(entry, Outcome.INVALID, error=str(error))
            return
        own_id = usable_id(self._dialect.entry_id(parsed.value))
        is_first_of_id = True
        if own_id is not None:
            content = digest64(entry.data)
            first_content = self._contents_by_id.setdefault(digest64(own_id.encode()), content)
            is_first_of_id = first_content == content
            if is_first_of_id and self._occurrences.number(own_id) > 1:
                yield _step(entry, Outcome.SKIPPED)
                return
        base_id = usable_id(own_id, MAX_BASE_BYTES) if is_first_of_id else None
        if base_id is None:
            identity = self._dialect.identity(parsed.value, entry.data)
            base_id = self._occurrences.distinct(content_id(identity))
        timestamp = self._dialect.timestamp(parsed.value)
        commit = self._new_commit(base_id, timestamp)
        if is_first_of_id:
            requests = self._translated(entry, parsed, own_id or base_id, commit)
            if requests:
                for number, request in enumerate(requests):
                    yield _step(entry, Outcome.CONTINUATION if number else Outcome.MESSAGE, request)
                return
            commit = commit.reduced()
        event_type = event_type_name(self._format.name, *self._dialect.raw_kind(parsed.value))
        yield from self._raw_steps(entry, commit, event_type, Outcome.KEPT_RAW)

    def _translated(
        self, entry: RawEntry, parsed: ParsedEntry, message_id: str, commit: EntryCommit
    ) -> list[CommitRequest]:
        """The commits of an entry that becomes messages; none when it becomes none, or the store would refuse them."""
        requests = []
        version = ""
        try:
            self._dialect.translate(parsed.value, message_id, commit)
            if not commit.messages:
                return []
            if self._dialect.settled(parsed.value) not in (None, parsed.value):
                # The messages are the same in each version that the agent writes of the entry. So they have a commit
                # of their own, which every version repeats, and only what else it says is new.
                requests.append(commit.cut())
                version = content_id(entry.data)
            commit.add_remainder(event_type_name(self._format.name, "entry"), parsed, entry.data, version)
            requests.append(commit.as_request())
            for request in requests:
                check_commit(request, self._limits)
        except (InvalidRequestError, TooLargeError, RecursionError):
            return []
        return requests

    def _raw_steps(self, entry: RawEntry, commit: EntryCommit, event_type: str, outcome: Outcome) -> Iterator[Step]:
        if len(entry.data) <= self._max_raw_bytes:
            commit.add_raw(event_type, entry.data)
            yield _step(entry, outcome, commit.as_request())
            return
        fragment_type = event_type_name(self._format.name, "fragment")
        fragment_bytes = min(FRAGMENT_BYTES, self._max_raw_bytes)
        for start in range(0, len(entry.data), fragment_bytes):
            commit.add_fragment(fragment_type, entry.data[start : start + fragment_bytes])
            yield _step(entry, outcome, commit.as_request())
            commit = commit.further()
            outcome = Outcome.CONTINUATION

    def _new_commit(self, base_id: str, timestamp: Timestamp | None) -> EntryCommit:
        return EntryCommit(session_id=self._session_id, base_id=base_id, timestamp=timestamp, calls=self._calls)


def _step(entry: RawEntry, outcome: Outcome, commit: CommitRequest | None = None, error: str | None = None) -> Step:
    location = f"line {entry.line}"
    if entry.member:
        place = "" if entry.index is None else f"[{entry.index}]"
        location += f", {entry.member}{place}"
    adds = count_additions(() if commit is None else commit.mutations)
    return Step(location, entry.line, entry.end_offset, outcome, commit, adds, error)
