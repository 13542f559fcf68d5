"""What gRPC logs and nobody has to know."""

import logging
from collections.abc import Iterator

import grpc
import pytest

from sessiond.interceptors.lost_answers import leave_out_lost_answers


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """The one that gRPC writes to, which is left as it was."""
    found = logging.getLogger("grpc._cython.cygrpc")
    before = list(found.filters)
    leave_out_lost_answers()
    yield found
    found.filters[:] = before


def tell(log: logging.Logger, error: Exception) -> None:
    try:
        raise error
    except Exception:
        log.exception("raised in a call")


def test_an_answer_that_found_nobody_is_not_told(log: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    """The word of gRPC's for it stands for nothing else: a batch of operations that could not be carried out."""
    tell(log, grpc.aio.InternalError())
    assert [] == caplog.records


def test_who_wants_to_know_everything_is_told(log: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        tell(log, grpc.aio.InternalError())
    assert ["raised in a call"] == caplog.messages


def test_whatever_else_gets_lost_there_is_told(log: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    tell(log, ValueError("x"))
    log.error("without an exception")
    assert ["raised in a call", "without an exception"] == caplog.messages
