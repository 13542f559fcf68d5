"""How long the client waits between tries."""

import pytest

from sessionstore.backoff import FIRST_DELAY_SECONDS, LAST_DELAY_SECONDS, Backoff


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits, which are noted and not made."""
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("sessionstore.backoff.asyncio.sleep", note)
    return waits


async def test_each_wait_is_longer_up_to_a_limit(slept: list[float]) -> None:
    """The waits double, within their jitter, and stay below the limit."""
    backoff = Backoff(None)
    for _ in range(12):
        await backoff.wait_after(OSError())
    limits = [min(FIRST_DELAY_SECONDS * 2**turn, LAST_DELAY_SECONDS) for turn in range(12)]
    assert all(limit / 2 <= wait <= limit for wait, limit in zip(slept, limits, strict=True))


async def test_success_begins_anew(slept: list[float]) -> None:
    """After progress the next wait is short again."""
    backoff = Backoff(60)
    for _ in range(6):
        await backoff.wait_after(OSError())
    backoff.succeeded()
    await backoff.wait_after(OSError())
    assert slept[-1] <= FIRST_DELAY_SECONDS < slept[-2]


@pytest.mark.usefixtures("slept")
async def test_the_failure_is_raised_after_the_time_to_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the newest failure, and the first one after that time."""
    clock = iter(range(100))
    monkeypatch.setattr("sessionstore.backoff.monotonic", lambda: next(clock))
    backoff = Backoff(3)
    for number in range(3):
        await backoff.wait_after(OSError(f"failure {number}"))
    with pytest.raises(OSError, match="failure 3"):
        await backoff.wait_after(OSError("failure 3"))
    with pytest.raises(OSError, match="at once"):
        await Backoff(0).wait_after(OSError("at once"))
