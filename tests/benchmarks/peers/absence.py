"""Why a peer takes no part."""

import shutil
import subprocess
from pathlib import Path

__all__ = ["AbsentError", "program", "said_version"]


class AbsentError(Exception):
    """A peer is not here; the text tells why."""


def program(name: str, *folders: str) -> Path:
    """The path of a program, on the path or in one of the folders, newest first. Raises AbsentError."""
    if found := shutil.which(name):
        return Path(found)
    for pattern in folders:
        for candidate in sorted(Path("/").glob(f"{pattern.lstrip('/')}/{name}"), reverse=True):
            return candidate
    raise AbsentError(f"{name} is not installed")


def said_version(path: Path, *arguments: str) -> str:
    """The first line of what a program says of its version."""
    answer = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=10, check=False)
    return (answer.stdout or answer.stderr).strip().partition("\n")[0]
