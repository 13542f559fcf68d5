"""Names for files that somebody may want back: none takes the place of another."""

from pathlib import Path

__all__ = ["unused_name"]


def unused_name(path: Path) -> Path:
    """The path, or with a number behind it that makes it one of no file."""
    found, number = path, 0
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}.{number}")
    return found
