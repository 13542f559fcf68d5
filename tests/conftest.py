"""What every tier of tests shares."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def transcripts() -> Path:
    """The folder of recorded sessions; the tests that need it are skipped where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data" / "transcripts"
    folder = Path(os.environ.get("SESSIOND_TRANSCRIPTS", default))
    if not folder.is_dir():
        pytest.skip(f"no recorded sessions at {folder}; set SESSIOND_TRANSCRIPTS to a folder of them")
    return folder
