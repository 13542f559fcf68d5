"""How long a call is tried whose failures are of more than one kind."""

import asyncio

import grpc
import pytest

from sessionstore import backoff
from sessionstore.errors import ServerBusyError, ServerUnavailableError, SessionStoreError
from sessionstore.repeating import Repeating
from sessionstore.v1.error_reason_pb2 import ErrorReason

TIMEOUT_SECONDS = 30.0

AWAY = ServerUnavailableError("nobody is there", code=grpc.StatusCode.UNAVAILABLE)
BUSY = ServerBusyError("busy", code=grpc.StatusCode.UNAVAILABLE, reason=ErrorReason.ERROR_REASON_BUSY)


class Clock:
    """A time that passes only while a call waits for its next try."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    async def pause(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", made)
    monkeypatch.setattr(backoff, "monotonic", made)
    monkeypatch.setattr(Repeating, "_pause", lambda _, seconds: made.pause(seconds))
    return made


@pytest.mark.parametrize("changes_after_seconds", [0.5, 2.0, 28.0, 29.0, 29.4])
@pytest.mark.parametrize("kinds", [(AWAY, BUSY), (BUSY, AWAY)], ids=["away, then busy", "busy, then away"])
async def test_another_kind_of_failure_does_not_make_a_call_longer(
    clock: Clock, changes_after_seconds: float, kinds: tuple[SessionStoreError, SessionStoreError]
) -> None:
    """Each try, the last one too, has time of its own before the deadline, so that the call fails for its reason."""
    repeating = Repeating()
    repeating.was_served = True
    given: list[float] = []

    async def call(timeout_seconds: float) -> None:
        given.append(timeout_seconds)
        raise kinds[clock.seconds >= changes_after_seconds]

    with pytest.raises(ServerUnavailableError) as failed:
        await repeating.repeat(call, TIMEOUT_SECONDS)
    assert failed.value in kinds
    assert min(given) > 0
    assert clock.seconds < TIMEOUT_SECONDS
