"""What the operating system says of this process."""

import os
from pathlib import Path

__all__ = ["open_descriptors", "resident_memory_bytes"]

_MEMORY = Path("/proc/self/statm")
_DESCRIPTORS = Path("/dev/fd")


def resident_memory_bytes() -> int | None:
    """The memory that the process has in use; None where the system does not tell."""
    try:
        pages = int(_MEMORY.read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_descriptors() -> int | None:
    """The files and connections that are open; None where the system does not tell."""
    try:
        # Looking takes a descriptor too.
        return len(os.listdir(_DESCRIPTORS)) - 1  # noqa: PTH208 - no paths are wanted
    except OSError:
        return None
