"""What docs/operations.md tells to type and to install."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.recipes import Page, typing_user

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


def test_the_questions_are_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of the page, as they stand there."""
    with typing_user(tmp_path, monkeypatch) as shell:
        answered = shell.answers(Page("operations.md").block("sessiond ping"))
    assert "serves at unix:" in answered
    assert '"open_tails": 0' in answered


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_unit_is_one_that_systemd_knows(tmp_path: Path) -> None:
    """It has no key and no value that would be ignored."""
    (text,) = re.findall(r"^```ini\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    command = tmp_path / ".venv" / "bin" / "sessiond"
    command.parent.mkdir(parents=True)
    command.touch(mode=0o755)
    unit = tmp_path / "sessiond.service"
    unit.write_text(text, encoding="utf-8")
    checked = subprocess.run(
        ["systemd-analyze", "--user", "verify", unit],
        env={"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (0, "") == (checked.returncode, checked.stdout + checked.stderr)
