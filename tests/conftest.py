"""What every tier of tests shares."""

from pathlib import Path

import pytest

from tests.recorded_sessions import recorded_folder


@pytest.fixture(scope="session")
def transcripts() -> Path:
    """The folder of recorded sessions; the tests that need it are skipped where it is absent."""
    folder = recorded_folder()
    if folder is None:
        pytest.skip("no recorded sessions; set SESSIOND_TRANSCRIPTS to a folder of them")
    return folder
