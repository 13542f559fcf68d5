"""A recorded run, and the disks that a power cut at some point of it could leave."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

__all__ = ["Disk", "Record", "records"]

SECTOR_BYTES = 512


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that was done to one file.

    Attributes:
        kind: `write`, `truncate`, `sync`, `forget` (a sync that failed), `unlink` or `rename`.
        name: The name of the file in its folder.
        at: Where it was written, or the size that it was cut to.
        data: What was written.
        target: The new name.
    """

    kind: str
    name: str
    at: int = 0
    data: bytes = b""
    target: str = ""


def records(log: Path) -> Iterator[Record]:
    """What a log holds, in order."""
    data, at = log.read_bytes(), 0
    while at < len(data):
        end = data.index(b"\n", at)
        kind, _, rest = data[at:end].decode().partition(" ")
        at = end + 1
        match kind:
            case "write":
                offset, size, path = rest.split(" ", 2)
                yield Record(kind, PurePath(path).name, int(offset), data[at : at + int(size)])
                at += int(size)
            case "truncate":
                size, path = rest.split(" ", 1)
                yield Record(kind, PurePath(path).name, int(size))
            case "rename":
                source, target = rest.split("\t")
                yield Record(kind, PurePath(source).name, target=PurePath(target).name)
            case _:
                yield Record(kind, PurePath(rest).name)


@dataclass
class _File:
    synced: bytearray = field(default_factory=bytearray)
    unsynced: list[Record] = field(default_factory=list)
    seen: bytearray = field(default_factory=bytearray)
    """What the processes of a machine read that goes on."""


class Disk:
    """The files of one folder: of each what is surely on the disk, and what may be."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}

    def take(self, record: Record) -> None:
        """Follows the run by one record."""
        file = self._files.setdefault(record.name, _File())
        match record.kind:
            case "write" | "truncate":
                file.unsynced.append(record)
                _apply(file.seen, record)
            case "forget":
                # The operating system takes it for written, so that no later sync puts it onto the disk.
                file.unsynced.clear()
            case "sync":
                for change in file.unsynced:
                    _apply(file.synced, change)
                file.unsynced.clear()
            case "unlink":
                del self._files[record.name]
            case "rename":
                self._files[record.target] = self._files.pop(record.name)

    def lose_all(self) -> dict[str, bytes]:
        """Everything that was not synced is lost."""
        return {name: bytes(file.synced) for name, file in self._files.items()}

    def lose_nothing(self) -> dict[str, bytes]:
        """Everything reached the disk in time."""
        return {name: bytes(file.seen) for name, file in self._files.items()}

    def lose_some(self, chance: random.Random) -> dict[str, bytes]:
        """Of what was not synced some sectors reached the disk, whichever they are and whenever they were written."""
        share = chance.choice((0.1, 0.5, 0.9))
        return self._kept(lambda _: chance.random() < share)

    def lose_the_newest(self, chance: random.Random) -> dict[str, bytes]:
        """What was not synced reached the disk up to some sector, in the order in which it was written."""
        left = chance.randint(0, 40)

        def keep(_: int) -> bool:
            nonlocal left
            left -= 1
            return left >= 0

        return self._kept(keep)

    def _kept(self, keep: Callable[[int], bool]) -> dict[str, bytes]:
        kept: dict[str, bytes] = {}
        for name, file in self._files.items():
            content = bytearray(file.synced)
            for change in file.unsynced:
                for sector in _sectors(change):
                    if keep(sector.at):
                        _apply(content, sector)
            kept[name] = bytes(content)
        return kept


def _sectors(change: Record) -> Iterator[Record]:
    if change.kind != "write":
        yield change
        return
    at, data = change.at, change.data
    while data:
        size = SECTOR_BYTES - at % SECTOR_BYTES
        yield Record("write", change.name, at, data[:size])
        at, data = at + len(data[:size]), data[size:]


def _apply(content: bytearray, change: Record) -> None:
    if change.kind == "truncate":
        del content[change.at :]
        content.extend(bytes(change.at - len(content)))
        return
    if change.at > len(content):
        content.extend(bytes(change.at - len(content)))
    content[change.at : change.at + len(change.data)] = change.data
