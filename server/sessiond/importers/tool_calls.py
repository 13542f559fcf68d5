"""Pairs tool calls with their results while a transcript is read, holding no more than the open calls."""

from collections import deque
from dataclasses import dataclass

from sessiond.importers.identifiers import Occurrences

__all__ = ["CallLedger", "OpenCall"]


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A tool call that has no result yet.

    Attributes:
        id: The id under which it is stored.
        name: The name of the tool.
        model: The model that asked for it; empty when it is not known.
    """

    id: str
    name: str
    model: str


class CallLedger:
    """The tool calls of a session, in the order of the transcript.

    A transcript may use one id for several calls. The first is stored under the id itself, the next as `<id>#2`, then
    `<id>#3`; a result belongs to the oldest call of its id that has none yet.
    """

    def __init__(self) -> None:
        self._ids = Occurrences()
        self._open: dict[str, deque[OpenCall]] = {}

    def open(self, transcript_id: str, name: str, model: str) -> OpenCall:
        """Notes a call."""
        call = OpenCall(self._ids.distinct(transcript_id), name, model)
        self._open.setdefault(transcript_id, deque()).append(call)
        return call

    def close(self, transcript_id: str) -> OpenCall | None:
        """The call that a result with this id belongs to, or None when no call of this id is open."""
        calls = self._open.get(transcript_id)
        if not calls:
            return None
        call = calls.popleft()
        if not calls:
            del self._open[transcript_id]
        return call

    def withdraw(self, transcript_id: str, call: OpenCall) -> None:
        """Forgets a call that was not stored after all; its results then belong to no call."""
        calls = self._open[transcript_id]
        calls.remove(call)
        if not calls:
            del self._open[transcript_id]
