"""A sample of damaged logs: what is lost is told, but for the newest transaction."""

from pathlib import Path

import pytest

from tests.faults.corruption.log_campaign import run_log_campaign


@pytest.mark.timeout(180)
async def test_a_loss_by_a_damaged_log_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The start says so, and keeps the log; what the power can have cut is not told as damage."""
    findings = await run_log_campaign(tmp_path, pages=6, bits=1, seed=1)
    assert [] == findings.violations
    assert any(told == "told" for _, told, _ in findings.outcomes)
    assert "the log of the newest writes is damaged" in caplog.text
