"""Where the recorded sessions are, which are not part of the repository."""

import os
from pathlib import Path

__all__ = ["recorded_folder"]


def recorded_folder() -> Path | None:
    """The folder of recorded sessions, or None where there is none."""
    default = Path(__file__).resolve().parents[1] / ".." / "shared" / "data" / "transcripts"
    folder = Path(os.environ.get("SESSIOND_TRANSCRIPTS", default)).resolve()
    return folder if folder.is_dir() else None
