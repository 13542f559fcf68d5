"""What every tier of tests shares."""

import signal
from pathlib import Path

import pytest

from tests.recorded_sessions import recorded_folder

# A shell lets what it starts in the background ignore interrupts, and so would everything that the tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def transcripts() -> Path:
    """The folder of recorded sessions; the tests that need it are skipped where it is absent."""
    folder = recorded_folder()
    if folder is None:
        pytest.skip("no recorded sessions; set SESSIOND_TRANSCRIPTS to a folder of them")
    return folder
