"""Libraries in C that are preloaded into a process, to stand between it and the operating system."""

import os
import subprocess
from pathlib import Path

__all__ = ["build_library"]


def build_library(source: Path, folder: Path) -> Path:
    """Compiles a library into a folder. Raises FileNotFoundError where there is no C compiler."""
    library = folder / source.with_suffix(".so").name
    compiler = os.environ.get("CC", "cc")
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl", "-lpthread"]
    subprocess.run(command, check=True)
    return library
