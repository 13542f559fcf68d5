"""What docs/agents.md tells to write, run as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.process import PATIENCE_SECONDS, DaemonProcess

PAGE = Path(__file__).resolve().parents[2] / "docs" / "agents.md"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The blocks of the page, one after the other."""
    written = tmp_path / "agent.py"
    written.write_text(
        "\n".join(re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)),
        encoding="utf-8",
    )
    return written


def test_the_page_can_be_run_from_its_start_to_its_end(program: Path, tmp_path: Path) -> None:
    """Each block does what the page says, with a new daemon."""
    with DaemonProcess(tmp_path) as daemon:
        ran = subprocess.run(
            [sys.executable, program],
            env={**os.environ, "SESSIOND_ADDRESS": daemon.address, "PYTHONWARNINGS": "error"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    assert (0, "", "0 m1\n3 m2\n6 m3\n") == (ran.returncode, ran.stderr, ran.stdout)


def test_the_page_holds_for_a_strict_type_checker(program: Path, tmp_path: Path) -> None:
    """Whoever copies it has no type to add."""
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(program)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path)
    assert 0 == checked.returncode, checked.stdout
