"""What every transcript format must tell: how its entries read, and what they mean."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.importers.entry_commits import EntryCommit
from sessiond.importers.entry_json import Json, dump_json
from sessiond.importers.raw_entries import RawEntry
from sessionstore.v1.session_store_service_pb2 import CreateSessionRequest

__all__ = ["Dialect", "TranscriptFormat"]


class Dialect(ABC):
    """Understands the entries of one transcript, in their order. It may remember what later entries refer to."""

    @abstractmethod
    def entry_id(self, value: Json) -> str | None:
        """The id that the entry gives itself; None when it has none."""

    @abstractmethod
    def timestamp(self, value: Json) -> Timestamp | None:
        """The time that the entry gives itself; None when it has none."""

    @abstractmethod
    def raw_kind(self, value: Json) -> tuple[Json, ...]:
        """The parts of the type under which the entry is kept raw, after the name of the format."""

    def settled(self, value: Json) -> Json | None:
        """The entry without what its agent still changes in it once it is written; None when that is nothing."""
        return None

    def identity(self, value: Json, data: bytes) -> bytes:
        """What the id of an entry is made of that has none: its bytes, or what is settled of its value."""
        settled = self.settled(value)
        if settled is None:
            return data
        try:
            return dump_json(settled).encode()
        except RecursionError:
            return data

    @abstractmethod
    def translate(self, value: Json, message_id: str, commit: EntryCommit) -> None:
        """Adds to the commit the messages that the entry is made of; adds none when the model has no place for it.

        Args:
            value: The JSON value of the entry, of any type.
            message_id: The id for the entry's message; where there are several, the last of them.
            commit: What the entry becomes.
        """


class TranscriptFormat(ABC):
    """One format of transcripts."""

    name: ClassVar[str]
    """The name, which also begins the types of its custom events."""
    messages_member: ClassVar[str] = ""
    """The top-level key of the array that holds the conversation; empty for a file of lines."""

    @abstractmethod
    def read(self, path: Path) -> Iterator[RawEntry]:
        """Reads the entries one by one. Raises OSError when the file cannot be read."""

    @abstractmethod
    def describe_session(self, path: Path) -> CreateSessionRequest:
        """The session that the file is a transcript of. Raises OSError when the file cannot be read."""

    @abstractmethod
    def new_dialect(self) -> Dialect:
        """A dialect for one pass over the entries."""
