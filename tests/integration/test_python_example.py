"""The example in Python, as somebody who copies it runs it first."""

import subprocess
import sys
from pathlib import Path

from tests.integration.process import PATIENCE_SECONDS

EXAMPLE = Path(__file__).parents[2] / "examples" / "python" / "main.py"


def run_example(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLE), *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def test_an_error_of_a_call_is_one_line(tmp_path: Path) -> None:
    """The status and what it says, as where no daemon listens."""
    done = run_example("write", f"unix:{tmp_path}/none.sock", "try")
    assert (1, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("UNAVAILABLE: ")
    assert 1 == len(done.stderr.splitlines())
