"""Finds the transcripts among files and folders."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sessiond.importers.detection import UnknownFormatError, open_transcript
from sessiond.importers.transcripts import Transcript

__all__ = ["FoundFile", "find_transcripts"]


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that was given, or found in a folder that was given.

    Attributes:
        path: The file.
        transcript: The transcript; None when it is not one, or cannot be read.
        error: Why there is no transcript; None when there is one.
        was_named: Whether the file itself was given, so that its being no transcript is a mistake, and not only a file
            among others in a folder.
        was_read: Whether it could be read. It may be a folder when it could not, whose transcripts are then missing.
    """

    path: Path
    transcript: Transcript | None
    error: str | None
    was_named: bool
    was_read: bool = True


def find_transcripts(paths: Iterable[Path]) -> Iterator[FoundFile]:
    """Opens the files given, and all files below the folders given, in the order of their names.

    A file that is met twice is yielded once. Links to folders below a given folder are not followed, and what is
    neither a file nor a folder, such as a pipe, is passed over there. A folder that cannot be read is yielded itself.
    """
    met: set[Path] = set()
    for path in paths:
        is_folder = path.is_dir()
        for file, error in _files_below(path) if is_folder else ((path, None),):
            place = file.resolve()
            if place not in met:
                met.add(place)
                was_named = not is_folder
                yield _opened(file, was_named) if error is None else _unreadable(file, error, was_named)


def _files_below(folder: Path) -> Iterator[tuple[Path, OSError | None]]:
    """The files, and with its error whatever keeps its files to itself."""
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        try:
            is_file = path.is_file()
            if not is_file and path.is_dir() and (path is folder or not path.is_symlink()):
                waiting += sorted(path.iterdir(), reverse=True)
        except OSError as error:
            # It cannot be listed, or lies in a folder that can be listed, but not searched.
            yield path, error
            continue
        if is_file:
            yield path, None


def _opened(path: Path, was_named: bool) -> FoundFile:
    try:
        return FoundFile(path, open_transcript(path), None, was_named)
    except UnknownFormatError as error:
        return FoundFile(path, None, str(error), was_named)
    except OSError as error:
        return _unreadable(path, error, was_named)
    except RecursionError:
        # Where an entry names no session, the id is made of what it says, which may be nested too deeply for that.
        return FoundFile(path, None, f"{path}: its first entry is nested too deeply", was_named, was_read=False)


def _unreadable(path: Path, error: OSError, was_named: bool) -> FoundFile:
    return FoundFile(path, None, f"{path}: {error.strerror or error}", was_named, was_read=False)
