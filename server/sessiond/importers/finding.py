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
    """

    path: Path
    transcript: Transcript | None
    error: str | None
    was_named: bool


def find_transcripts(paths: Iterable[Path]) -> Iterator[FoundFile]:
    """Opens the files given, and all files below the folders given, in the order of their names.

    A file that is met twice is yielded once. Links to folders below a given folder are not followed.
    """
    met: set[Path] = set()
    for path in paths:
        is_folder = path.is_dir()
        for file in _files_below(path) if is_folder else (path,):
            place = file.resolve()
            if place not in met:
                met.add(place)
                yield _opened(file, was_named=not is_folder)


def _files_below(folder: Path) -> Iterator[Path]:
    try:
        children = sorted(folder.iterdir())
    except OSError:
        return
    for child in children:
        if child.is_dir():
            if not child.is_symlink():
                yield from _files_below(child)
        elif child.is_file():
            yield child


def _opened(path: Path, *, was_named: bool) -> FoundFile:
    try:
        return FoundFile(path, open_transcript(path), None, was_named)
    except UnknownFormatError as error:
        return FoundFile(path, None, str(error), was_named)
    except OSError as error:
        return FoundFile(path, None, f"{path}: {error.strerror or error}", was_named)
